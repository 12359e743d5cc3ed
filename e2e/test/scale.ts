// Many pods at once: how far the Secret is ahead of the container, and how few calls it takes.
import { type Figure, percentiles } from '../harness/report.ts';
import { expect, PROVIDER, type Scene } from '../harness/scene.ts';
import type { Tenant } from '../harness/tenant.ts';

/** Milliseconds that AWS takes: the emulator alone would be flattering. */
const LATENCY_MS = 20;

/** Less than the five seconds that the controller gives an answer, as it begins to count before the gate does. */
const ATTEMPT_MS = 4000;

const ask = (path: string, secretName: string) => ({ provider: PROVIDER, path, secretName });

export async function scale(scene: Scene): Promise<void> {
	const { report, stage } = scene;
	await stage.gate.slow(LATENCY_MS);
	try {
		// Bursts meet a controller at work: signing in once is another figure, and was shown with the first pods.
		await served(scene);
		await distinct(scene, 'fifty', 50);
		const replicas = await scene.tenant('replicas');
		await report.scenario(
			'50 replicas',
			'one write; one call a second at most while pods appear',
			async () => {
				await scene.store('/prod/replicas/config', { KEY: 'fake' });
				const began = Date.now();
				const mark = await scene.mark();
				await replicas.deployment('web', 50, { request: ask('/prod/replicas/config', 'config') });
				await replicas.available('web', 180_000);
				return economy(scene, replicas, '/prod/replicas/config', { began, mark });
			},
		);
		await report.scenario(
			'rollout',
			'another path for 50 replicas: one write, one call a second',
			async () => {
				await scene.store('/prod/replicas/next', { KEY: 'fake-2' });
				const began = Date.now();
				const mark = await scene.mark();
				await replicas.rollout('web', { request: ask('/prod/replicas/next', 'config') });
				await replicas.available('web', 240_000);
				await scene.holds(replicas, 'config', { KEY: 'fake-2' });
				return economy(scene, replicas, '/prod/replicas/next', { began, mark });
			},
		);
		await replicas.delete();
		await distinct(scene, 'hundred', 100);
	} finally {
		await stage.gate.slow(0);
	}
}

async function served(scene: Scene): Promise<void> {
	const tenant = await scene.tenant('ahead');
	await scene.store('/prod/ahead/config', { KEY: 'fake' });
	await tenant.pod('first', { request: ask('/prod/ahead/config', 'config') });
	await tenant.printed('first');
	await tenant.delete();
}

type Since = { readonly began: number; readonly mark: number };

/** Holds calls, writes and misses since a moment against what the pods that appeared may cost. */
async function economy(scene: Scene, tenant: Tenant, path: string, { began, mark }: Since): Promise<Figure> {
	const appeared = [...scene.timeline.pods].filter(
		([key, { added }]) => key.startsWith(`${tenant.namespace}/`) && added >= began,
	);
	const reads = await scene.stage.gate.reads(mark);
	const calls = reads.filter(({ facts }) => facts['SecretId'] === path).map(({ at }) => at);
	const seconds = (Math.max(...calls) - Math.min(...calls)) / 1000;
	const writes = scene.timeline.changes(tenant.key('config'), began);
	const missed = misses(scene, tenant);
	const seen = `${calls.length} calls in ${seconds.toFixed(1)} s for ${appeared.length} pods, ${writes} write, ${missed} misses`;
	// One a second makes one more than there are seconds between them; on its way each may be late by part of one.
	expect(calls.length <= 2 + Math.floor(seconds) && writes === 1, seen);
	return { seen, overBudget: missed > 0 };
}

/** `count` pods with as many secrets: the Secret's time before the container's start, and from pod to Secret. */
async function distinct(scene: Scene, name: string, count: number): Promise<void> {
	const { report, timeline, stage } = scene;
	await report.scenario(
		`${count} pods, ${count} secrets`,
		'each starts with its own value, 0 misses',
		async () => {
			const tenant = await scene.tenant(name);
			const indices = Array.from({ length: count }, (_, index) => index);
			const path = (index: number) => `/prod/${name}/${index}`;
			await Promise.all(indices.map(index => scene.store(path(index), { VALUE: `fake-${name}-${index}` })));
			const mark = await scene.mark();
			await Promise.all(
				indices.map(index => tenant.pod(`p${index}`, { request: ask(path(index), `s${index}`) })),
			);
			const ahead: number[] = [];
			for (const index of indices) {
				const { env, started } = await tenant.printed(`p${index}`, 240_000);
				expect(env['VALUE'] === `fake-${name}-${index}`, `pod p${index} got something else`);
				ahead.push(started - (timeline.firstSeen(tenant.key(`s${index}`)) ?? Number.NaN));
			}
			const reads = (await stage.gate.reads(mark)).filter(({ facts }) =>
				facts['SecretId']?.startsWith(`/prod/${name}/`),
			);
			const latency = indices.map(index => {
				const added = timeline.pods.get(tenant.key(`p${index}`))?.added ?? Number.NaN;
				return (timeline.firstSeen(tenant.key(`s${index}`)) ?? Number.NaN) - added;
			});
			// By the controller's own clock: this run, busy with all those pods, hears of everything late.
			const took = await scene.controller.durations(await scene.controller.pod());
			const own = indices.map(index => {
				const read = reads.find(({ facts }) => facts['SecretId'] === path(index));
				return Math.max(0, (took.get(tenant.key(`s${index}`)) ?? Number.NaN) - (read?.tookMs ?? Number.NaN));
			});
			const missed = misses(scene, tenant);
			await tenant.delete();
			const seen =
				`pod to Secret ${percentiles(latency).text}, the controller's share of it ${percentiles(own).text}; ` +
				`Secret before container ${percentiles(ahead).text}, least ${Math.round(Math.min(...ahead))} ms; ${missed} misses`;
			// An answer that took longer than an attempt may is asked for again.
			const late = reads.filter(({ tookMs }) => tookMs > ATTEMPT_MS).length;
			const once = reads.length >= count && reads.length <= count + late;
			expect(once, `${reads.length} provider calls, ${late} answered too late; ${seen}`);
			return { seen, overBudget: missed > 0 };
		},
	);
}

/** Pods of a tenant whose container could not be made because its Secret was not there. */
export function misses(scene: Scene, { namespace }: Tenant): number {
	return [...scene.timeline.pods.keys()].filter(
		key => key.startsWith(`${namespace}/`) && hadToWait(scene, key),
	).length;
}

/** Of the pods that came one by one: their Secret is in time where the kubelet never had to ask twice. */
export async function punctuality(scene: Scene): Promise<void> {
	await scene.report.scenario('in time', 'no single pod has to wait for its Secret', async () => {
		const late = scene.punctual.filter(key => hadToWait(scene, key));
		const seen = `${scene.punctual.length - late.length} of ${scene.punctual.length} pods`;
		return { seen: [seen, ...late].join(', '), overBudget: late.length > 0 };
	});
}

function hadToWait({ timeline }: Scene, key: string): boolean {
	return timeline.pods.get(key)?.waits.has('CreateContainerConfigError') === true;
}

// Many pods at once: how far the Secret is ahead of the container, and how few calls it takes.
import { type Figure, percentiles } from '../report/report.ts';
import type { Tenant } from '../users/tenant.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

/** Milliseconds added to each call, because the emulator answers faster than AWS. */
const LATENCY_MS = 20;

/** Less than the controller's deadline of five seconds, which starts before the gate sees the call. */
const ATTEMPT_MS = 4000;

const ask = (path: string, secretName: string) => ({ provider: PROVIDER, path, secretName });

export async function scale(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	await environment.gate.slow(LATENCY_MS);
	try {
		// The first sign-in is measured elsewhere: here the controller has signed in before the burst.
		await served(context);
		await distinct(context, 'fifty', 50);
		const replicas = await context.tenant('replicas');
		await report.scenario(
			'50 replicas',
			'one write; one call a second at most while pods appear',
			async () => {
				await context.store('/prod/replicas/config', { KEY: 'fake' });
				const began = Date.now();
				const mark = await context.mark();
				await replicas.deployment('web', 50, { request: ask('/prod/replicas/config', 'config') });
				await replicas.available('web', 180_000);
				return economy(context, replicas, '/prod/replicas/config', { began, mark });
			},
		);
		await report.scenario(
			'rollout',
			'another path for 50 replicas: one write, one call a second',
			async () => {
				await context.store('/prod/replicas/next', { KEY: 'fake-2' });
				const began = Date.now();
				const mark = await context.mark();
				await replicas.rollout('web', { request: ask('/prod/replicas/next', 'config') });
				await replicas.available('web', 240_000);
				await context.holds(replicas, 'config', { KEY: 'fake-2' });
				return economy(context, replicas, '/prod/replicas/next', { began, mark });
			},
		);
		await replicas.delete();
		await distinct(context, 'hundred', 100);
	} finally {
		await environment.gate.slow(0);
	}
}

async function served(context: ScenarioContext): Promise<void> {
	const tenant = await context.tenant('ahead');
	await context.store('/prod/ahead/config', { KEY: 'fake' });
	await tenant.pod('first', { request: ask('/prod/ahead/config', 'config') });
	await tenant.printed('first');
	await tenant.delete();
}

type Since = { readonly began: number; readonly mark: number };

/** Holds calls, writes and misses since a moment against what the pods that appeared may cost. */
async function economy(
	context: ScenarioContext,
	tenant: Tenant,
	path: string,
	{ began, mark }: Since,
): Promise<Figure> {
	const appeared = [...context.timeline.pods].filter(
		([key, { added }]) => key.startsWith(`${tenant.namespace}/`) && added >= began,
	);
	const reads = await context.environment.gate.reads(mark);
	const calls = reads.filter(({ facts }) => facts['SecretId'] === path).map(({ at }) => at);
	const seconds = (Math.max(...calls) - Math.min(...calls)) / 1000;
	const writes = context.timeline.changes(tenant.key('config'), began);
	const missed = misses(context, tenant);
	const seen = `${calls.length} calls in ${seconds.toFixed(1)} s for ${appeared.length} pods, ${writes} write, ${missed} misses`;
	// One call a second makes one more than the seconds between the first and the last; each may arrive late.
	expect(calls.length <= 2 + Math.floor(seconds) && writes === 1, seen);
	return { seen, overBudget: missed > 0 };
}

/** `count` pods with as many secrets: the Secret's time before the container's start, and from pod to Secret. */
async function distinct(context: ScenarioContext, name: string, count: number): Promise<void> {
	const { report, timeline, environment } = context;
	await report.scenario(
		`${count} pods, ${count} secrets`,
		'each starts with its own value, 0 misses',
		async () => {
			const tenant = await context.tenant(name);
			const indices = Array.from({ length: count }, (_, index) => index);
			const path = (index: number) => `/prod/${name}/${index}`;
			await Promise.all(indices.map(index => context.store(path(index), { VALUE: `fake-${name}-${index}` })));
			const mark = await context.mark();
			await Promise.all(
				indices.map(index => tenant.pod(`p${index}`, { request: ask(path(index), `s${index}`) })),
			);
			const ahead: number[] = [];
			for (const index of indices) {
				const { env, started } = await tenant.printed(`p${index}`, 240_000);
				expect(env['VALUE'] === `fake-${name}-${index}`, `pod p${index} got something else`);
				ahead.push(started - (timeline.firstSeen(tenant.key(`s${index}`)) ?? Number.NaN));
			}
			const reads = (await environment.gate.reads(mark)).filter(({ facts }) =>
				facts['SecretId']?.startsWith(`/prod/${name}/`),
			);
			const latency = indices.map(index => {
				const added = timeline.pods.get(tenant.key(`p${index}`))?.added ?? Number.NaN;
				return (timeline.firstSeen(tenant.key(`s${index}`)) ?? Number.NaN) - added;
			});
			// By the controller's clock: under this load the run itself receives events late.
			const took = await context.controller.durations(await context.controller.pod());
			const own = indices.map(index => {
				const read = reads.find(({ facts }) => facts['SecretId'] === path(index));
				return Math.max(0, (took.get(tenant.key(`s${index}`)) ?? Number.NaN) - (read?.tookMs ?? Number.NaN));
			});
			const missed = misses(context, tenant);
			await tenant.delete();
			const seen =
				`pod to Secret ${percentiles(latency).text}, the controller's share of it ${percentiles(own).text}; ` +
				`Secret before container ${percentiles(ahead).text}, least ${Math.round(Math.min(...ahead))} ms; ${missed} misses`;
			// A call that takes longer than the deadline of an attempt is repeated.
			const late = reads.filter(({ tookMs }) => tookMs > ATTEMPT_MS).length;
			const once = reads.length >= count && reads.length <= count + late;
			expect(once, `${reads.length} provider calls, ${late} answered too late; ${seen}`);
			return { seen, overBudget: missed > 0 };
		},
	);
}

/** Pods of a tenant whose container could not be made because its Secret was not there. */
export function misses(context: ScenarioContext, { namespace }: Tenant): number {
	return [...context.timeline.pods.keys()].filter(
		key => key.startsWith(`${namespace}/`) && hadToWait(context, key),
	).length;
}

/** The pods that came one by one: a Secret is in time if the kubelet never had to ask twice. */
export async function punctuality(context: ScenarioContext): Promise<void> {
	await context.report.scenario('in time', 'no single pod has to wait for its Secret', async () => {
		const late = context.punctual.filter(key => hadToWait(context, key));
		const seen = `${context.punctual.length - late.length} of ${context.punctual.length} pods`;
		return { seen: [seen, ...late].join(', '), overBudget: late.length > 0 };
	});
}

function hadToWait({ timeline }: ScenarioContext, key: string): boolean {
	return timeline.pods.get(key)?.waits.has('CreateContainerConfigError') === true;
}

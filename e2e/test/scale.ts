// Many pods at once: how far the Secret is ahead of the container, and how few calls it takes.
import { percentiles } from '../harness/report.ts';
import { expect, PROVIDER, type Scene } from '../harness/scene.ts';
import type { Tenant } from '../harness/tenant.ts';

/** Milliseconds that AWS takes: the emulator alone would be flattering. */
const LATENCY_MS = 20;

const ask = (path: string, secretName: string) => ({ provider: PROVIDER, path, secretName });

export async function scale(scene: Scene): Promise<void> {
	const { report, stage, timeline } = scene;
	stage.gate.latencyMs = LATENCY_MS;
	try {
		await distinct(scene, 'fifty', 50);

		const replicas = await scene.tenant('replicas');
		await report.scenario('50 replicas', 'one provider call, one write', async () => {
			await scene.store('/prod/replicas/config', { KEY: 'fake' });
			const mark = scene.mark();
			await replicas.deployment('web', 50, { request: ask('/prod/replicas/config', 'config') });
			await replicas.available('web');
			const [calls, writes] = [scene.reads(mark), timeline.changes(replicas.key('config'))];
			const missed = misses(scene, replicas);
			expect(
				calls === 1 && writes === 1 && missed === 0,
				`${calls} calls, ${writes} writes, ${missed} misses`,
			);
			return `${calls} call, ${writes} write, 0 misses`;
		});
		await report.scenario('rollout', 'another path for 50 replicas: O(1) calls and writes', async () => {
			await scene.store('/prod/replicas/next', { KEY: 'fake-2' });
			const [mark, since] = [scene.mark(), Date.now()];
			await replicas.rollout('web', { request: ask('/prod/replicas/next', 'config') });
			await replicas.available('web', 180_000);
			await scene.holds(replicas, 'config', { KEY: 'fake-2' });
			const [calls, writes] = [scene.reads(mark), timeline.changes(replicas.key('config'), since)];
			expect(calls <= 3 && writes <= 2, `${calls} calls, ${writes} writes`);
			return `${calls} calls, ${writes} writes`;
		});
		await replicas.delete();

		await distinct(scene, 'hundred', 100);
	} finally {
		stage.gate.latencyMs = 0;
	}
}

/** `count` pods with as many secrets: the Secret's time before the container's start, and from pod to Secret. */
async function distinct(scene: Scene, name: string, count: number): Promise<void> {
	const { report, timeline } = scene;
	const title = `${count} pods, ${count} secrets`;
	await report.scenario(title, 'each starts with its own value, 0 misses', async () => {
		const tenant = await scene.tenant(name);
		const indices = Array.from({ length: count }, (_, index) => index);
		await Promise.all(
			indices.map(index => scene.store(`/prod/${name}/${index}`, { VALUE: `fake-${name}-${index}` })),
		);
		const mark = scene.mark();
		await Promise.all(
			indices.map(index => tenant.pod(`p${index}`, { request: ask(`/prod/${name}/${index}`, `s${index}`) })),
		);
		const ahead: number[] = [];
		const latency: number[] = [];
		for (const index of indices) {
			const { env, started } = await tenant.printed(`p${index}`, 180_000);
			expect(env['VALUE'] === `fake-${name}-${index}`, `pod p${index} got something else`);
			const written = timeline.firstSeen(tenant.key(`s${index}`)) ?? Number.NaN;
			ahead.push(started - written);
			latency.push(written - (timeline.pods.get(tenant.key(`p${index}`))?.added ?? Number.NaN));
		}
		const missed = misses(scene, tenant);
		expect(missed === 0, `${missed} pods had to wait for their Secret`);
		const calls = scene.reads(mark);
		expect(calls === count, `${calls} provider calls`);
		await tenant.delete();
		return (
			`pod to Secret ${percentiles(latency).text} (AWS ${LATENCY_MS} ms); ` +
			`Secret before container p50 ${Math.round(percentiles(ahead).p50)} ms, least ${Math.round(Math.min(...ahead))} ms`
		);
	});
}

/** Pods of a tenant whose container could not be made because its Secret was not there. */
export function misses({ timeline }: Scene, { namespace }: Tenant): number {
	const own = [...timeline.pods].filter(([key]) => key.startsWith(`${namespace}/`));
	return own.filter(([, { waits }]) => waits.has('CreateContainerConfigError')).length;
}

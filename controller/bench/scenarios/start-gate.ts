// Pods behind the start gate: what a release costs, bursts and replicas of waiting pods, and memory for 10,000 of them.
import type { KubeObject } from '../../testing/index.ts';
import { type Bench, PROVIDER_MS } from '../bench.ts';
import { latencies, pause, until } from '../cluster.ts';
import { writesOf } from '../endpoints.ts';
import type { Quantity } from '../measurement.ts';
import { type Pod, storedForm } from '../pod-fixtures.ts';
import { cpuSecondsOf, memoryOf } from '../process-facts.ts';
import type { Running } from '../process-under-test.ts';

const AT_ONCE = 100;
const CROWD = 10_000;
/** JASM proves its guard on this pod. */
const OWN_POD = 'jasm-of-the-benchmark';

const ms = (what: string, judged: Quantity['judged'], budget?: number): Quantity => ({
	what,
	unit: 'ms',
	judged,
	...(budget !== undefined && { budget }),
});
const ONE = 'one gated pod: event → released, minus the provider';
const SHARE = '… of that, from the Secret to the release';
const BURST = `${AT_ONCE} gated pods at once, ${AT_ONCE} Secrets, provider ${PROVIDER_MS} ms: event → released`;
const REPLICAS = `${AT_ONCE} gated replicas of one Secret: first event → last release`;
const CROWD_OF = `${CROWD} gated pods, 200 Secrets`;
const MEMORY: Quantity = { what: `RSS: ${CROWD_OF}, all waiting`, unit: 'MB', judged: 'median' };
const PEAK: Quantity = { what: '… peak, until all are released', unit: 'MB', budget: 100, judged: 'median' };
const SECONDS: Quantity = { what: '… secrets appear → last release', unit: 's', judged: 'median' };

export async function startGate(bench: Bench): Promise<void> {
	const { embedded } = bench.cluster;
	const releasedAt = new Map<string, number>();
	const unsubscribe = embedded!.onChange((kind, { type, object }) => {
		if (kind === 'Pod' && type === 'MODIFIED' && !isGated(object.object)) {
			releasedAt.set(object.key, performance.now());
		}
	});
	const stage = { bench, releasedAt };
	await oneByOne(stage);
	await burst(stage);
	await replicas(stage);
	await crowd(stage);
	unsubscribe();
}

type Stage = { readonly bench: Bench; readonly releasedAt: Map<string, number> };

const isGated = ({ spec }: KubeObject) =>
	((spec as { schedulingGates?: unknown[] } | undefined)?.schedulingGates ?? []).length > 0;
const gated = (pods: readonly Pod[]): Pod[] => pods.map(pod => ({ ...pod, gated: true }));
const podKey = ({ namespace, name }: Pod) => `${namespace}/${name}`;

async function controllerOf(bench: Bench): Promise<Running> {
	const pod = storedForm({ namespace: 'jasm', name: OWN_POD }, { uid: crypto.randomUUID(), round: 0 });
	bench.cluster.embedded!.seed('Pod', [pod]);
	return bench.start('controller', { config: { start: { release: true } }, podName: OWN_POD });
}

/** Creates these pods and waits until each is released. */
async function release({ bench, releasedAt }: Stage, pods: readonly Pod[], timeoutMs?: number) {
	await bench.cluster.addPods(pods);
	await released(releasedAt, pods, timeoutMs);
}

const released = (releasedAt: ReadonlyMap<string, number>, pods: readonly Pod[], timeoutMs?: number) =>
	until(
		`the release of ${pods.length} pods`,
		() => pods.every(pod => releasedAt.has(podKey(pod))),
		timeoutMs,
	);

async function forget({ bench, releasedAt }: Stage, pods: readonly Pod[]): Promise<void> {
	releasedAt.clear();
	await bench.cluster.removePods(pods);
}

async function oneByOne(stage: Stage): Promise<void> {
	const { bench, releasedAt } = stage;
	const running = await controllerOf(bench);
	const whole: number[] = [];
	const share: number[] = [];
	// The first one signs in to the provider.
	const [first, ...pods] = gated(bench.pods(bench.short ? 40 : 301));
	await release(stage, [first!]);
	for (const pod of pods) {
		await release(stage, [pod]);
		const at = releasedAt.get(podKey(pod))!;
		const toSecret = latencies(bench.cluster, [pod])[0]!;
		const toRelease = at - bench.cluster.podAt.get(podKey(pod))!;
		whole.push(toRelease - bench.providerMs);
		share.push(toRelease - toSecret);
		await pause(10 + 20 * Math.random());
	}

	await running.stop();
	await forget(stage, [first!, ...pods]);
	for (const [what, samples] of [
		[ONE, whole],
		[SHARE, share],
	] as const) {
		bench.report(ms(`${what}, p50`, 'median'), 'controller', samples);
		bench.report(ms(`${what}, p99`, 'p99'), 'controller', samples);
	}
}

async function burst(stage: Stage): Promise<void> {
	const { bench, releasedAt } = stage;
	const running = await controllerOf(bench);
	const samples: number[] = [];
	const last: number[] = [];
	for (let run = 0; run < (bench.short ? 2 : 6); run++) {
		const pods = gated(bench.pods(AT_ONCE));
		await release(stage, pods);
		const { podAt } = bench.cluster;
		const took = pods.map(pod => releasedAt.get(podKey(pod))! - podAt.get(podKey(pod))!);
		// The first burst of a process pays for its start.
		if (run > 0) {
			samples.push(...took);
			last.push(Math.max(...took));
		}

		await forget(stage, pods);
		await pause(500);
	}

	await running.stop();
	bench.report(ms(`${BURST}, p50`, 'median'), 'controller', samples);
	bench.report(ms(`${BURST}, p99`, 'p99'), 'controller', samples);
	bench.report(ms('… the last of a burst', 'median'), 'controller', last);
}

async function replicas(stage: Stage): Promise<void> {
	const { bench, releasedAt } = stage;
	const { environment, cluster } = bench;
	const running = await controllerOf(bench);
	const samples: number[] = [];
	const cpuMs: number[] = [];
	const reads: number[] = [];
	const writes: number[] = [];
	for (let run = 0; run < (bench.short ? 2 : 6); run++) {
		const pods = gated(bench.pods(AT_ONCE)).map((pod, _, all) => ({ ...pod, secretName: all[0]!.name }));
		const before = {
			reads: environment.provider.count('GetSecretValue'),
			writes: (await writesOf(running))!,
		};
		const cpu = cpuSecondsOf(running.pid);
		await release(stage, pods);
		const from = Math.min(...pods.map(pod => cluster.podAt.get(podKey(pod))!));
		const to = Math.max(...pods.map(pod => releasedAt.get(podKey(pod))!));
		if (run > 0) {
			samples.push(to - from);
			cpuMs.push(((cpuSecondsOf(running.pid) - cpu) * 1_000) / AT_ONCE);
			reads.push(environment.provider.count('GetSecretValue') - before.reads);
			writes.push((await writesOf(running))! - before.writes);
		}

		await forget(stage, pods);
		await pause(500);
	}

	await running.stop();
	bench.report(ms(REPLICAS, 'max', 500), 'controller', samples);
	bench.report(ms('… CPU of one release', 'median'), 'controller', cpuMs);
	bench.report(
		{ what: '… reads from the provider', unit: '', judged: 'max', budget: 2 },
		'controller',
		reads,
	);
	bench.report({ what: '… writes of the Secret', unit: '', judged: 'max', budget: 2 }, 'controller', writes);
}

/** The secrets do not exist at first: every pod waits. */
async function crowd(stage: Stage): Promise<void> {
	const { bench } = stage;
	if (bench.short) {
		bench.report(MEMORY, 'controller', [], 'not in a short run');
		return;
	}

	const absent = (pod: Pod, index: number): Pod => ({
		...pod,
		secretName: `waited-for-${Math.floor(index / 50) % 4}`,
	});
	const pods = gated(bench.pods(CROWD, { namespaces: 50 })).map(absent);
	await bench.cluster.addPods(pods);
	await bench.cluster.warmUp();
	const running = await controllerOf(bench);
	await pause(20_000);
	bench.report(MEMORY, 'controller', [memoryOf(running.pid).rss]);
	const from = performance.now();
	bench.fill(pods);
	await released(stage.releasedAt, pods, 400_000);
	bench.report(SECONDS, 'controller', [(performance.now() - from) / 1_000]);
	bench.report(PEAK, 'controller', [memoryOf(running.pid).peak]);
	await running.stop();
	await forget(stage, pods);
}

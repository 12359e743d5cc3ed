// Secrets that change at their store: how late they arrive, and what 10,000 at once cost pods that appear meanwhile.
import { startSecretsManager, startSqs } from '../../testing/index.ts';
import { type Bench, PROVIDER_MS } from '../bench.ts';
import { keyOf, latencies, pause, secretsOf, until } from '../cluster.ts';
import type { Quantity } from '../measurement.ts';
import { type Pod, PREFIX, PROVIDER, pathOf } from '../pod-fixtures.ts';
import { memoryOf, resetPeak } from '../process-facts.ts';
import { type Running, start } from '../process-under-test.ts';
import { secondsOfWrites } from './writes-per-second.ts';

const FOLLOWERS = 100;
const NAMESPACES = 20;
const AT_ONCE = 100;
/** The number of Secrets of one provider that are synced at a time. They share a read; the next ones share another. */
const RUNS_PER_PROVIDER = 64;
/** As in docs/rotation.md: the default of `changes.minSeconds`, and a little more. */
const BETWEEN_ROTATIONS_MS = 5_500;
const WRITES_PER_SECOND = 50;
const QUEUE = 'jasm-bench';

const ONE = `one rotated secret, ${FOLLOWERS} Secrets in ${NAMESPACES} namespaces: change → Secret`;
const ms = (what: string, judged: Quantity['judged']): Quantity => ({ what, unit: 'ms', judged });
const count = (what: string, budget: number): Quantity => ({ what, unit: '', judged: 'max', budget });
const mb = (what: string, budget?: number): Quantity => ({
	what,
	unit: 'MB',
	judged: 'median',
	...(budget !== undefined && { budget }),
});

/** The store, its queue, and when which Secret got another value. */
type Stage = {
	readonly bench: Bench;
	readonly reads: () => number;
	readonly updatedAt: Map<string, number>;
	readonly updates: number[];
	/** New values without a notice. */
	fill(pods: readonly Pod[]): void;
	/** New values, with a notice of each. */
	rotate(pods: readonly Pod[]): void;
	startController(options: { readonly notices: boolean }): Promise<Running>;
	close(): Promise<void>;
};

export async function rotation(bench: Bench): Promise<void> {
	const stage = await startStage(bench);
	try {
		await oneSource(stage);
		await manyAtOnce(stage);
	} finally {
		await stage.close();
	}
}

const sourceOf = ({ namespace, secretName, source }: Pod) => source?.path ?? pathOf(namespace, secretName!);

async function startStage(bench: Bench): Promise<Stage> {
	const sqs = await startSqs();
	const queueUrl = sqs.create(QUEUE);
	const provider = await startSecretsManager({
		latencyMs: PROVIDER_MS,
		onLabelUpdated(event) {
			if (tells) {
				sqs.send(QUEUE, event);
			}
		},
	});
	let tells = false;
	const updatedAt = new Map<string, number>();
	const updates: number[] = [];
	const unsubscribe = bench.cluster.embedded!.onChange((kind, { type, object }) => {
		if (kind === 'Secret' && type === 'MODIFIED') {
			updatedAt.set(object.key, performance.now());
			updates.push(performance.now());
		}
	});
	let values = 0;
	const fill = (pods: readonly Pod[]) => {
		const password = `value ${values++}`;
		for (const path of new Set(pods.map(sourceOf))) {
			provider.put(path, { username: 'app', password });
		}
	};
	return {
		bench,
		updatedAt,
		updates,
		reads: () => provider.count('GetSecretValue'),
		fill,
		rotate(pods) {
			tells = true;
			fill(pods);
			tells = false;
		},
		startController: ({ notices }) =>
			start(
				'controller',
				{ cluster: bench.cluster, provider },
				{
					// Its replies can take longer than a lease lasts while 10,000 Secrets are written on the same cores.
					leaderElect: false,
					config: {
						policy: [{ namespaces: [`${PREFIX}*`], provider: PROVIDER, paths: ['/bench/**'] }],
						...(notices && { changes: { sources: [{ kind: 'sqs', queueUrl, providers: [PROVIDER] }] } }),
					},
				},
			),
		async close() {
			unsubscribe();
			await sqs.close();
			await provider.close();
		},
	};
}

const updated = ({ updatedAt }: Stage, pods: readonly Pod[], timeoutMs: number) =>
	until(
		`the new value in ${pods.length} Secrets`,
		() => pods.every(pod => updatedAt.has(keyOf(pod))),
		timeoutMs,
	);

async function oneSource(stage: Stage): Promise<void> {
	const { bench, updatedAt, updates, reads } = stage;
	const source = { provider: PROVIDER, path: '/bench/shared/db' };
	const pods = bench.pods(FOLLOWERS, { namespaces: NAMESPACES }).map((pod): Pod => ({ ...pod, source }));
	stage.fill(pods);
	const running = await stage.startController({ notices: true });
	await bench.sync(pods);
	const lags: number[] = [];
	const perRotation = { reads: [] as number[], writes: [] as number[] };
	for (let run = 0; run < (bench.short ? 3 : 12); run++) {
		await pause(BETWEEN_ROTATIONS_MS);
		updatedAt.clear();
		const before = { reads: reads(), writes: updates.length };
		const from = performance.now();
		stage.rotate(pods);
		await updated(stage, pods, 60_000);
		await pause(500);
		// The first rotation of a process pays for its start.
		if (run > 0) {
			lags.push(...pods.map(pod => updatedAt.get(keyOf(pod))! - from));
			perRotation.reads.push(reads() - before.reads);
			perRotation.writes.push(updates.length - before.writes);
		}
	}

	await running.stop();
	await bench.cluster.removePods(pods);
	bench.report(ms(`${ONE}, p50`, 'median'), 'controller', lags);
	bench.report(ms(`${ONE}, p99`, 'p99'), 'controller', lags);
	const budget = Math.ceil(FOLLOWERS / RUNS_PER_PROVIDER);
	bench.report(count('… reads from the provider', budget), 'controller', perRotation.reads);
	bench.report(count('… writes of Secrets', FOLLOWERS), 'controller', perRotation.writes);
}

async function manyAtOnce(stage: Stage): Promise<void> {
	const { bench, updatedAt, updates, reads } = stage;
	const crowd = bench.short ? 1_000 : 10_000;
	const pods = bench.pods(crowd, { namespaces: 50 });
	const of = `${crowd} Secrets`;
	stage.fill(pods);
	await bench.cluster.addPods(pods);
	await bench.cluster.warmUp();

	const off = await stage.startController({ notices: false });
	await secretsOf(bench.cluster, pods, 600_000);
	const idleOff = await idle(bench, off);
	resetPeak(off.pid);
	await newPods(stage);
	const peakOff = memoryOf(off.pid).peak;
	await off.stop();

	const readsAtStart = reads();
	const on = await stage.startController({ notices: true });
	await until('the initial sync', () => reads() - readsAtStart >= crowd, 600_000);
	const idleOn = await idle(bench, on);
	const without = await newPods(stage);
	updatedAt.clear();
	updates.length = 0;
	const readsBefore = reads();
	resetPeak(on.pid);
	const from = performance.now();
	stage.rotate(pods);
	await pause(2_000);
	const beside = await newPods(stage);
	await updated(stage, pods, 900_000);
	const seconds = (performance.now() - from) / 1_000;
	const peakOn = memoryOf(on.pid).peak;
	await on.stop();
	await bench.cluster.removePods(pods);

	const rotated = `${crowd} secrets rotated at once`;
	const p99 = (samples: readonly number[]) =>
		samples.toSorted((a, b) => a - b)[Math.ceil(samples.length * 0.99) - 1]!;
	const appear = `${AT_ONCE} new pods at once beside ${of}: event → Secret`;
	bench.report(ms(`${appear}, p99, at rest`, 'p99'), 'controller', without);
	bench.report(ms(`${appear}, p99, while all are rotated`, 'p99'), 'controller', beside);
	const ratio: Quantity = { what: '… ratio of the two', unit: '×', judged: 'median', budget: 1.25 };
	bench.report(ratio, 'controller', [p99(beside) / p99(without)]);
	bench.report({ what: `${rotated} → last Secret`, unit: 's', judged: 'median' }, 'controller', [seconds]);
	bench.report(
		count('… reads from the provider, those for new pods included', crowd + WARM_AND_MEASURED),
		'controller',
		[reads() - readsBefore],
	);
	bench.report(
		count('… writes because of notices per second, over ten seconds', WRITES_PER_SECOND),
		'controller',
		secondsOfWrites(updates),
	);
	bench.report(mb(`RSS: ${of}, notices off, idle`), 'controller', [idleOff]);
	bench.report(mb('… notices on, idle, more than that', 10), 'controller', [idleOn - idleOff]);
	bench.report(mb(`peak RSS: ${of}, notices off, new pods`), 'controller', [peakOff]);
	bench.report(mb('… all rotated beside new pods, more than that', 10), 'controller', [peakOn - peakOff]);
}

const BATCHES = 6;
const WARM_AND_MEASURED = BATCHES * AT_ONCE;

/** Latencies of new pods, in batches. The first one does not count. */
async function newPods({ bench, fill }: Stage): Promise<number[]> {
	const samples: number[] = [];
	for (let batch = 0; batch < BATCHES; batch++) {
		const pods = bench.pods(AT_ONCE);
		fill(pods);
		await bench.sync(pods, 300_000);
		samples.push(...(batch === 0 ? [] : latencies(bench.cluster, pods)));
		await bench.cluster.removePods(pods);
		await pause(1_500);
	}

	return samples;
}

async function idle(bench: Bench, { pid }: Running): Promise<number> {
	await pause(bench.short ? 5_000 : 20_000);
	return memoryOf(pid).rss;
}

// Ten thousand pods, two hundred of which ask for a Secret.
import { type Bench, PROVIDER_MS } from '../bench.ts';
import { pause, secretsOf } from '../cluster.ts';
import { probe } from '../endpoints.ts';
import type { Quantity } from '../measurement.ts';
import type { Pod } from '../pod-fixtures.ts';
import { cpuSecondsOf, memoryOf, resetPeak } from '../process-facts.ts';
import type { ProcessUnderTest, Running } from '../process-under-test.ts';
import { tlsFront } from '../tls-front.ts';

export const PODS = 10_000;
const NAMESPACES = 50;
const SYNCED = '10,000 pods, 200 annotated, synced';

const START: Quantity = {
	what: 'start → 10,000 pods synced, ready',
	unit: 's',
	budget: 1,
	judged: 'median',
};
const RSS: Quantity = { what: `RSS, ${SYNCED}`, unit: 'MB', budget: 85, judged: 'median' };
const ANON: Quantity = { what: '… anonymous part', unit: 'MB', judged: 'median' };
const FILE: Quantity = {
	what: '… pages of the node binary, reclaimable',
	unit: 'MB',
	judged: 'median',
};
const TLS: Quantity = {
	what: 'RSS, the same with TLS to the provider',
	unit: 'MB',
	budget: 85,
	judged: 'median',
};
const PEAK: Quantity = {
	what: 'peak RSS: start and initial sync',
	unit: 'MB',
	budget: 85,
	judged: 'median',
};
const STREAM_PEAK: Quantity = {
	what: 'peak RSS: bursts of 100 among 10,000s of other events',
	unit: 'MB',
	budget: 85,
	judged: 'median',
};
const STREAM: Quantity = {
	what: 'CPU of an event that no Secret depends on',
	unit: 'µs',
	budget: 20,
	judged: 'median',
};
const MATCHING: Quantity = {
	what: 'CPU of an event of an annotated pod, nothing changed',
	unit: 'µs',
	budget: 100,
	judged: 'median',
};
const REST: Quantity = {
	what: 'CPU at rest: watch, lease, probes, metrics',
	unit: '%',
	budget: 0.1,
	judged: 'median',
};

export async function population(bench: Bench): Promise<void> {
	const { cluster } = bench;
	const pods = bench.pods(PODS, { namespaces: NAMESPACES, every: 50 });
	await cluster.addPods(pods);
	await cluster.touchPods(pods);
	await cluster.warmUp();
	await starts(bench, pods);
	if (!bench.short) {
		await overTls(bench, pods);
	}

	for (const processUnderTest of bench.subjects) {
		const running = await bench.start(processUnderTest);
		await atRest(bench, processUnderTest, running);
		await stream(bench, processUnderTest, running, pods);
		await running.stop();
	}

	await cluster.removePods(pods);
}

async function starts(bench: Bench, pods: readonly Pod[]): Promise<void> {
	const samples = {
		ready: [] as number[],
		rss: [] as number[],
		anon: [] as number[],
		file: [] as number[],
		peak: [] as number[],
	};
	const all = new Map<ProcessUnderTest, typeof samples>(
		bench.subjects.map(processUnderTest => [processUnderTest, structuredClone(samples)]),
	);
	for (let run = 0; run < (bench.short ? 1 : 5); run++) {
		for (const processUnderTest of bench.subjects) {
			const running = await bench.start(processUnderTest);
			await secretsOf(bench.cluster, pods);
			await pause(bench.short ? 1_500 : 3_000);
			const { rss, anon, file, peak } = memoryOf(running.pid);
			const { ready, ...of } = all.get(processUnderTest)!;
			ready.push(running.readyMs / 1_000);
			of.rss.push(rss);
			of.anon.push(anon);
			of.file.push(file);
			of.peak.push(peak);
			await running.stop();
		}
	}

	for (const [processUnderTest, { ready, rss, anon, file, peak }] of all) {
		bench.report(START, processUnderTest, ready);
		bench.report(RSS, processUnderTest, rss);
		bench.report(ANON, processUnderTest, anon);
		bench.report(FILE, processUnderTest, file);
		bench.report(PEAK, processUnderTest, peak);
	}
}

async function overTls(bench: Bench, pods: readonly Pod[]): Promise<void> {
	const front = await tlsFront(bench.environment.provider.url);
	const samples: number[] = [];
	for (let run = 0; run < 3; run++) {
		const running = await bench.start('controller', { front });
		await secretsOf(bench.cluster, pods);
		await pause(3_000);
		samples.push(memoryOf(running.pid).rss);
		await running.stop();
	}

	await front.close();
	bench.report(TLS, 'controller', samples);
}

/** As a kubelet and a Prometheus would ask. */
async function atRest(bench: Bench, processUnderTest: ProcessUnderTest, running: Running): Promise<void> {
	if (bench.short) {
		bench.report(REST, processUnderTest, [], 'not in a short run');
		return;
	}

	// What its start left behind is cleared away only after some idle seconds.
	await pause(30_000);
	const seconds = 60;
	const { health, metrics } = running.ports;
	const before = cpuSecondsOf(running.pid);
	for (let second = 0; second < seconds; second++) {
		await pause(1_000);
		if (health !== undefined && second % 5 === 0) {
			await probe(health, '/readyz');
		}

		if (health !== undefined && second % 20 === 0) {
			await probe(health, '/livez');
		}

		if (metrics !== undefined && second % 30 === 0) {
			await probe(metrics, '/metrics');
		}
	}

	bench.report(REST, processUnderTest, [((cpuSecondsOf(running.pid) - before) / seconds) * 100]);
}

async function stream(
	bench: Bench,
	processUnderTest: ProcessUnderTest,
	running: Running,
	pods: readonly Pod[],
): Promise<void> {
	const others = pods.filter(({ secretName }) => secretName === undefined);
	const annotated = pods.filter(({ secretName }) => secretName !== undefined);
	const rounds = bench.short ? 1 : 10;
	const plain: number[] = [];
	const matching: number[] = [];
	resetPeak(running.pid);
	for (let round = 0; round < rounds; round++) {
		plain.push(await cpuPerEvent(bench, running, others.slice(0, bench.cluster.eventsPerRound)));
		const burst = bench.pods(100);
		await bench.sync(burst);
		await pause(PROVIDER_MS + 500);
		await bench.cluster.removePods(burst);
	}

	bench.report(STREAM_PEAK, processUnderTest, [memoryOf(running.pid).peak]);
	for (let round = 0; round < rounds; round++) {
		matching.push(await cpuPerEvent(bench, running, annotated));
	}

	bench.report(STREAM, processUnderTest, plain);
	bench.report(MATCHING, processUnderTest, matching);
}

/** Microseconds of CPU for each status change of these pods. */
async function cpuPerEvent(bench: Bench, { pid }: Running, pods: readonly Pod[]): Promise<number> {
	const before = cpuSecondsOf(pid);
	for (let from = 0; from < pods.length; from += 100) {
		await bench.cluster.touchPods(pods.slice(from, from + 100));
		await pause(20);
	}

	await pause(300);
	return ((cpuSecondsOf(pid) - before) / pods.length) * 1e6;
}

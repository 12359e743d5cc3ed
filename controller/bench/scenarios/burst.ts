// A hundred pods at once, a hundred Secrets; how late the last ones are and what it takes.
import { type Bench, PROVIDER_MS } from '../bench.ts';
import { latencies, pause } from '../cluster.ts';
import { writesOf } from '../endpoints.ts';
import type { Quantity } from '../measurement.ts';
import { cpuSecondsOf, localPortsOf } from '../process-facts.ts';
import type { ProcessUnderTest, Running } from '../process-under-test.ts';

const PODS = 100;
const WHAT = `${PODS} pods at once, provider ${PROVIDER_MS} ms`;

const latency = (state: string, statistic: 'p50' | 'p99', budget?: number): Quantity => ({
	what: `${WHAT}: event → Secret, ${state}, ${statistic}`,
	unit: 'ms',
	...(budget !== undefined && { budget }),
	judged: statistic === 'p50' ? 'median' : 'p99',
});
const CPU: Quantity = { what: `${WHAT}: CPU of one sync, warm`, unit: 'ms', judged: 'median' };
const WRITES: Quantity = {
	what: 'writes of Secrets for 100 syncs',
	unit: '',
	budget: PODS,
	judged: 'max',
};
const CONNECTIONS: Quantity = {
	what: 'connections to the API server, the watch included',
	unit: '',
	budget: 2,
	judged: 'max',
};

export async function burst(bench: Bench): Promise<void> {
	const cold = new Map<ProcessUnderTest, number[]>();
	const warm = new Map<ProcessUnderTest, number[]>();
	const cpu = new Map<ProcessUnderTest, number[]>();
	const add = (
		samples: Map<ProcessUnderTest, number[]>,
		processUnderTest: ProcessUnderTest,
		values: readonly number[],
	) => samples.set(processUnderTest, [...(samples.get(processUnderTest) ?? []), ...values]);

	const runs = bench.short ? 1 : 5;
	for (let run = 0; run < runs; run++) {
		for (const processUnderTest of bench.subjects) {
			const running = await bench.start(processUnderTest);
			// What it does at its start is over; nothing was ever read or written.
			await pause(1_000);
			add(cold, processUnderTest, (await once(bench, running)).latencies);
			for (let more = 0; more < 4; more++) {
				await pause(500);
				const { latencies, cpuMs } = await once(bench, running);
				add(warm, processUnderTest, latencies);
				add(cpu, processUnderTest, [cpuMs / PODS]);
			}

			if (run === 0) {
				await requests(bench, processUnderTest, running);
			}

			await running.stop();
		}
	}

	for (const processUnderTest of bench.subjects) {
		bench.report(latency('cold', 'p50'), processUnderTest, cold.get(processUnderTest)!);
		bench.report(latency('cold', 'p99', 100), processUnderTest, cold.get(processUnderTest)!);
		bench.report(latency('warm', 'p50'), processUnderTest, warm.get(processUnderTest)!);
		bench.report(latency('warm', 'p99', 100), processUnderTest, warm.get(processUnderTest)!);
		bench.report(CPU, processUnderTest, cpu.get(processUnderTest)!);
	}
}

async function once(bench: Bench, { pid }: Running) {
	const pods = bench.pods(PODS);
	await bench.cluster.prepare(pods);
	const cpuBefore = cpuSecondsOf(pid);
	await bench.sync(pods);
	const cpuMs = (cpuSecondsOf(pid) - cpuBefore) * 1_000;
	const result = { latencies: latencies(bench.cluster, pods), cpuMs };
	await bench.cluster.removePods(pods);
	return result;
}

async function requests(bench: Bench, processUnderTest: ProcessUnderTest, running: Running): Promise<void> {
	const before = await writesOf(running);
	const pods = bench.pods(PODS);
	await bench.sync(pods);
	await pause(200);
	const after = await writesOf(running);
	const port = bench.cluster.access.port;
	if (before !== undefined) {
		bench.report(WRITES, processUnderTest, [after! - before]);
	}

	bench.report(CONNECTIONS, processUnderTest, [localPortsOf(running.pid, port).length]);
	await bench.cluster.removePods(pods);
}

// An API server without WatchList, so that ten thousand pods come as pages of a list.
import { Bench } from '../bench.ts';
import { pause, secretsOf } from '../cluster.ts';
import { startEmbeddedCluster } from '../embedded-cluster.ts';
import type { Quantity } from '../measurement.ts';
import { cpuSecondsOf, memoryOf } from '../process-facts.ts';
import { PODS } from './population.ts';

const PEAK: Quantity = {
	what: 'no WatchList: peak RSS of start and lists',
	unit: 'MB',
	budget: 85,
	judged: 'median',
};
const READY: Quantity = { ...PEAK, what: 'no WatchList: start → synced, ready', unit: 's', budget: 1 };
const CPU: Quantity = { ...PEAK, what: 'no WatchList: CPU of the lists', unit: 'ms', budget: 400 };

export async function listFallback(bench: Bench): Promise<void> {
	const cluster = await startEmbeddedCluster({ watchList: 'off' });
	const own = new Bench({ environment: { ...bench.environment, cluster }, short: bench.short });
	const empty = await own.start('controller');
	const startMs = cpuSecondsOf(empty.pid) * 1_000;
	await empty.stop();
	const pods = own.pods(PODS, { namespaces: 50, every: 0 });
	await cluster.addPods(pods);
	await cluster.warmUp();
	const peak: number[] = [];
	const ready: number[] = [];
	const cpu: number[] = [];
	for (let run = 0; run < (bench.short ? 1 : 5); run++) {
		const running = await own.start('controller');
		ready.push(running.readyMs / 1_000);
		cpu.push(cpuSecondsOf(running.pid) * 1_000 - startMs);
		await secretsOf(cluster, pods);
		await pause(1_000);
		peak.push(memoryOf(running.pid).peak);
		await running.stop();
	}

	await cluster.close();
	bench.report(PEAK, 'controller', peak);
	bench.report(READY, 'controller', ready);
	bench.report(CPU, 'controller', cpu);
}

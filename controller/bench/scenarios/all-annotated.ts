// The worst case, ten thousand pods that all ask for a Secret of their own, and a start among them.
import type { Bench } from '../bench.ts';
import { pause, secretsOf } from '../cluster.ts';
import type { Quantity } from '../measurement.ts';
import { cpuSecondsOf, memoryOf } from '../process-facts.ts';

const PODS = 10_000;
const CASE = '10,000 annotated pods, 10,000 Secrets';
const PEAK: Quantity = { what: `peak RSS: ${CASE}`, unit: 'MB', budget: 100, judged: 'median' };
const SETTLED: Quantity = {
	what: '… 10 s after the last one',
	unit: 'MB',
	judged: 'median',
};
const SECONDS: Quantity = { what: '… start → all Secrets written', unit: 's', judged: 'median' };
const CPU: Quantity = { what: '… CPU of one sync', unit: 'ms', judged: 'median' };

export async function allAnnotated(bench: Bench): Promise<void> {
	const { cluster } = bench;
	if (bench.short) {
		bench.report(PEAK, 'controller', [], 'not in a short run');
		return;
	}

	for (const processUnderTest of bench.subjects) {
		// Spread, so that no namespace meets the limit of its own.
		const pods = bench.pods(PODS, { namespaces: 50 });
		await cluster.addPods(pods);
		await cluster.touchPods(pods);
		await cluster.warmUp();
		const startedAt = performance.now();
		const running = await bench.start(processUnderTest);
		await secretsOf(cluster, pods, 300_000);
		const seconds = (performance.now() - startedAt) / 1_000;
		const cpuMs = (cpuSecondsOf(running.pid) * 1_000) / PODS;
		await pause(10_000);
		const { peak, rss } = memoryOf(running.pid);
		await running.stop();
		await cluster.removePods(pods);
		bench.report(PEAK, processUnderTest, [peak]);
		bench.report(SETTLED, processUnderTest, [rss]);
		bench.report(SECONDS, processUnderTest, [seconds]);
		bench.report(CPU, processUnderTest, [cpuMs]);
	}
}

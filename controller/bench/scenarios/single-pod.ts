// One pod at a time, from its event to its Secret, without what the provider takes.
import type { Bench } from '../bench.ts';
import { latencies, pause } from '../cluster.ts';
import type { Quantity } from '../measurement.ts';

const WHAT = 'one pod: event → Secret, minus the provider';
const MEDIAN: Quantity = { what: `${WHAT}, p50`, unit: 'ms', budget: 5, judged: 'median' };
const TAIL: Quantity = { what: `${WHAT}, p99`, unit: 'ms', budget: 25, judged: 'p99' };

const FIRST: Quantity = {
	what: 'the first pod after a start: event → Secret, sign-in included',
	unit: 'ms',
	judged: 'median',
};

export async function singlePod(bench: Bench): Promise<void> {
	const { cluster, short } = bench;
	for (const processUnderTest of bench.subjects) {
		const running = await bench.start(processUnderTest);
		const samples: number[] = [];
		const [first, ...pods] = bench.pods(short ? 40 : 301);
		await bench.sync([first!]);
		bench.report(FIRST, processUnderTest, latencies(cluster, [first!]));
		for (const pod of pods) {
			await bench.sync([pod]);
			samples.push(latencies(cluster, [pod])[0]! - bench.providerMs);
			await pause(10 + 20 * Math.random());
		}

		await running.stop();
		await cluster.removePods([first!, ...pods]);
		bench.report(MEDIAN, processUnderTest, samples);
		bench.report(TAIL, processUnderTest, samples);
	}
}

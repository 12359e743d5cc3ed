// A hundred replicas of one workload ask for the same Secret: one read, one write.
import type { Bench } from '../bench.ts';
import { pause, secretsOf } from '../cluster.ts';
import { writesOf } from '../endpoints.ts';
import type { Quantity } from '../measurement.ts';

const REPLICAS = 100;
const READS: Quantity = {
	what: `${REPLICAS} replicas of one workload: reads from the provider`,
	unit: '',
	budget: 1,
	judged: 'median',
};
const WRITES: Quantity = { ...READS, what: `${REPLICAS} replicas of one workload: writes of the Secret` };

export async function replicas(bench: Bench): Promise<void> {
	const { cluster, environment, short } = bench;
	const running = await bench.start('controller');
	const reads: number[] = [];
	const writes: number[] = [];
	for (let run = 0; run < (short ? 1 : 5); run++) {
		const pods = bench.pods(REPLICAS).map((pod, _, all) => ({ ...pod, secretName: all[0]!.name }));
		await cluster.prepare(pods);
		const before = {
			reads: environment.provider.count('GetSecretValue'),
			writes: (await writesOf(running))!,
		};
		await cluster.addPods(pods);
		await secretsOf(cluster, pods);
		// Pods that are too late for the first read get a second one within a second.
		await pause(1_500);
		reads.push(environment.provider.count('GetSecretValue') - before.reads);
		writes.push((await writesOf(running))! - before.writes);
		await cluster.removePods(pods);
	}

	await running.stop();
	bench.report(READS, 'controller', reads);
	bench.report(WRITES, 'controller', writes);
}

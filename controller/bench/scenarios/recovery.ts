// How long after a fault the Secret of a pod that was created under it is there.
import type { Bench } from '../bench.ts';
import { keyOf, latencies, pause, secretsOf } from '../cluster.ts';
import type { Quantity } from '../measurement.ts';
import type { Pod } from '../pod-fixtures.ts';
import type { Running } from '../process-under-test.ts';
import { relayed } from '../tcp-proxy.ts';

const quantity = (what: string, budget: number): Quantity => ({
	what: `recovery: ${what}`,
	unit: 's',
	budget,
	judged: 'max',
});
const OUTAGE_MS = 3_000;
const CLOSED = quantity('the server ends the watch', 0.1);
const EXPIRED = quantity('410, the whole collection again', 0.5);
const RESTARTED = quantity('the API server is away for 3 s', 2);
const TERMINATED = quantity('the leader is told to stop', 1);
const KILLED = quantity('the leader is killed', 35);

export async function recovery(bench: Bench): Promise<void> {
	const runs = bench.short ? 2 : 5;
	await (bench.cluster.embedded ? closedOnDemand(bench, runs) : closedByTimeout(bench));
	await expired(bench, runs);
	await restarted(bench, bench.short ? 1 : 3);
	await leaderGone(bench, 'SIGTERM');
	if (bench.short) {
		bench.report(KILLED, 'controller', [], 'not in a short run');
	} else {
		await leaderGone(bench, 'SIGKILL');
	}
}

/** Seconds from now until the Secret of a pod that is created now is there. */
async function caughtUp(bench: Bench, [pod]: readonly Pod[]): Promise<number> {
	const from = performance.now();
	await bench.sync([pod!]);
	return (bench.cluster.secretAt.get(keyOf(pod!))! - from) / 1_000;
}

async function repeated(bench: Bench, quantity: Quantity, runs: number, fault: () => void): Promise<void> {
	const running = await bench.start('controller');
	const pods = bench.pods(runs + 1);
	await bench.sync(pods.splice(0, 1));
	const samples: number[] = [];
	for (const pod of pods) {
		await pause(1_000);
		fault();
		samples.push(await caughtUp(bench, [pod]));
	}

	await running.stop();
	bench.report(quantity, 'controller', samples);
}

async function closedOnDemand(bench: Bench, runs: number): Promise<void> {
	await repeated(bench, CLOSED, runs, () => bench.cluster.embedded!.faults.endWatches({ resource: 'pods' }));
}

/** A real server closes a watch when its time is over: pods all around that moment, the slowest counts. */
async function closedByTimeout(bench: Bench): Promise<void> {
	const running = await bench.start('controller', { config: { watch: { minSeconds: 5, maxSeconds: 5 } } });
	const pods = bench.pods(bench.short ? 300 : 600);
	await bench.cluster.prepare(pods);
	for (const pod of pods) {
		await bench.cluster.addPods([pod]);
		await pause(15);
	}

	await secretsOf(bench.cluster, pods);
	await running.stop();
	const slowest = Math.max(...latencies(bench.cluster, pods)) / 1_000;
	await bench.cluster.removePods(pods);
	bench.report(CLOSED, 'controller', [slowest], `the slowest of ${pods.length} pods over its timeouts`);
}

async function expired(bench: Bench, runs: number): Promise<void> {
	const { embedded } = bench.cluster;
	if (embedded === undefined) {
		bench.report(EXPIRED, 'controller', [], 'no fault on demand');
		return;
	}

	// From the fourth in a run on the watcher waits, as each costs the server a whole list.
	await repeated(bench, EXPIRED, Math.min(runs, 3), () => {
		embedded.faults.expireHistory();
		const message = 'The resourceVersion for the provided watch is too old.';
		embedded.faults.failWatches({ status: 410, reason: 'Expired', message }, { resource: 'pods' });
	});
}

/** Behind a relay that cuts every connection and refuses new ones for a while. */
async function restarted(bench: Bench, runs: number): Promise<void> {
	const { cluster } = bench;
	const relay = await relayed(cluster.access);
	const running = await bench.start('controller', { access: relay.access });
	const pods = bench.pods(runs + 1);
	await bench.sync(pods.splice(0, 1));
	const samples: number[] = [];
	for (const pod of pods) {
		await relay.cut();
		await pause(OUTAGE_MS);
		await cluster.addPods([pod]);
		const from = performance.now();
		await relay.open();
		await secretsOf(cluster, [pod]);
		samples.push((cluster.secretAt.get(keyOf(pod))! - from) / 1_000);
	}

	await running.stop();
	await relay.close();
	bench.report(RESTARTED, 'controller', samples, 'behind a relay; from the first connection accepted');
}

async function leaderGone(bench: Bench, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
	const leader = await bench.start('controller');
	const pods = bench.pods(2);
	await bench.sync(pods.splice(0, 1));
	const standby: Running = await bench.start('controller');
	await pause(1_000);
	const gone = leader.stop(signal);
	const seconds = await caughtUp(bench, pods);
	await gone;
	await standby.stop();
	bench.report(signal === 'SIGTERM' ? TERMINATED : KILLED, 'controller', [seconds]);
}

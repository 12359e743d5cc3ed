// For comparison: the informer of @kubernetes/client-node on the same pods, which it keeps whole.
//
// The second process of this file is that informer; it is given a kubeconfig.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';
import type { Bench } from '../bench.ts';
import { pause } from '../cluster.ts';
import type { Quantity } from '../measurement.ts';
import { memoryOf } from '../process-facts.ts';
import { PODS } from './population.ts';

const RSS: Quantity = {
	what: 'beside an informer of @kubernetes/client-node, 10,000 pods: RSS',
	unit: 'MB',
	judged: 'median',
};
const PEAK: Quantity = { ...RSS, what: '… peak RSS' };

export async function informer(bench: Bench): Promise<void> {
	const { embedded } = bench.cluster;
	if (bench.short || embedded === undefined) {
		return;
	}

	const pods = bench.pods(PODS, { namespaces: 50, every: 0 });
	await bench.cluster.addPods(pods);
	const controller = await bench.start('controller');
	await settled(bench, 'controller', controller.pid);
	await controller.stop();
	const child = spawn(process.execPath, [import.meta.filename, embedded.kubeconfig()], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	await once(child.stdout, 'data');
	await settled(bench, 'informer', child.pid!);
	child.kill();
	await bench.cluster.removePods(pods);
}

async function settled(
	bench: Bench,
	processUnderTest: 'controller' | 'informer',
	pid: number,
): Promise<void> {
	await pause(5_000);
	const { rss, peak } = memoryOf(pid);
	bench.report(RSS, processUnderTest, [rss]);
	bench.report(PEAK, processUnderTest, [peak]);
}

async function run(kubeconfig: string): Promise<void> {
	const config = new KubeConfig();
	config.loadFromString(kubeconfig);
	const api = config.makeApiClient(CoreV1Api);
	const pods = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
	await pods.start();
	process.stdout.write('synced\n');
}

if (import.meta.main) {
	await run(process.argv[2]!);
}

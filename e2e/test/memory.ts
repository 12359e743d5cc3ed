// The memory of the container by its own cgroup: at rest, after the bursts, with a thousand and ten thousand pods.
import { createAll } from '../harness/bulk.ts';
import { expect, PROVIDER, type Scene } from '../harness/scene.ts';
import { ANNOTATION } from '../harness/tenant.ts';
import { TENANT_PREFIX } from '../harness/timeline.ts';
import { until } from '../harness/until.ts';

const MIB = 1024 * 1024;
/** Resident memory with 10,000 pods of which 200 are annotated. */
const BUDGET = 85e6;
const LIMIT = 100 * MIB;

/** `before`: where it is measured for the first time and where the bursts are behind it. */
export async function memoryOf(scene: Scene, when: string): Promise<void> {
	await scene.report.scenario(`memory ${when}`, 'within the limit of 100 MiB, no OOM kill', () =>
		measure(scene),
	);
}

/** Makes pods without a node on the API server until there are ten thousand. */
export async function memoryWithPods(scene: Scene): Promise<void> {
	const { report, stage, timeline } = scene;
	const { cluster } = stage;
	const namespace = `${TENANT_PREFIX}crowd`;
	// Nobody looks at these pods one by one.
	timeline.stop();
	await cluster.core.createNamespace({ body: { metadata: { name: namespace } } });
	await scene.store('/prod/crowd/config', { KEY: 'fake' });
	/** Makes pods `from` to `to`, the first ones annotated; answers pods a second. */
	const fill = async (from: number, to: number, annotated: number): Promise<number> => {
		const began = Date.now();
		const indices = Array.from({ length: to - from }, (_, offset) => from + offset);
		const pods = indices.map(index => pod(index, index - from < annotated));
		await createAll(cluster, `/api/v1/namespaces/${namespace}/pods`, pods);
		const last = `s${from + annotated - 1}`;
		await until(`Secret ${last}`, () => cluster.core.readNamespacedSecret({ name: last, namespace }), {
			timeoutMs: 60_000,
		});
		return Math.round((to - from) / ((Date.now() - began) / 1000));
	};
	await report.scenario('memory, 1,000 pods', 'no OOM kill', async () => {
		const rate = await fill(0, 1000, 20);
		return `${await measure(scene)}; made at ${rate} pods/s`;
	});
	await report.scenario('memory, 10,000 pods', 'RSS ≤ 85 MB with 200 annotated, no OOM kill', async () => {
		const rate = await fill(1000, 10_000, 180);
		return `${await measure(scene, BUDGET)}; made at ${rate} pods/s`;
	});
}

/** The container's memory now, which has to be within the budget and never killed it. */
export async function measure({ controller }: Scene, budget = LIMIT): Promise<string> {
	const pod = await controller.pod();
	const { anonymous, peak, kills } = await controller.memory(pod);
	const oom = pod.status?.containerStatuses?.[0]?.lastState?.terminated?.reason === 'OOMKilled';
	expect(kills === 0 && !oom, 'it was killed for memory');
	const rss = (await controller.metrics(pod)).get('process_resident_memory_bytes') ?? Number.NaN;
	const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
	expect(rss <= budget && peak <= LIMIT, `RSS ${megabytes(rss)}, peak ${megabytes(peak)}`);
	return `cgroup ${megabytes(anonymous)} anonymous, peak ${megabytes(peak)}; RSS ${megabytes(rss)}`;
}

// Gated from scheduling: nobody runs them, nobody collects them as lost, and they are gone as soon as deleted.
function pod(index: number, annotated: boolean): object {
	const request = JSON.stringify({ provider: PROVIDER, path: '/prod/crowd/config', secretName: `s${index}` });
	return {
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: { name: `p${index}`, ...(annotated ? { annotations: { [ANNOTATION]: request } } : {}) },
		spec: {
			schedulingGates: [{ name: 'e2e.jasm/never' }],
			automountServiceAccountToken: false,
			containers: [{ name: 'app', image: 'none' }],
		},
	};
}

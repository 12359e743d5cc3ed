// The memory of the container by its own cgroup: at rest, after the bursts, with a thousand and ten thousand pods.
import { createAll } from '../cluster/bulk.ts';
import { until } from '../cluster/until.ts';
import { TENANT_PREFIX } from '../report/timeline.ts';
import { ANNOTATION } from '../users/tenant.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

const MIB = 1024 * 1024;
/** Resident memory with 10,000 pods of which 200 are annotated. */
const BUDGET = 85e6;
const LIMIT = 100 * MIB;

/** `before`: where it is measured for the first time and where the bursts are behind it. */
export async function memoryOf(context: ScenarioContext, when: string): Promise<void> {
	await context.report.scenario(`memory ${when}`, 'within the limit of 100 MiB, no OOM kill', () =>
		measure(context),
	);
}

/** Makes pods without a node on the API server until there are ten thousand. */
export async function memoryWithPods(context: ScenarioContext): Promise<void> {
	const { report, environment, timeline } = context;
	const { cluster } = environment;
	const namespace = `${TENANT_PREFIX}many`;
	// These pods are not looked at one by one.
	timeline.stop();
	await cluster.core.createNamespace({ body: { metadata: { name: namespace } } });
	await context.store('/prod/many/config', { KEY: 'fake' });
	/** Makes pods `from` to `to`, the first ones annotated; returns pods a second. */
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
		return `${await measure(context)}; made at ${rate} pods/s`;
	});
	await report.scenario('memory, 10,000 pods', 'RSS ≤ 85 MB with 200 annotated, no OOM kill', async () => {
		const rate = await fill(1000, 10_000, 180);
		return `${await measure(context, BUDGET)}; made at ${rate} pods/s`;
	});
}

/** The container's memory now, which has to be within the budget and never killed it. */
export async function measure({ controller }: ScenarioContext, budget = LIMIT): Promise<string> {
	const pod = await controller.pod();
	const { anonymous, peak, kills } = await controller.memory(pod);
	const oom = pod.status?.containerStatuses?.[0]?.lastState?.terminated?.reason === 'OOMKilled';
	expect(kills === 0 && !oom, 'it was killed for memory');
	const rss = (await controller.metrics(pod)).get('process_resident_memory_bytes') ?? Number.NaN;
	const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
	expect(rss <= budget && peak <= LIMIT, `RSS ${megabytes(rss)}, peak ${megabytes(peak)}`);
	return `cgroup ${megabytes(anonymous)} anonymous, peak ${megabytes(peak)}; RSS ${megabytes(rss)}`;
}

// A scheduling gate keeps them from running and from garbage collection, and lets a deletion finish at once.
function pod(index: number, annotated: boolean): object {
	const request = JSON.stringify({ provider: PROVIDER, path: '/prod/many/config', secretName: `s${index}` });
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

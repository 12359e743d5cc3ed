// The memory of the container by its own cgroup: at rest, after the bursts, with a thousand and ten thousand pods.
import { expect, PROVIDER, type Scene } from '../harness/scene.ts';
import { ANNOTATION } from '../harness/tenant.ts';
import { TENANT_PREFIX } from '../harness/timeline.ts';
import { until } from '../harness/until.ts';

const MIB = 1024 * 1024;
/** Resident memory with 10,000 pods of which 200 are annotated. */
const BUDGET = 85e6;
const LIMIT = 100 * MIB;
/** Requests in flight while pods are made. */
const AT_ONCE = 40;

/** `before`: where it is measured for the first time and where the bursts are behind it. */
export async function memoryOf(scene: Scene, when: string): Promise<void> {
	await scene.report.scenario(`memory ${when}`, 'within the limit of 100 MiB, no OOM kill', () =>
		measure(scene),
	);
}

/** Makes pods without a node on the API server until there are ten thousand. */
export async function memoryWithPods(scene: Scene): Promise<void> {
	const { report, stage } = scene;
	const namespace = `${TENANT_PREFIX}crowd`;
	await stage.cluster.core.createNamespace({ body: { metadata: { name: namespace } } });
	await scene.store('/prod/crowd/config', { KEY: 'fake' });
	let made = 0;
	const fill = async (count: number, annotated: number) => {
		const first = made;
		made = count;
		let next = first;
		await Promise.all(
			Array.from({ length: AT_ONCE }, async () => {
				for (let index = next++; index < count; index = next++) {
					await pod(scene, namespace, index, index - first < annotated);
				}
			}),
		);
	};
	for (const [count, annotated] of [
		[1000, 20],
		[10_000, 180],
	] as const) {
		await report.scenario(
			`memory, ${count} pods`,
			count === 10_000 ? 'RSS ≤ 85 MB, no OOM kill' : 'no OOM kill',
			async () => {
				const began = Date.now();
				await fill(count, annotated);
				const seconds = (Date.now() - began) / 1000;
				const last = `s${count === 1000 ? 19 : 1179}`;
				await until(
					`Secret ${last}`,
					() => stage.cluster.core.readNamespacedSecret({ name: last, namespace }),
					{
						timeoutMs: 60_000,
					},
				);
				const figure = await measure(scene, count === 10_000 ? BUDGET : LIMIT);
				return `${figure}; made at ${Math.round((count - (count === 1000 ? 0 : 1000)) / seconds)} pods/s`;
			},
		);
	}
}

async function measure({ controller }: Scene, budget = LIMIT): Promise<string> {
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
async function pod(
	{ stage, images }: Scene,
	namespace: string,
	index: number,
	annotated: boolean,
): Promise<void> {
	const request = JSON.stringify({ provider: PROVIDER, path: '/prod/crowd/config', secretName: `s${index}` });
	await stage.cluster.core.createNamespacedPod({
		namespace,
		body: {
			metadata: { name: `p${index}`, ...(annotated ? { annotations: { [ANNOTATION]: request } } : {}) },
			spec: {
				schedulingGates: [{ name: 'e2e.jasm/never' }],
				automountServiceAccountToken: false,
				containers: [{ name: 'app', image: images.probe }],
			},
		},
	});
}

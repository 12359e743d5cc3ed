// The running controller as an operator sees it: its pods, metrics, logs, token and memory, and how to end it.
import * as k8s from '@kubernetes/client-node';
import { LEASE } from '../../infra/src/documents/contract.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';
import { until } from './until.ts';

/** Namespace, ServiceAccount and Deployment of the installation. */
export const JASM = 'jasm';

/** Metric with its labels, such as `jasm_leader{}`, and its value. */
export type Metrics = ReadonlyMap<string, number>;

export class Controller {
	readonly #cluster: Cluster;
	readonly #node: Node;

	constructor({ cluster, node }: { cluster: Cluster; node: Node }) {
		this.#cluster = cluster;
		this.#node = node;
	}

	/** Its pods that are not being deleted, newest first. */
	async pods(): Promise<k8s.V1Pod[]> {
		const { items } = await this.#cluster.core.listNamespacedPod({
			namespace: JASM,
			labelSelector: 'app=jasm',
		});
		const age = (pod: k8s.V1Pod) => pod.metadata?.creationTimestamp?.getTime() ?? 0;
		return items
			.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
			.sort((a, b) => age(b) - age(a));
	}

	/** The only pod, ready. */
	async pod(): Promise<k8s.V1Pod> {
		return until(
			'one ready controller',
			async () => {
				const pods = await this.pods();
				return pods.length === 1 && isReady(pods[0]!) && pods[0];
			},
			{ timeoutMs: 90_000 },
		);
	}

	name(pod: k8s.V1Pod): string {
		return pod.metadata?.name ?? '';
	}

	containerId(pod: k8s.V1Pod): string {
		return pod.status?.containerStatuses?.[0]?.containerID ?? '';
	}

	restarts(pod: k8s.V1Pod): number {
		return pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
	}

	/** Waits until `count` pods are ready and no other one is left. */
	ready(count = 1, timeoutMs = 90_000): Promise<k8s.V1Pod[]> {
		return until(
			`${count} ready controllers`,
			async () => {
				const { items } = await this.#cluster.core.listNamespacedPod({
					namespace: JASM,
					labelSelector: 'app=jasm',
				});
				return items.length === count && items.every(isReady) && items;
			},
			{ timeoutMs },
		);
	}

	async metrics(pod: k8s.V1Pod): Promise<Metrics> {
		const path = `/api/v1/namespaces/${JASM}/pods/${this.name(pod)}:8080/proxy/metrics`;
		const { code, stdout, stderr } = await this.#cluster.kubectl(['get', '--raw', path]);
		if (code !== 0) throw new Error(`reading metrics: ${stderr}`);
		const lines = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'));
		return new Map(
			lines.map(line => {
				const end = line.lastIndexOf(' ');
				return [line.slice(0, end), Number(line.slice(end + 1))] as const;
			}),
		);
	}

	async logs(pod: k8s.V1Pod, previous = false): Promise<string> {
		return this.#cluster.core.readNamespacedPodLog({ name: this.name(pod), namespace: JASM, previous });
	}

	/** By `namespace/name` of each Secret, milliseconds from its pod being seen to its first write, by the log. */
	async durations(pod: k8s.V1Pod): Promise<Map<string, number>> {
		const lines = (await this.logs(pod)).split('\n').filter(line => line.includes('"secret synced"'));
		const synced = lines.map(line => JSON.parse(line) as { secret: string; durationMs: number });
		return new Map(synced.reverse().map(({ secret, durationMs }) => [secret, durationMs]));
	}

	/** The token it holds for the API server: the kubelet's copy, or one like it where that cannot be read. */
	async token(pod: k8s.V1Pod): Promise<string> {
		const volume = pod.spec?.volumes?.find(({ name }) => name.startsWith('kube-api-access'))?.name ?? '';
		const held = this.#node.token(pod.metadata?.uid ?? '', volume);
		if (held !== undefined) return held;
		return this.#cluster.token(JASM, JASM);
	}

	memory(pod: k8s.V1Pod) {
		return this.#node.memory(this.containerId(pod));
	}

	/** Kills the process with SIGKILL, as the kernel would. */
	async crash(pod: k8s.V1Pod): Promise<void> {
		const pids = await this.#node.processes(this.containerId(pod));
		await this.#node.command('kill', '-9', ...pids.map(String));
	}

	async evict(pod: k8s.V1Pod): Promise<void> {
		const name = this.name(pod);
		await this.#cluster.core.createNamespacedPodEviction({
			name,
			namespace: JASM,
			body: { metadata: { name } },
		});
	}

	/** Deletes the pod as a rollout does: SIGTERM, then the grace period. */
	async terminate(pod: k8s.V1Pod): Promise<void> {
		await this.#cluster.core.deleteNamespacedPod({ name: this.name(pod), namespace: JASM });
	}

	/** The pod that holds the lease; undefined if no pod does. */
	async leader(): Promise<k8s.V1Pod | undefined> {
		const api = this.#cluster.client(k8s.CoordinationV1Api);
		const { spec } = await api.readNamespacedLease({ name: LEASE, namespace: JASM });
		return (await this.pods()).find(pod => spec?.holderIdentity?.startsWith(this.name(pod)));
	}
}

function isReady({ status, metadata }: k8s.V1Pod): boolean {
	const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
	return metadata?.deletionTimestamp === undefined && ready === true;
}

// A namespace of a user of the cluster: pods with annotations, what they print, and the Events about them.
import type * as k8s from '@kubernetes/client-node';
import { onEnd } from '../cluster/cleanup.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { PROBE_COMMAND } from '../cluster/images.ts';
import { until } from '../cluster/until.ts';
import { TENANT_PREFIX } from '../report/timeline.ts';

export const ANNOTATION = 'jasm.codnod.io/secret-sync';
export const START = 'jasm.codnod.io/start';

/** What a pod asks for. A text becomes the annotation as it is. */
export type Request = string | Record<string, unknown> | readonly Record<string, unknown>[];

export type PodOptions = {
	readonly request?: Request | undefined;
	/** Secrets whose keys become the environment; default: those of the request. */
	readonly envFrom?: readonly string[];
	readonly labels?: Record<string, string>;
	/** The annotation that makes the pod wait for its Secrets. */
	readonly start?: string | undefined;
	/** A node that does not exist keeps the pod pending. */
	readonly nodeName?: string;
};

/** What a probe printed: when its process began, and its environment. */
export type Printed = { readonly started: number; readonly env: Record<string, string> };

const READER = `
const { readFileSync } = require('node:fs');
let last;
setInterval(() => {
	const text = readFileSync(process.argv[1], 'utf8');
	if (text !== last) console.log(text);
	last = text;
}, 200);
process.on('SIGTERM', () => process.exit(0));
`;

export class Tenant {
	readonly namespace: string;
	readonly #cluster: Cluster;
	readonly #image: string;

	constructor({ cluster, image, name }: { cluster: Cluster; image: string; name: string }) {
		this.namespace = `${TENANT_PREFIX}${name}`;
		this.#cluster = cluster;
		this.#image = image;
	}

	/** Creates the namespace and waits for its default ServiceAccount, without which no pod is admitted. */
	async create(): Promise<this> {
		await this.#cluster.core.createNamespace({ body: { metadata: { name: this.namespace } } });
		onEnd(`namespace ${this.namespace}`, () => this.delete().catch(() => {}));
		await until(`the ServiceAccount of ${this.namespace}`, () =>
			this.#cluster.core.readNamespacedServiceAccount({ name: 'default', namespace: this.namespace }),
		);
		return this;
	}

	/** Deletes the namespace with everything in it, without waiting for the end. */
	async delete(): Promise<void> {
		await this.#cluster.core.deleteNamespace({ name: this.namespace, gracePeriodSeconds: 0 });
	}

	key(name: string): string {
		return `${this.namespace}/${name}`;
	}

	pod(name: string, options: PodOptions = {}): Promise<k8s.V1Pod> {
		const body = { metadata: { name, ...metadata(options) }, spec: this.#spec(options) };
		return this.#cluster.core.createNamespacedPod({ namespace: this.namespace, body });
	}

	/** A pod whose container reads one key of a Secret from a volume, and prints each new content. */
	reader(
		name: string,
		{ request, secretName, key }: { request: Request; secretName: string; key: string },
	): Promise<k8s.V1Pod> {
		const [container] = this.#spec({ envFrom: [] }).containers;
		const command = [PROBE_COMMAND[0] ?? '', '-e', READER, `/secrets/${key}`];
		const volumeMounts = [{ name: 'secrets', mountPath: '/secrets', readOnly: true }];
		const spec = {
			...this.#spec({ envFrom: [] }),
			containers: [{ ...container!, command, volumeMounts }],
			volumes: [{ name: 'secrets', secret: { secretName } }],
		};
		const body = { metadata: { name, ...metadata({ request }) }, spec };
		return this.#cluster.core.createNamespacedPod({ namespace: this.namespace, body });
	}

	/** Whether the newest content that a reader printed is this one. */
	async hasRead(name: string, content: string): Promise<boolean> {
		const log = await this.#cluster.core.readNamespacedPodLog({ name, namespace: this.namespace });
		return log.trimEnd().split('\n').at(-1) === content;
	}

	deployment(name: string, replicas: number, options: PodOptions = {}): Promise<k8s.V1Deployment> {
		const labels = { workload: name };
		return this.#cluster.apps.createNamespacedDeployment({
			namespace: this.namespace,
			body: {
				metadata: { name },
				spec: {
					replicas,
					selector: { matchLabels: labels },
					template: { metadata: metadata({ ...options, labels }), spec: this.#spec(options) },
				},
			},
		});
	}

	/** Replaces what the pods of a Deployment ask for: a rollout. */
	async rollout(name: string, options: PodOptions): Promise<void> {
		const deployment = await this.#cluster.apps.readNamespacedDeployment({ name, namespace: this.namespace });
		const template = {
			metadata: metadata({ ...options, labels: { workload: name } }),
			spec: this.#spec(options),
		};
		const body = { ...deployment, spec: { ...deployment.spec!, template } };
		await this.#cluster.apps.replaceNamespacedDeployment({ name, namespace: this.namespace, body });
	}

	/** An object of another kind whose pods come from a template: `make` gets the template. */
	async workload(
		options: PodOptions & { readonly labels: Record<string, string> },
		make: (template: k8s.V1PodTemplateSpec) => object,
	): Promise<void> {
		const object = make({ metadata: metadata(options), spec: this.#spec(options) });
		await this.#cluster.apply({
			...object,
			metadata: { ...(object as { metadata: object }).metadata, namespace: this.namespace },
		});
	}

	/** Restarts Deployments as `kubectl rollout restart` does, which refuses a second restart within a second. */
	async restart(deployments: readonly string[]): Promise<void> {
		const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
		const patch = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
		const { code, stderr } = await this.#cluster.kubectl([
			...['-n', this.namespace, 'patch', 'deployment', ...deployments],
			...['--type=merge', '-p', patch],
		]);
		if (code !== 0) throw new Error(`restarting the Deployments of ${this.namespace}: ${stderr}`);
	}

	/** Whether a pod waits: it has JASM's gate. */
	async waits(pod: string): Promise<boolean> {
		const { spec } = await this.#cluster.core.readNamespacedPod({ name: pod, namespace: this.namespace });
		return (spec?.schedulingGates ?? []).some(({ name }) => name === 'jasm.codnod.io/secret');
	}

	/** Waits until a Deployment has all its pods of the present template ready. */
	available(name: string, timeoutMs = 120_000): Promise<true> {
		return until(
			`Deployment ${this.key(name)} to be available`,
			async () => {
				const { spec, status, metadata } = await this.#cluster.apps.readNamespacedDeployment({
					name,
					namespace: this.namespace,
				});
				const current = status?.observedGeneration === metadata?.generation;
				const wanted = spec?.replicas;
				const done = status?.updatedReplicas === wanted && status?.availableReplicas === wanted;
				return (current && done && status?.replicas === wanted) as true | false;
			},
			{ timeoutMs },
		);
	}

	/** Those that are not being deleted, optionally with a label. */
	async pods(labelSelector?: string): Promise<k8s.V1Pod[]> {
		const { items } = await this.#cluster.core.listNamespacedPod({
			namespace: this.namespace,
			...(labelSelector !== undefined && { labelSelector }),
		});
		return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
	}

	async deletePod(name: string): Promise<void> {
		await this.#cluster.core.deleteNamespacedPod({ name, namespace: this.namespace, gracePeriodSeconds: 0 });
	}

	/** What a probe printed, once it has. */
	printed(name: string, timeoutMs = 60_000): Promise<Printed> {
		return until(
			`pod ${this.key(name)} to print`,
			async () => {
				const log = await this.#cluster.core.readNamespacedPodLog({ name, namespace: this.namespace });
				const line = log.split('\n').find(text => text.startsWith('{'));
				return line === undefined ? undefined : (JSON.parse(line) as Printed);
			},
			{ timeoutMs },
		);
	}

	/** The Secret's values as text; undefined if there is no Secret. */
	async secret(name: string): Promise<Record<string, string> | undefined> {
		const live = await this.liveSecret(name);
		return (
			live &&
			Object.fromEntries(
				Object.entries(live.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
			)
		);
	}

	async liveSecret(name: string): Promise<k8s.V1Secret | undefined> {
		try {
			return await this.#cluster.core.readNamespacedSecret({ name, namespace: this.namespace });
		} catch (error) {
			if ((error as { code?: number }).code === 404) return undefined;
			throw error;
		}
	}

	/** Waits for an event on a pod whose reason and note fit; returns its note. */
	event(pod: string, reason: string, note: RegExp = /./, timeoutMs = 30_000): Promise<string> {
		return until(
			`event ${reason} on pod ${this.key(pod)}`,
			async () => {
				const fieldSelector = `involvedObject.name=${pod}`;
				const { items } = await this.#cluster.core.listNamespacedEvent({
					namespace: this.namespace,
					fieldSelector,
				});
				return items.find(item => item.reason === reason && note.test(item.message ?? ''))?.message;
			},
			{ timeoutMs },
		);
	}

	/** What a person sees. */
	async describe(pod: string): Promise<string> {
		return (await this.#cluster.kubectl(['-n', this.namespace, 'describe', 'pod', pod])).stdout;
	}

	#spec(options: PodOptions): k8s.V1PodSpec {
		const secrets = options.envFrom ?? names(options.request);
		return {
			automountServiceAccountToken: false,
			enableServiceLinks: false,
			terminationGracePeriodSeconds: 1,
			...(options.nodeName === undefined ? {} : { nodeName: options.nodeName }),
			containers: [
				{
					name: 'app',
					image: this.#image,
					imagePullPolicy: 'Never',
					command: PROBE_COMMAND,
					envFrom: secrets.map(name => ({ secretRef: { name } })),
				},
			],
		};
	}
}

function metadata({ request, labels, start }: PodOptions): k8s.V1ObjectMeta {
	const text = typeof request === 'string' ? request : JSON.stringify(request);
	const annotations = {
		...(request !== undefined && { [ANNOTATION]: text }),
		...(start !== undefined && { [START]: start }),
	};
	return { ...(labels !== undefined && { labels }), annotations };
}

function names(request: Request | undefined): string[] {
	if (request === undefined || typeof request === 'string') return [];
	return [request].flat().map(item => String((item as Record<string, unknown>)['secretName']));
}

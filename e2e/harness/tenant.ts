// A namespace of somebody who uses the cluster: pods with annotations, what they print, what events say of them.
import type * as k8s from '@kubernetes/client-node';
import { onEnd } from './cleanup.ts';
import type { Cluster } from './cluster.ts';
import { PROBE_COMMAND } from './images.ts';
import { TENANT_PREFIX } from './timeline.ts';
import { until } from './until.ts';

export const ANNOTATION = 'jasm.codnod.io/secret-sync';

/** What a pod asks for; a text is taken as it is. */
export type Request = string | Record<string, unknown> | readonly Record<string, unknown>[];

export type PodOptions = {
	readonly request?: Request | undefined;
	/** Secrets whose keys become the environment; default: those of the request. */
	readonly envFrom?: readonly string[];
	readonly labels?: Record<string, string>;
	/** A node that does not exist keeps the pod pending. */
	readonly nodeName?: string;
};

/** What a probe printed: when its process began, and its environment. */
export type Printed = { readonly started: number; readonly env: Record<string, string> };

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

	async pods(): Promise<k8s.V1Pod[]> {
		return (await this.#cluster.core.listNamespacedPod({ namespace: this.namespace })).items;
	}

	async deletePod(name: string): Promise<void> {
		await this.#cluster.core.deleteNamespacedPod({ name, namespace: this.namespace, gracePeriodSeconds: 0 });
	}

	/** What a probe printed, as soon as it did. */
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

	/** The Secret's values as text; undefined where there is no Secret. */
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

	/** Waits for an event on a pod whose reason and note fit; answers its note. */
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

function metadata({ request, labels }: PodOptions): k8s.V1ObjectMeta {
	const text = typeof request === 'string' ? request : JSON.stringify(request);
	return {
		...(labels === undefined ? {} : { labels }),
		...(request === undefined ? {} : { annotations: { [ANNOTATION]: text } }),
	};
}

function names(request: Request | undefined): string[] {
	if (request === undefined || typeof request === 'string') return [];
	return [request].flat().map(item => String((item as Record<string, unknown>)['secretName']));
}

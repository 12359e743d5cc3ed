// What the people of a stage do and see: namespaces, pods, annotations; Secrets, Events, and waiting for them.
import type { CoreV1Api, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { ANNOTATION_KEY } from '../../../src/requests/annotation.ts';
import { GATE, START_KEY } from '../../../src/requests/start-annotation.ts';
import type { SecretsManager } from '../../../testing/aws/secrets-manager.ts';
import type { ApiServer } from '../../../testing/index.ts';
import { type EventuallyOptions, eventually } from '../clocks/eventually.ts';
import type { StageClock } from '../clocks/socket-clock.ts';
import { type RawAnswer, type RawRequest, rawRequest } from '../servers/raw-request.ts';
import type { ClusterState, SeenEvent, SeenSecret } from './cluster-state.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { RESTRICTED } from './restricted-pod.ts';

export type PodOptions = {
	readonly labels?: Record<string, string>;
	readonly annotations?: Record<string, string>;
	/** The text of the start annotation; where users write the gate themselves, they do. */
	readonly start?: string;
	readonly spec?: Partial<V1PodSpec>;
};

/** The provider that annotations name, unless they say otherwise. */
export const PROVIDER = 'aws-secretsmanager';

/** Text of an annotation: fields over those that nearly all have in common. */
export const annotation = (fields: Readonly<Record<string, unknown>>): string =>
	JSON.stringify({ provider: PROVIDER, secretName: 'db', ...fields });

export type AudienceParts = {
	readonly cluster: ClusterUnderTest;
	readonly secretsManager: SecretsManager;
	readonly clock: StageClock | undefined;
};

export class Users {
	readonly secretsManager: SecretsManager;
	readonly cluster: ClusterUnderTest;
	readonly world: ClusterState;
	readonly core: CoreV1Api;
	protected readonly virtual: StageClock | undefined;
	protected readonly namespaces: string[] = [];
	#barriers = 0;

	constructor({ cluster, secretsManager, clock }: AudienceParts) {
		this.cluster = cluster;
		this.secretsManager = secretsManager;
		this.world = cluster.world;
		this.core = cluster.core;
		this.virtual = clock;
		if (clock !== undefined) {
			cluster.world.subscribe(clock.stir);
		}
	}

	/** Whether it stands on a real API server. */
	get real(): boolean {
		return this.cluster.embedded === undefined;
	}

	/** The embedded API server; only for stages that stand on it everywhere. */
	get api(): ApiServer {
		return this.cluster.embedded!;
	}

	/** Only for stages in virtual time. */
	get clock(): StageClock {
		return this.virtual!;
	}

	/** Creates a namespace; its name is this one and the stage's. */
	async namespace(name: string): Promise<string> {
		const full = `${name}-${this.cluster.id}`;
		await this.core.createNamespace({ body: { metadata: { name: full } } });
		// A real server makes this one in its own time, and refuses pods until then.
		await this.core
			.createNamespacedServiceAccount({ namespace: full, body: { metadata: { name: 'default' } } })
			.catch(() => {});
		this.namespaces.push(full);
		return full;
	}

	/** Creates a pod; with an annotation where it is given. */
	async pod(
		namespace: string,
		name: string,
		text?: string,
		{ labels, annotations, start, spec }: PodOptions = {},
	): Promise<V1Pod> {
		const all = {
			...annotations,
			...(text !== undefined && { [ANNOTATION_KEY]: text }),
			...(start !== undefined && { [START_KEY]: start }),
		};
		const written = start?.startsWith('after-sync') && this.cluster.startGate === 'written';
		const gates = written ? { schedulingGates: [{ name: GATE }, ...(spec?.schedulingGates ?? [])] } : {};
		const metadata = { name, annotations: all, ...(labels && { labels }) };
		return this.core.createNamespacedPod({
			namespace,
			body: { metadata, spec: { ...RESTRICTED, ...spec, ...gates } },
		});
	}

	/** Creates a secret at /prod/NAME and a pod that asks for it as a Secret of that name. */
	async ask(namespace: string, name: string): Promise<V1Pod> {
		this.secretsManager.put(`/prod/${name}`, { name });
		return this.pod(namespace, name, annotation({ path: `/prod/${name}`, secretName: name }));
	}

	/** Does something for each name, a few at a time: every call of the client opens a connection of its own. */
	async each(names: readonly string[], call: (name: string) => Promise<unknown>): Promise<void> {
		const left = [...names];
		const work = async () => {
			for (let name = left.shift(); name !== undefined; name = left.shift()) {
				await call(name);
			}
		};
		await Promise.all(Array.from({ length: 8 }, work));
	}

	/** Changes the annotation of a pod, or takes it away. */
	annotate(namespace: string, name: string, text: string | undefined): Promise<void> {
		const annotations = { [ANNOTATION_KEY]: text ?? null };
		return this.edit(namespace, `pods/${name}`, { metadata: { annotations } });
	}

	/** Changes what `resource` names, such as `pods/web` or `pods/web/status`, by a merge patch of a person. */
	async edit(namespace: string, resource: string, change: object): Promise<void> {
		const { status, text } = await this.request({
			method: 'PATCH',
			path: `/api/v1/namespaces/${namespace}/${resource}?fieldManager=person`,
			contentType: 'application/merge-patch+json',
			body: change,
		});
		if (status !== 200) {
			throw new Error(`editing ${namespace}/${resource}: ${status} ${text}`);
		}
	}

	/** The Secret, as soon as it is there and `holds`. */
	secret(
		namespace: string,
		name: string,
		holds: (secret: SeenSecret) => boolean = () => true,
	): Promise<SeenSecret> {
		return this.eventually(
			() => {
				const found = this.world.secret(namespace, name);
				return found && holds(found) ? found : undefined;
			},
			{
				what: `Secret ${namespace}/${name}`,
				seen: () => [this.world.secret(namespace, name), this.events(namespace)],
			},
		);
	}

	/** Every version of a Secret from now on, in order, the present one included. */
	versions(namespace: string, name: string): readonly string[] {
		const versions: string[] = [];
		const look = () => {
			const version = this.world.secret(namespace, name)?.resourceVersion;
			if (version !== undefined && versions.at(-1) !== version) {
				versions.push(version);
			}
		};
		this.world.subscribe(look);
		look();
		return versions;
	}

	/** The Events that replicas of this stage recorded in a namespace, for one pod where it is given. */
	events(namespace: string, pod?: string): SeenEvent[] {
		return this.world
			.events(namespace)
			.filter(event => event.instance.startsWith(`jasm-${this.cluster.id}`))
			.filter(event => pod === undefined || event.pod === pod);
	}

	/** The Event with this reason, or one of these, on a pod, as soon as there are `count` of them. */
	event(namespace: string, pod: string, reason: string | readonly string[], count = 1): Promise<SeenEvent> {
		const reasons = [reason].flat();
		return this.eventually(
			() => this.events(namespace, pod).filter(event => reasons.includes(event.reason))[count - 1],
			{ what: `Event ${reasons} on pod ${namespace}/${pod}`, seen: () => this.events(namespace) },
		);
	}

	/**
	 * Resolves when everything that was to be done for earlier pods has been begun, and told: two further pods
	 * were served after them.
	 */
	async barrier(namespace: string): Promise<void> {
		for (let round = 0; round < 2; round++) {
			const name = `barrier-${++this.#barriers}`;
			this.secretsManager.put(`/prod/${this.cluster.id}/${name}`, { done: name });
			await this.pod(
				namespace,
				name,
				annotation({ path: `/prod/${this.cluster.id}/${name}`, secretName: name }),
			);
			await this.event(namespace, name, 'SecretSyncSuccess');
		}
	}

	/** A request under a token, or as the administrator, past every client. */
	request(request: RawRequest, token?: string): Promise<RawAnswer> {
		return rawRequest(
			token === undefined ? this.cluster.adminConfig : this.cluster.kubeconfigFor(token),
			request,
		);
	}

	protected eventually<T>(probe: () => T | undefined, options: EventuallyOptions): Promise<T> {
		return this.passing(eventually(this.world.subscribe, probe, options));
	}

	protected passing<T>(awaited: Promise<T>): Promise<T> {
		return this.virtual?.passing(awaited) ?? awaited;
	}
}

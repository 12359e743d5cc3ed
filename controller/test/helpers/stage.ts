// A stage for scenarios: an API server with JASM installed, a Secrets Manager, controllers, and a public.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CoreV1Api, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { ExecutionContext } from 'ava';
import { ANNOTATION_KEY } from '../../src/annotation.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { ApiServer } from '../../testing/index.ts';
import {
	type SecretsManager,
	type SecretsManagerOptions,
	startSecretsManager,
} from '../../testing/secrets-manager.ts';
import { type ClusterUnderTest, type ClusterUnderTestOptions, openCluster } from './cluster-under-test.ts';
import { type EventuallyOptions, eventually } from './eventually.ts';
import type { Profile } from './installation.ts';
import { type RawAnswer, type RawRequest, rawRequest } from './raw-request.ts';
import { Replica, type ReplicaOptions } from './replica.ts';
import { StageClock } from './stage-clock.ts';
import type { SeenEvent, SeenSecret, World } from './world.ts';

export type StageOptions = Partial<ClusterUnderTestOptions> & {
	/** Time stands still until the test moves it; implies the embedded server. */
	readonly virtualTime?: boolean;
	readonly secretsManager?: SecretsManagerOptions;
	/** Replaces fields of the configuration file. */
	readonly config?: object;
	/** Without a guard at hand: the profile that needs none. Default: write-only with --allow-unguarded. */
	readonly needsGuard?: boolean;
};

export type StartOptions = Partial<Omit<ReplicaOptions, 'config' | 'clock'>> & {
	/** Replaces fields of the configuration file. */
	readonly config?: object;
	/** Of a kubeconfig. Default: one with a fresh token of JASM's ServiceAccount. */
	readonly kubeconfig?: string;
	readonly clock?: Clock;
	/** Does not wait until every live pod is known. */
	readonly wait?: boolean;
};

export type PodOptions = {
	readonly labels?: Record<string, string>;
	readonly annotations?: Record<string, string>;
};

/** A pod that may run in every namespace. */
const RESTRICTED: V1PodSpec = {
	securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
	containers: [
		{
			name: 'app',
			image: 'app:1',
			securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
		},
	],
};

/** The provider that annotations name, unless they say otherwise. */
export const PROVIDER = 'aws-secretsmanager';

/** Text of an annotation: fields over those that nearly all have in common. */
export const annotation = (fields: Readonly<Record<string, unknown>>): string =>
	JSON.stringify({ provider: PROVIDER, secretName: 'db', ...fields });

export async function startStage(t: ExecutionContext, options: StageOptions = {}): Promise<Stage> {
	const { profile = 'write-only', virtualTime = false, embedded = virtualTime } = options;
	const secretsManager = await startSecretsManager(options.secretsManager);
	let api: ApiServer | undefined;
	const clock = virtualTime ? new StageClock(() => progressOf(api, secretsManager)) : undefined;
	const server = { ...(clock && { now: () => new Date(clock.now()) }), ...options.server };
	let cluster = await openCluster({ ...options, profile, embedded, server });
	let actual = profile;
	if (options.needsGuard && !cluster.guarded && options.guard !== false) {
		await cluster.remove();
		actual = 'self-heal';
		cluster = await openCluster({ ...options, profile: actual, embedded, server });
	}

	api = cluster.embedded;
	if (clock !== undefined) {
		sendBookmarks(clock, cluster.embedded!);
	}

	const stage = new Stage({ cluster, secretsManager, clock, profile: actual, config: options.config ?? {} });
	t.teardown(() => stage.close());
	return stage;
}

/** As every server does once a minute. */
function sendBookmarks(clock: StageClock, api: ApiServer): void {
	clock.schedule(60_000, () => {
		api.sendBookmarks();
		sendBookmarks(clock, api);
	});
}

const progressOf = (api: ApiServer | undefined, { calls }: SecretsManager): number =>
	calls.length +
	(api?.requests.all.reduce((sum, { status, closed }) => sum + 1 + (status ? 1 : 0) + +closed, 0) ?? 0);

type StageParts = {
	readonly cluster: ClusterUnderTest;
	readonly secretsManager: SecretsManager;
	readonly clock: StageClock | undefined;
	readonly profile: Profile;
	readonly config: object;
};

export class Stage {
	readonly secretsManager: SecretsManager;
	readonly cluster: ClusterUnderTest;
	readonly profile: Profile;
	readonly world: World;
	readonly core: CoreV1Api;
	readonly #clock: StageClock | undefined;
	readonly #config: object;
	readonly #folder = mkdtempSync(join(tmpdir(), 'jasm-stage-'));
	readonly #namespaces: string[] = [];
	readonly #replicas: Replica[] = [];
	#files = 0;
	#barriers = 0;

	constructor({ cluster, secretsManager, clock, profile, config }: StageParts) {
		this.cluster = cluster;
		this.secretsManager = secretsManager;
		this.world = cluster.world;
		this.core = cluster.core;
		this.profile = profile;
		this.#clock = clock;
		this.#config = config;
	}

	/** The embedded API server; only for stages that stand on it everywhere. */
	get api(): ApiServer {
		return this.cluster.embedded!;
	}

	/** Whether it stands on a real API server. */
	get real(): boolean {
		return this.cluster.embedded === undefined;
	}

	/** Only for stages in virtual time. */
	get clock(): StageClock {
		return this.#clock!;
	}

	/** A path of a file that is gone with the stage. */
	file(content: string): string {
		const path = join(this.#folder, `file-${++this.#files}`);
		writeFileSync(path, content);
		return path;
	}

	/** The configuration file of this stage: every namespace of it may read below /prod. */
	configFile(changes: object = {}): object {
		return {
			profile: this.profile,
			providers: {
				[PROVIDER]: {
					kind: 'aws-secretsmanager',
					region: this.secretsManager.region,
					endpoint: this.secretsManager.url,
					credentials: 'environment',
				},
			},
			policy: [{ namespaces: [`*-${this.cluster.id}`], provider: PROVIDER, paths: ['/prod/**'] }],
			...this.#config,
			...changes,
		};
	}

	/** What the process gets beside the configuration file: identity at AWS, place in the cluster. */
	environment(): Record<string, string> {
		const name = `jasm-${this.cluster.id}-${this.#replicas.length}`;
		const aws = { AWS_ACCESS_KEY_ID: 'AKIASTAGE', AWS_SECRET_ACCESS_KEY: 'of the stage' };
		return { POD_NAME: name, POD_NAMESPACE: this.cluster.home, ...aws };
	}

	/** Starts a replica and waits until every live pod is known. */
	async start({
		wait = true,
		config,
		kubeconfig,
		argv = [],
		env,
		clock,
		...rest
	}: StartOptions = {}): Promise<Replica> {
		const text = kubeconfig ?? this.cluster.kubeconfigFor(await this.cluster.createToken());
		const time = clock ?? this.#clock;
		const replica = new Replica({
			config: this.configFile(config),
			argv: ['--kubeconfig', this.file(text), '--zap-log-level=debug', ...this.#unguarded(), ...argv],
			env: { ...this.environment(), ...env },
			...(time && { clock: time }),
			...rest,
		});
		this.#replicas.push(replica);
		return wait ? this.#passing(replica.ready()) : replica;
	}

	/** As SIGTERM does; resolves with what the replica failed with, or undefined. */
	async stop(replica: Replica): Promise<unknown> {
		const ended = replica.stop();
		await this.#clock?.runUntil(() => !replica.running, { maxMs: 60_000 });
		return ended;
	}

	#unguarded(): string[] {
		return this.profile === 'write-only' && !this.cluster.guarded ? ['--allow-unguarded'] : [];
	}

	/** Creates a namespace; its name is this one and the stage's. */
	async namespace(name: string): Promise<string> {
		const full = `${name}-${this.cluster.id}`;
		await this.core.createNamespace({ body: { metadata: { name: full } } });
		// A real server makes this one in its own time, and refuses pods until then.
		await this.core
			.createNamespacedServiceAccount({ namespace: full, body: { metadata: { name: 'default' } } })
			.catch(() => {});
		this.#namespaces.push(full);
		return full;
	}

	/** Creates a pod; with an annotation where it is given. */
	async pod(
		namespace: string,
		name: string,
		text?: string,
		{ labels, annotations }: PodOptions = {},
	): Promise<V1Pod> {
		const all = { ...annotations, ...(text !== undefined && { [ANNOTATION_KEY]: text }) };
		const metadata = { name, annotations: all, ...(labels && { labels }) };
		return this.core.createNamespacedPod({
			namespace,
			body: { metadata, spec: RESTRICTED },
		});
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
		return this.#eventually(
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
		return this.#eventually(
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

	#eventually<T>(probe: () => T | undefined, options: EventuallyOptions): Promise<T> {
		return this.#passing(eventually(this.world.subscribe, probe, options));
	}

	#passing<T>(awaited: Promise<T>): Promise<T> {
		return this.#clock?.passing(awaited, this.world.subscribe) ?? awaited;
	}

	/** A request under a token, or as the administrator, past every client. */
	request(request: RawRequest, token?: string): Promise<RawAnswer> {
		return rawRequest(
			token === undefined ? this.cluster.adminConfig : this.cluster.kubeconfigFor(token),
			request,
		);
	}

	async close(): Promise<void> {
		for (const replica of this.#replicas) {
			await this.stop(replica);
		}

		if (this.cluster.embedded === undefined) {
			await Promise.all(this.#namespaces.map(name => this.core.deleteNamespace({ name })));
		}

		await this.cluster.remove();
		await this.secretsManager.close();
		rmSync(this.#folder, { recursive: true });
	}
}

// A stage for scenarios: an API server with JASM installed, a Secrets Manager, controllers, and a public.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Clock } from '../../src/runtime/clock.ts';
import type { ApiServer } from '../../testing/index.ts';
import {
	type SecretsManager,
	type SecretsManagerOptions,
	startSecretsManager,
} from '../../testing/secrets-manager.ts';
import { Audience, type AudienceParts, PROVIDER } from './audience.ts';
import { type ClusterUnderTestOptions, openCluster } from './cluster-under-test.ts';
import { ControllerProcess } from './controller-process.ts';
import type { Profile } from './installation.ts';
import { Replica, type ReplicaOptions } from './replica.ts';
import { StageClock } from './stage-clock.ts';

export { annotation, PROVIDER } from './audience.ts';

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
	api === undefined ? 0 : calls.length + api.requests.all.length + Number(api.resourceVersion);

type StageParts = AudienceParts & { readonly profile: Profile; readonly config: object };

export class Stage extends Audience {
	readonly profile: Profile;
	readonly #config: object;
	readonly #folder = mkdtempSync(join(tmpdir(), 'jasm-stage-'));
	readonly #replicas: Replica[] = [];
	readonly #processes: ControllerProcess[] = [];
	#files = 0;

	constructor({ profile, config, ...parts }: StageParts) {
		super(parts);
		this.profile = profile;
		this.#config = config;
	}

	/** A path of a file that is gone with the stage. */
	file(content: string, extension = ''): string {
		const path = join(this.#folder, `file-${++this.#files}${extension}`);
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
					// Of a machine that is busy: no promise here is about how fast it is.
					timeoutMs: 60_000,
				},
			},
			policy: [{ namespaces: [`*-${this.cluster.id}`], provider: PROVIDER, paths: ['/prod/**'] }],
			...this.#config,
			...changes,
		};
	}

	/** What the process gets beside the configuration file: identity at AWS, place in the cluster. */
	environment(): Record<string, string> {
		const name = `jasm-${this.cluster.id}-${this.#replicas.length + this.#processes.length}`;
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
		const time = clock ?? this.virtual;
		const replica = new Replica({
			config: this.configFile(config),
			argv: ['--kubeconfig', this.file(text), '--zap-log-level=debug', ...this.#unguarded(), ...argv],
			env: { ...this.environment(), ...env },
			...(time && { clock: time }),
			...rest,
		});
		this.#replicas.push(replica);
		if (this.virtual !== undefined) {
			replica.log.subscribe(this.virtual.stir);
		}

		return wait ? this.passing(replica.ready()) : replica;
	}

	/** Starts the controller as a process of its own; it is killed with the stage. */
	async startProcess({
		config,
		kubeconfig,
		argv = [],
		env,
		preload,
	}: StartOptions & { readonly preload?: string } = {}): Promise<ControllerProcess> {
		const text = kubeconfig ?? this.cluster.kubeconfigFor(await this.cluster.createToken());
		const controller = new ControllerProcess({
			argv: [
				...['--kubeconfig', this.file(text), '--config', this.file(JSON.stringify(this.configFile(config)))],
				...['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'],
				...this.#unguarded(),
				...argv,
			],
			env: { ...this.environment(), ...(env as Record<string, string>) },
			...(preload !== undefined && { preload: this.file(preload, '.mjs') }),
		});
		this.#processes.push(controller);
		return controller;
	}

	/** As SIGTERM does; resolves with what the replica failed with, or undefined. */
	async stop(replica: Replica): Promise<unknown> {
		const ended = replica.stop();
		await this.virtual?.runUntil(() => !replica.running, { maxMs: 60_000 });
		return ended;
	}

	#unguarded(): string[] {
		return this.profile === 'write-only' && !this.cluster.guarded ? ['--allow-unguarded'] : [];
	}

	async close(): Promise<void> {
		for (const controller of this.#processes) {
			controller.signal('SIGKILL');
			await controller.exited;
		}

		for (const replica of this.#replicas) {
			await this.stop(replica);
		}

		if (this.cluster.embedded === undefined) {
			await Promise.all(this.namespaces.map(name => this.core.deleteNamespace({ name })));
		}

		await this.cluster.remove();
		await this.secretsManager.close();
		rmSync(this.#folder, { recursive: true });
	}
}

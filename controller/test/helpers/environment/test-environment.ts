// A stage for scenarios: an API server with JASM installed, a Secrets Manager, controllers, and a public.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Clock } from '../../../src/runtime/clock.ts';
import {
	type SecretsManager,
	type SecretsManagerOptions,
	startSecretsManager,
} from '../../../testing/aws/secrets-manager.ts';
import type { ApiServer } from '../../../testing/index.ts';
import { StageClock } from '../clocks/socket-clock.ts';
import { type ClusterUnderTestOptions, openCluster } from './cluster-under-test.ts';
import { ControllerProcess } from './controller-process.ts';
import type { Teardown } from './file-teardown.ts';
import type { Profile } from './installation.ts';
import { Replica, type ReplicaOptions } from './replica.ts';
import { type AudienceParts, PROVIDER, Users } from './users.ts';

export { annotation, PROVIDER } from './users.ts';

export type TestEnvironmentOptions = Partial<ClusterUnderTestOptions> & {
	/** Time stands still until the test moves it; implies the embedded server. */
	readonly virtualTime?: boolean;
	readonly secretsManager?: SecretsManagerOptions;
	/** Grows with all that happens on further servers of the test, in virtual time. */
	readonly furtherProgress?: () => number;
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

export async function startEnvironment(
	t: Teardown,
	options: TestEnvironmentOptions = {},
): Promise<TestEnvironment> {
	const { profile = 'write-only', virtualTime = false, embedded = virtualTime } = options;
	const { furtherProgress = () => 0 } = options;
	const secretsManager = await startSecretsManager(options.secretsManager);
	let api: ApiServer | undefined;
	const clock = virtualTime
		? new StageClock(() => progressOf(api, secretsManager) + furtherProgress())
		: undefined;
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

	const environment = new TestEnvironment({
		cluster,
		secretsManager,
		clock,
		profile: actual,
		config: options.config ?? {},
	});
	t.teardown(() => environment.close());
	return environment;
}

/** With the policies that make pods wait. Throws on a server below Kubernetes 1.30, which cannot have them. */
export async function startGateEnvironment(
	t: ExecutionContext,
	options: TestEnvironmentOptions = {},
): Promise<TestEnvironment> {
	const environment = await startEnvironment(t, { ...options, startGate: true });
	if (environment.cluster.startGate === undefined) {
		throw new Error('the start gate needs Kubernetes 1.30: run these scenarios on a newer server');
	}

	return environment;
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

export class TestEnvironment extends Users {
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
			...(this.cluster.startGate !== undefined && { start: { release: true } }),
			policy: [{ namespaces: [`*-${this.cluster.id}`], provider: PROVIDER, paths: ['/prod/**'] }],
			...this.#config,
			...changes,
		};
	}

	/** What the process gets beside the configuration file: identity at AWS, place in the cluster. */
	processEnvironment(): Record<string, string> {
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
		await this.#ownPod();
		const time = clock ?? this.virtual;
		const replica = new Replica({
			config: this.configFile(config),
			argv: ['--kubeconfig', this.file(text), '--zap-log-level=debug', ...this.#unguarded(), ...argv],
			env: { ...this.processEnvironment(), ...env },
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
		await this.#ownPod();
		const controller = new ControllerProcess({
			argv: [
				...['--kubeconfig', this.file(text), '--config', this.file(JSON.stringify(this.configFile(config)))],
				...['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'],
				...this.#unguarded(),
				...argv,
			],
			env: { ...this.processEnvironment(), ...(env as Record<string, string>) },
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

	/** The pod in which the next controller would run: the proof of the release guard is tried on it. */
	async #ownPod(): Promise<void> {
		const name = this.processEnvironment()['POD_NAME']!;
		if (this.cluster.startGate !== undefined) {
			await this.pod(this.cluster.home, name);
		}
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

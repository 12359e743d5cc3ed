// The engine: watchers feed requests, requests feed the queue, the queue feeds reconcile.
import type { Cluster } from './cluster.ts';
import type { Config } from './config.ts';
import { JasmError } from './errors.ts';
import { Intake } from './intake.ts';
import { type SecretWriter, selfHealWriter, writeOnlyWriter } from './kubernetes/secret-writer.ts';
import type { Logger } from './logger.ts';
import { ManagedSecrets } from './managed-secrets.ts';
import type { Metrics } from './metrics.ts';
import { compilePolicy } from './policy.ts';
import type { Environment, SecretProvider } from './providers/provider.ts';
import { createProviders, type ProviderRegistry } from './providers/registry.ts';
import { createReconcile } from './reconcile.ts';
import { Requests } from './requests.ts';
import type { Random } from './runtime/backoff.ts';
import type { Clock } from './runtime/clock.ts';
import { Controller, type Outcome } from './runtime/controller.ts';
import { TokenBucket } from './runtime/limiter.ts';
import type { Tracked } from './runtime/list-watch.ts';
import type { Watcher } from './runtime/watcher.ts';
import { Workqueue } from './runtime/workqueue.ts';
import { SecretReader } from './secret-reader.ts';
import { History } from './sync-history.ts';
import { Teller, type TellerOptions } from './tell.ts';

export type EngineOptions = {
	readonly config: Config;
	readonly env: Environment;
	readonly cluster: Cluster;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly providers: Readonly<Record<string, SecretProvider>>;
	readonly recordEvent: TellerOptions['recordEvent'];
	/** Asked before every write: false from the moment another replica may lead. */
	readonly mayWrite: () => boolean;
};

/** What the probes ask of a watcher. */
type WatcherFacts = Pick<Watcher<Tracked>, 'synced' | 'fresh' | 'advancedAt'>;

export type Engine = {
	/** Watches and reconciles until the signal aborts; started syncs are finished first. */
	run(signal: AbortSignal): Promise<void>;
	/** Every collection was listed once. */
	readonly synced: Promise<void>;
	/** From here on keys are handed out, once everything is synced. */
	lead(): void;
	/** Stops what runs, at once. */
	abort(reason: unknown): void;
	readonly watchers: readonly { readonly resource: string; readonly watcher: WatcherFacts }[];
	/** Keys that wait. */
	readonly queued: number;
	close(): Promise<void>;
};

/** Half of the runs, so that one provider that hangs leaves the other half to the rest. */
const RUNS = 128;
const RUNS_PER_PROVIDER = 64;
/** A read in flight serves pods that appear up to this many milliseconds after it began. */
const JOIN_WINDOW_MS = 250;

export function createEngine(options: EngineOptions): Engine {
	const { config, cluster, clock, random, logger, metrics } = options;
	const requests = new Requests();
	const managed = new ManagedSecrets();
	const history = new History();
	const teller = new Teller({ logger, metrics, recordEvent: options.recordEvent });
	const registry = registryOf(options);
	const selfHeal = config.profile === 'self-heal';

	const secrets = new Workqueue({
		clock,
		paused: true,
		lanes: { of: key => requests.of(key)?.winner.sync.provider ?? '', limit: RUNS_PER_PROVIDER },
	});
	const refusedPods = new Workqueue({ clock, paused: true });
	const intake = new Intake({ requests, managed, history, clock, metrics, secrets, refusedPods });

	const pods = cluster.watchPods(
		change => intake.podChanged(change),
		text => requests.intern(text),
	);
	const owned = selfHeal
		? cluster.watchManagedSecrets(
				change => intake.secretChanged(change),
				() => intake.secretsListed(),
			)
		: undefined;
	const synced = Promise.all([pods.store.ready, owned?.store.ready]).then(() => {});

	const reconcile = createReconcile({
		requests,
		policy: compilePolicy(config.policy, { ownNamespace: config.namespace }),
		reader: new SecretReader({
			providers: registry,
			concurrencyOf: name => config.providers[name]?.concurrency ?? RUNS,
			clock,
			metrics,
			joinWindowMs: JOIN_WINDOW_MS,
		}),
		validatePath: (name, reference) => registry.validatePath(name, reference),
		allowance: allowanceOf(config, clock),
		writer: leaderOnly(
			selfHeal ? selfHealWriter(cluster.client, key => managed.get(key)) : writeOnlyWriter(cluster.client),
			options.mayWrite,
		),
		history,
		...(selfHeal && { recall: (key, request) => managed.recall(key, request) }),
		teller,
		clock,
		joinWindowMs: JOIN_WINDOW_MS,
	});
	const onOutcome = (outcome: Outcome) => {
		if (outcome.kind === 'failed' && outcome.unexpected) {
			logger.error({ key: outcome.key, error: outcome.error }, 'unexpected failure');
		}
	};
	const controllers = [
		new Controller({ queue: secrets, reconcile, clock, random, concurrency: RUNS, onOutcome }),
		new Controller({
			queue: refusedPods,
			async reconcile(podKey) {
				const invalid = requests.invalid(podKey);
				if (invalid !== undefined) {
					teller.invalidAnnotation(invalid.pod, invalid.error);
				}

				return undefined;
			},
			clock,
			random,
			concurrency: 1,
			onOutcome,
		}),
	];

	return {
		synced,
		watchers: [
			{ resource: 'pods', watcher: pods.watcher },
			...(owned ? [{ resource: 'secrets', watcher: owned.watcher }] : []),
		],
		get queued() {
			return secrets.size + refusedPods.size;
		},
		lead() {
			void synced.then(() => {
				secrets.resume();
				refusedPods.resume();
			});
		},
		abort(reason) {
			for (const controller of controllers) {
				controller.abort(reason);
			}
		},
		async run(signal) {
			void registry.preload().catch((error: unknown) => logger.error({ error }, 'provider not loaded'));
			void cluster.connect();
			await Promise.all([
				pods.watcher.run(signal),
				owned?.watcher.run(signal),
				...controllers.map(controller => controller.run(signal)),
			]);
		},
		close: () => registry.close(),
	};
}

/** The configured providers, and beside them those of an embedding program. */
function registryOf({ config, env, clock, logger, providers }: EngineOptions): ProviderRegistry {
	const configured = createProviders(config.providers, {
		env,
		clock,
		warn: message => logger.warn(message),
	});
	const own = new Map(Object.entries(providers));
	return {
		preload: () => configured.preload(),
		close: () => configured.close(),
		get: async name => own.get(name) ?? configured.get(name),
		validatePath(name, reference) {
			if (!own.has(name)) {
				configured.validatePath(name, reference);
			}
		},
	};
}

/** One token bucket per namespace: a namespace that churns spends its own allowance, nobody else's. */
function allowanceOf({ limits }: Config, clock: Clock): (namespace: string) => number {
	const buckets = new Map<string, TokenBucket>();
	return namespace => {
		let bucket = buckets.get(namespace);
		if (bucket === undefined) {
			bucket = new TokenBucket({ clock, capacity: limits.burst, refillPerSecond: limits.readsPerSecond });
			buckets.set(namespace, bucket);
		}

		return bucket.take();
	};
}

function leaderOnly(writer: SecretWriter, mayWrite: () => boolean): SecretWriter {
	return {
		async write(secret, hints) {
			if (!mayWrite()) {
				throw new JasmError('writing a secret without the lease', { code: 'LEASE_LOST' });
			}

			return writer.write(secret, hints);
		},
	};
}

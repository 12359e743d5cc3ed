// The engine: watchers feed requests, requests feed the queue, the queue feeds reconcile.
import { Allowance } from './allowance.ts';
import type { Cluster } from './cluster.ts';
import type { Config } from './config.ts';
import { JasmError } from './errors.ts';
import { Intake } from './intake.ts';
import { type SecretWriter, selfHealWriter, writeOnlyWriter } from './kubernetes/secret-writer.ts';
import type { Logger } from './logger.ts';
import { ManagedSecrets } from './managed-secrets.ts';
import type { Metrics } from './metrics.ts';
import { Outages } from './outages.ts';
import { compilePolicy } from './policy.ts';
import type { Environment, SecretProvider } from './providers/provider.ts';
import { createProviders, type ProviderRegistry } from './providers/registry.ts';
import { createReconcile } from './reconcile.ts';
import { Requests } from './requests.ts';
import type { Random } from './runtime/backoff.ts';
import type { Clock } from './runtime/clock.ts';
import { Controller, type Outcome } from './runtime/controller.ts';
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

	const known = (name = '') =>
		Object.hasOwn(config.providers, name) || Object.hasOwn(options.providers, name) ? name : '';

	const secrets = new Workqueue({
		clock,
		// A lane is a provider that exists: names that tenants make up share one.
		lanes: { of: key => known(requests.winnerOf(key)?.sync.provider), limit: RUNS_PER_PROVIDER },
	});
	const refusedPods = new Workqueue({ clock });
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

	const allowance = new Allowance({ clock, ...config.limits });
	const reconcile = createReconcile({
		requests,
		policy: compilePolicy(config.policy, { ownNamespace: config.namespace }),
		reader: new SecretReader({
			providers: registry,
			concurrencyOf: name => config.providers[name]?.concurrency ?? RUNS,
			rateOf: name => config.providers[name]?.readsPerSecond,
			clock,
			metrics,
			joinWindowMs: JOIN_WINDOW_MS,
		}),
		validatePath: (name, reference) => registry.validatePath(name, reference),
		allowance: key => allowance.take(key),
		writer: leaderOnly(
			selfHeal ? selfHealWriter(cluster.client, key => managed.get(key)) : writeOnlyWriter(cluster.client),
			options.mayWrite,
		),
		history,
		outages: new Outages({ clock, wake: key => secrets.add(key) }),
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
			void synced.then(() => intake.lead());
		},
		abort(reason) {
			for (const controller of controllers) {
				controller.abort(reason);
			}
		},
		async run(signal) {
			void registry.preload().catch((error: unknown) => logger.error({ error }, 'provider not loaded'));
			void cluster.connect();
			await together([pods.watcher, ...(owned ? [owned.watcher] : []), ...controllers], signal);
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

/** Runs all until the signal aborts; where one fails the others are stopped first, then it is told. */
async function together(parts: readonly { run(signal: AbortSignal): Promise<void> }[], signal: AbortSignal) {
	const fault = new AbortController();
	const until = AbortSignal.any([signal, fault.signal]);
	await Promise.all(parts.map(part => part.run(until).catch((error: unknown) => fault.abort(error))));
	if (fault.signal.aborted) {
		throw fault.signal.reason;
	}
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

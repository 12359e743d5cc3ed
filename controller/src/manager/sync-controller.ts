// The sync controller: watches feed requests, requests feed the queue, the queue feeds reconcile.

import type { Config } from '../config/config.ts';
import { JasmError } from '../errors.ts';
import { createRelease } from '../gates/release.ts';
import { WaitingPods } from '../gates/waiting-pods.ts';
import type { PodEvent } from '../kubernetes/event-recorder.ts';
import type { EventSubject } from '../kubernetes/types.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { ReleaseReporter } from '../observability/release-reporter.ts';
import { OutcomeReporter } from '../observability/reporter.ts';
import { compilePolicy } from '../policy/policy.ts';
import type { Environment, ProviderKind, SecretProvider } from '../providers/provider.ts';
import { PRIORITY } from '../requests/pod-record.ts';
import { Requests } from '../requests/requests.ts';
import { START_KEY } from '../requests/start-annotation.ts';
import { UnknownKeys } from '../requests/unknown-keys.ts';
import type { Random } from '../runtime/backoff.ts';
import { ByteBudget } from '../runtime/byte-budget.ts';
import type { Clock } from '../runtime/clock.ts';
import { Controller, type Outcome } from '../runtime/controller.ts';
import { Workqueue } from '../runtime/queue/workqueue.ts';
import type { Tracked } from '../runtime/watch/list-watch.ts';
import type { Watcher } from '../runtime/watch/watcher.ts';
import { DependencyHealth } from '../sync/dependency-health.ts';
import { EventHandlers } from '../sync/event-handlers.ts';
import { ManagedSecrets } from '../sync/managed-secrets.ts';
import { VALUE_MEMORY } from '../sync/memory-limits.ts';
import { NamespaceRateLimiter } from '../sync/rate-limits.ts';
import { createReconcile } from '../sync/reconcile.ts';
import { SecretReader } from '../sync/secret-reader.ts';
import { type SecretWriter, selfHealWriter, writeOnlyWriter } from '../sync/secret-writer.ts';
import { JOIN_WINDOW_MS, SyncStates } from '../sync/sync-state.ts';
import { createChanges, rereadMsOf } from './changes.ts';
import type { Cluster } from './cluster.ts';
import { registryOf } from './registry-of.ts';
import { createRestarts } from './restarts.ts';
import { together } from './together.ts';

export type SyncControllerOptions = {
	readonly config: Config;
	readonly env: Environment;
	readonly cluster: Cluster;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly providers: Readonly<Record<string, SecretProvider>>;
	readonly kinds?: readonly ProviderKind[];
	/** An Event on a pod, or on a workload. */
	readonly recordEvent: (subject: EventSubject, event: PodEvent) => void;
	/** The admission policy for workloads was proven. */
	readonly restartsProven: boolean;
	/** Called before every write: false as soon as another replica may lead. */
	readonly mayWrite: () => boolean;
};

/** The facts that the probes need of a watcher. */
type WatcherFacts = Pick<Watcher<Tracked>, 'synced' | 'fresh' | 'advancedAt'>;

export type SyncController = {
	/** Watches and reconciles until the signal aborts; started syncs are finished first. */
	run(signal: AbortSignal): Promise<void>;
	/** Every collection was listed once. */
	readonly synced: Promise<void>;
	/** Starts handing out keys, once every collection was listed. */
	lead(): void;
	/** Stops all runs at once. */
	abort(reason: unknown): void;
	readonly watchers: readonly { readonly resource: string; readonly watcher: WatcherFacts }[];
	/** The number of waiting keys. */
	readonly queued: number;
	/** Live pods with an annotation, and the Secrets that they ask for. */
	counts(): { readonly pods: number; readonly secrets: number };
	/** Writes into the metrics what only a look tells. */
	measure(): void;
	/** Memory for values: bytes that are reserved, and keys that wait for some. */
	readonly memory: Pick<ByteBudget, 'inFlight' | 'waiting'>;
	close(): Promise<void>;
};

/** Half of the runs: a provider that hangs leaves the other half to the others. */
const RUNS = 128;
const RUNS_PER_PROVIDER = 64;
/** Pods that are released at a time. */
const RELEASES = 32;

export function createSyncController(options: SyncControllerOptions): SyncController {
	const { config, cluster, clock, random, logger, metrics } = options;
	const requests = new Requests();
	const managed = new ManagedSecrets();
	let leadingSince = Number.NEGATIVE_INFINITY;
	const states = new SyncStates({
		// A run that ended may have given up a notice that it could not act on: then only a read shows the change. And
		// only a write tells when the Secret changed, which decides about restarts.
		adopt: (key, request) =>
			config.changes === undefined && config.restarts === undefined
				? managed.recall(key, request, leadingSince)
				: undefined,
		rereadMs: rereadMsOf(config),
	});
	const reporter = new OutcomeReporter({ logger, metrics, recordEvent: options.recordEvent });
	const unknownKeys = new UnknownKeys(reporter);
	const registry = registryOf(options);
	const selfHeal = config.profile === 'self-heal';

	const known = (name = '') =>
		Object.hasOwn(config.providers, name) || Object.hasOwn(options.providers, name) ? name : '';

	const secrets = new Workqueue({
		clock,
		// One concurrency group per configured provider; unknown names share one group.
		groups: { of: key => known(requests.effectiveOf(key)?.sync.provider), limit: RUNS_PER_PROVIDER },
	});
	const dependencyHealth = new DependencyHealth({ clock, requeue: key => secrets.add(key) });
	const isOut = (name: string) => dependencyHealth.isOut(name);
	const changes = createChanges({ ...options, registry, requests, states, secrets, isOut });
	const refusedPods = new Workqueue({ clock });
	const releases = new Workqueue({ clock });
	const waiting = new WaitingPods({
		leads: () => eventHandlers.leading,
		due: podKey => eventHandlers.podDue(podKey),
		keysOf: pod => requests.keysOf(pod),
		onCount: count => metrics.gatedPods.set(count),
	});
	const onOutcome = (outcome: Outcome) => {
		if (outcome.kind === 'failed' && outcome.unexpected) {
			logger.error({ key: outcome.key, error: outcome.error }, 'unexpected failure');
		}
	};
	const restarts = createRestarts({
		...options,
		proven: options.restartsProven,
		client: cluster.client,
		requests,
		onOutcome,
	});
	const eventHandlers = new EventHandlers({
		requests,
		managed,
		states,
		clock,
		metrics,
		secrets,
		refusedPods,
		waiting,
		releases,
		...(changes && { onRequest: changes.onRequest }),
		onPod: (change, news) => restarts.onPod(change, news),
	});
	let ignoredStart = false;
	const countsStart = () => {
		if (!config.start.release && !ignoredStart) {
			ignoredStart = true;
			logger.warn(`pods with ${START_KEY} start at once: start.release is false in the configuration`);
		}

		return config.start.release;
	};

	const pods = cluster.watchPods(
		change => eventHandlers.podChanged(change),
		// Only profile self-heal adopts what an earlier run wrote.
		{ intern: text => requests.intern(text), countsStart, askedAt: selfHeal, onSeen: unknownKeys.seen },
	);
	const owned = selfHeal
		? cluster.watchManagedSecrets(
				change => eventHandlers.secretChanged(change),
				() => eventHandlers.secretsListed(),
			)
		: undefined;
	const synced = Promise.all([pods.store.ready, owned?.store.ready]).then(() => {});

	const budget = new ByteBudget({
		...VALUE_MEMORY,
		onGrant: key => secrets.add(key, { priority: PRIORITY.memoryGranted }),
	});
	const rateLimiter = new NamespaceRateLimiter({ clock, ...config.limits });
	const reconcile = createReconcile({
		requests,
		states,
		policy: compilePolicy(config.policy, { ownNamespace: config.namespace }),
		reader: new SecretReader({
			providers: registry,
			concurrencyOf: name => config.providers[name]?.concurrency ?? RUNS,
			rateOf: name => config.providers[name]?.readsPerSecond,
			budget,
			clock,
			metrics,
			joinWindowMs: JOIN_WINDOW_MS,
		}),
		validatePath: (name, reference) => registry.validatePath(name, reference),
		rateLimiter: key => rateLimiter.take(key),
		writer: leaderOnly(
			selfHeal ? selfHealWriter(cluster.client, key => managed.get(key)) : writeOnlyWriter(cluster.client),
			options.mayWrite,
		),
		dependencyHealth,
		reporter,
		waiting,
		restarts,
		clock,
	});
	const onSecretOutcome = (outcome: Outcome) => {
		onOutcome(outcome);
		changes?.ended(outcome);
	};
	const controllers = [
		new Controller({
			queue: secrets,
			reconcile,
			clock,
			random,
			concurrency: RUNS,
			onOutcome: onSecretOutcome,
		}),
		new Controller({
			queue: refusedPods,
			async reconcile(podKey) {
				const invalid = requests.invalid(podKey);
				if (invalid !== undefined) {
					reporter.invalidAnnotation(invalid.pod, invalid.error);
					waiting.failed(invalid.pod, invalid.error);
				}

				return undefined;
			},
			clock,
			random,
			concurrency: 1,
			onOutcome,
		}),
		new Controller({
			queue: releases,
			reconcile: createRelease({
				client: cluster.client,
				waiting,
				reporter: new ReleaseReporter({ logger, metrics, recordEvent: options.recordEvent }),
				clock,
				mayWrite: options.mayWrite,
			}),
			clock,
			random,
			concurrency: RELEASES,
			onOutcome,
		}),
		...(restarts.controller ? [restarts.controller] : []),
	];

	return {
		synced,
		watchers: [
			{ resource: 'pods', watcher: pods.watcher },
			...(owned ? [{ resource: 'secrets', watcher: owned.watcher }] : []),
		],
		counts: () => ({ pods: pods.store.size, secrets: requests.size }),
		memory: budget,
		measure: () => changes?.measure(),
		get queued() {
			return secrets.size + refusedPods.size + releases.size + restarts.queued;
		},
		lead() {
			void synced.then(() => {
				leadingSince = clock.monotonic();
				eventHandlers.lead();
				restarts.lead();
				unknownKeys.lead();
				changes?.lead();
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
			const watchers = [pods.watcher, ...(owned ? [owned.watcher] : [])];
			await together([...watchers, ...controllers, ...(changes ? [changes] : [])], signal);
		},
		close: () => registry.close(),
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

// Wiring: what the controller consists of, what starts when, and what stops in which order.
import { type Cluster, connectCluster } from './cluster.ts';
import type { Config } from './config.ts';
import { createEngine, type Engine } from './engine.ts';
import { JasmError } from './errors.ts';
import { EventRecorder } from './kubernetes/event-recorder.ts';
import { proveGuard } from './kubernetes/guard.ts';
import { LeaderElection } from './kubernetes/lease.ts';
import type { Logger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Environment, SecretProvider } from './providers/provider.ts';
import { backoff, type Random } from './runtime/backoff.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { type Endpoints, startEndpoints } from './server.ts';

export type ControllerOptions = {
	readonly config: Config;
	readonly logger: Logger;
	/** Where kubeconfig and credentials may come from; pass `process.env`. None by default. */
	readonly env?: Environment;
	/** Providers of your own, by the name that annotations and policy rules use. */
	readonly providers?: Readonly<Record<string, SecretProvider>>;
	readonly clock?: Clock;
	readonly random?: Random;
	readonly metrics?: Metrics;
	readonly version?: string;
	/** CPU seconds and resident bytes of the process, for /metrics. */
	readonly processFacts?: () => { readonly cpuSeconds: number; readonly residentBytes: number };
};

export type Controller = {
	/**
	 * Runs until the signal aborts, then stops in order and resolves. Rejects with a JasmError where it cannot
	 * start (GUARD_MISSING, KUBERNETES_CONFIG_INVALID, CONFIG_INVALID) or may not go on (LEASE_LOST).
	 */
	run(signal: AbortSignal): Promise<void>;
	/** Resolves when every live pod is known and this replica syncs or stands by. */
	readonly ready: Promise<void>;
	/** The ports of the endpoints, once they listen. */
	readonly endpoints: Promise<Pick<Endpoints, 'healthPort' | 'metricsPort'>>;
};

/** The Lease has the name that the Go program used, so that both never write at once. */
export const LEASE = 'jasm.codnod.io';
const FLUSH_EVENTS_MS = 2_000;
/** A little longer than the election itself allows for it. */
const RELEASE_LEASE_MS = 4_000;
/** A watcher that neither changed its state nor heard a byte for so long is stuck. */
const STUCK_MS = 5 * 60_000;
const START_BACKOFF = { baseMs: 500, capMs: 30_000, jitter: 'full' } as const;

export function createController(options: ControllerOptions): Controller {
	return new App(options);
}

class App implements Controller {
	readonly #options: Required<Omit<ControllerOptions, 'processFacts'>> & ControllerOptions;
	readonly #ready = Promise.withResolvers<void>();
	readonly #endpoints = Promise.withResolvers<Endpoints>();
	#engine: Engine | undefined;
	#stopping = false;

	constructor(options: ControllerOptions) {
		this.#options = {
			env: {},
			providers: {},
			clock: systemClock,
			random: Math.random,
			metrics: createMetrics(),
			version: 'dev',
			...options,
		};
		// Whoever waits is told; nobody has to wait.
		this.#ready.promise.catch(() => {});
		this.#endpoints.promise.catch(() => {});
	}

	get ready(): Promise<void> {
		return this.#ready.promise;
	}

	get endpoints(): Promise<Endpoints> {
		return this.#endpoints.promise;
	}

	async run(signal: AbortSignal): Promise<void> {
		const { logger, config } = this.#options;
		const undo: (() => Promise<void> | void)[] = [];
		try {
			const endpoints = await this.#listen();
			undo.push(() => endpoints.close());
			this.#endpoints.resolve(endpoints);
			const { healthPort, metricsPort } = endpoints;
			logger.info({ profile: config.profile, healthPort, metricsPort }, 'starting');
			for (const notice of config.notices) {
				logger.info(notice);
			}

			const cluster = await this.#connect();
			undo.push(() => cluster.close());
			await this.#guard(cluster, signal);
			await this.#work(cluster, signal, undo);
		} catch (error) {
			this.#ready.reject(error);
			this.#endpoints.reject(error);
			// Told to stop in the middle of starting: that is no failure.
			if (!signal.aborted) {
				throw error;
			}
		} finally {
			this.#stopping = true;
			for (const step of undo.reverse()) {
				try {
					await step();
				} catch (error) {
					logger.error({ error }, 'not closed');
				}
			}

			this.#ready.reject(new JasmError('stopped before the first list was complete', { code: 'ABORTED' }));
			logger.info('stopped');
		}
	}

	/** From the watchers to the last write, in the order in which a stop takes it down again. */
	async #work(cluster: Cluster, signal: AbortSignal, undo: (() => Promise<void> | void)[]): Promise<void> {
		const { config, env, clock, random, logger, metrics, providers } = this.#options;
		const recorder = new EventRecorder({
			client: cluster.client,
			clock,
			random,
			instance: config.podName ?? 'jasm',
			onSent: () => metrics.events.inc({ outcome: 'sent' }),
			onFailed: error => {
				metrics.events.inc({ outcome: 'failed' });
				logger.debug({ error }, 'event not recorded');
			},
			onDropped: reason => metrics.events.inc({ outcome: reason }),
		});
		const fault = new AbortController();
		const stop = AbortSignal.any([signal, fault.signal]);
		const fail = (error: unknown) => fault.abort(error);

		const released = new AbortController();
		const election = this.#election(cluster, fail);
		const engine = createEngine({
			config,
			env,
			cluster,
			clock,
			random,
			logger,
			metrics,
			providers,
			recordEvent: (pod, event) => recorder.record(pod, event),
			mayWrite: () => election?.stillLeading() ?? true,
		});
		this.#engine = engine;
		undo.push(() => engine.close());

		const electing = election?.run(released.signal).catch(fail);
		if (election === undefined) {
			this.#lead(true);
		}

		stop.addEventListener('abort', () => {
			this.#stopping = true;
		});
		engine.synced.then(this.#ready.resolve);
		await engine.run(stop).catch(fail);
		await recorder.flush(FLUSH_EVENTS_MS);
		// Last, so that nobody else writes while this replica still may.
		released.abort();
		const late = Promise.withResolvers<void>();
		const timer = clock.schedule(RELEASE_LEASE_MS, late.resolve);
		await Promise.race([electing, late.promise]);
		timer.cancel();
		if (fault.signal.aborted) {
			throw fault.signal.reason;
		}
	}

	#election(cluster: Cluster, fail: (error: unknown) => void): LeaderElection | undefined {
		const { config, clock, random, logger } = this.#options;
		if (!config.leaderElect) {
			return undefined;
		}

		const namespace = config.namespace;
		return new LeaderElection({
			client: cluster.client,
			clock,
			random,
			lease: { namespace, name: LEASE },
			identity: `${config.podName ?? 'jasm'}_${Math.floor(random() * 2 ** 48).toString(16)}`,
			onStartedLeading: () => this.#lead(true),
			onStoppedLeading: () => {
				this.#lead(false);
				if (!this.#stopping) {
					fail(new JasmError('holding the lease: it was lost', { code: 'LEASE_LOST' }));
				}
			},
			onOtherLeader: identity => logger.info({ leader: identity }, 'standing by'),
			onError: error => logger.warn({ error }, 'lease not renewed'),
		});
	}

	#lead(leading: boolean): void {
		const { metrics, logger } = this.#options;
		metrics.leader.set(leading ? 1 : 0);
		if (leading) {
			logger.info('leading');
			this.#engine?.lead();
		} else {
			this.#engine?.abort(new JasmError('writing without the lease', { code: 'LEASE_LOST' }));
		}
	}

	async #connect(): Promise<Cluster> {
		const { config, env, clock, random, logger, metrics, version } = this.#options;
		const { minSeconds: min, maxSeconds: max, silenceSeconds } = config.watch;
		return connectCluster({
			kubernetes: {
				env,
				...(config.kubeconfig !== undefined && { kubeconfigPath: config.kubeconfig }),
			},
			clock,
			random,
			logger,
			metrics,
			version,
			watchTimeoutSeconds: { min, max },
			watchSilenceMs: silenceSeconds * 1_000,
		});
	}

	/** Profile write-only does not start without the admission policy, unless it is told to. */
	async #guard({ client }: Cluster, signal: AbortSignal): Promise<void> {
		const { config, clock, random, logger, metrics } = this.#options;
		if (config.profile !== 'write-only') {
			return;
		}

		for (let attempt = 0; ; attempt++) {
			try {
				await proveGuard({ client, namespace: config.namespace, signal });
				metrics.unguarded.set(0);
				return;
			} catch (error) {
				if (!(error instanceof JasmError)) {
					throw error;
				}

				if (error.code === 'GUARD_MISSING' && config.allowUnguarded) {
					metrics.unguarded.set(1);
					logger.warn({ error }, 'running unguarded: nothing keeps writes to Secrets that are owned');
					return;
				}

				if (error.code !== 'KUBERNETES_UNAVAILABLE') {
					throw error;
				}

				logger.warn({ error, attempt }, 'the admission guard could not be proven yet');
				await clock.sleep(Math.max(backoff(START_BACKOFF, attempt, random), error.retryAfterMs ?? 0), signal);
			}
		}
	}

	#listen(): Promise<Endpoints> {
		const { config, clock, metrics, version, processFacts } = this.#options;
		metrics.buildInfo.set({ version }, 1);
		return startEndpoints({
			healthAddress: config.healthAddress,
			metricsAddress: config.metricsAddress,
			live: () =>
				(this.#engine?.watchers ?? [])
					.filter(({ watcher }) => clock.monotonic() - watcher.advancedAt > STUCK_MS)
					.map(({ resource }) => `the watch of ${resource} is stuck`),
			ready: () => {
				if (this.#stopping) {
					return ['stopping'];
				}

				return (this.#engine?.watchers ?? [{ resource: 'pods', watcher: undefined }])
					.filter(({ watcher }) => !watcher?.fresh(clock.monotonic()))
					.map(({ resource, watcher }) =>
						watcher?.synced ? `the watch of ${resource} is stale` : `the watch of ${resource} is not synced`,
					);
			},
			metrics: async () => {
				const { cpuSeconds, residentBytes } = processFacts?.() ?? { cpuSeconds: 0, residentBytes: 0 };
				metrics.cpu.set(cpuSeconds);
				metrics.memory.set(residentBytes);
				metrics.queueDepth.set(this.#engine?.queued ?? 0);
				return { text: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
			},
		});
	}
}

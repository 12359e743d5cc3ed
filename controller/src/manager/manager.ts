// The manager: builds the parts of the controller, starts them in order, and stops them in reverse order.
//
// This folder is the composition root. Read manager.ts first (process order, probes, lease), then sync-controller.ts
// (watches, queue and reconcile put together), then cluster.ts (the connection to the API server and the watches);
// require-guard.ts runs once before anything is written. It may import every other folder; only main.ts and index.ts
// import it.

import { JasmError } from '../errors.ts';
import { EventRecorder } from '../kubernetes/event-recorder.ts';
import { LeaderElection } from '../kubernetes/lease.ts';
import { type Endpoints, startEndpoints } from '../observability/endpoints.ts';
import { createMetrics } from '../observability/metrics.ts';
import { systemClock } from '../runtime/clock.ts';
import { coded } from '../sync/kubernetes-errors.ts';
import { type Cluster, connectCluster } from './cluster.ts';
import type { Controller, ControllerOptions } from './options.ts';
import { requireGuard } from './require-guard.ts';
import { requireReleaseGuard } from './require-release-guard.ts';
import { requireRestartGuard } from './require-restart-guard.ts';
import { neededRights, RightsReport } from './rights.ts';
import { logStart, warnOfFiles } from './start-log.ts';
import { createSyncController, type SyncController } from './sync-controller.ts';

/** The Lease has the name that the Go program used, so that both never write at once. */
export const LEASE = 'jasm.codnod.io';
/** The reporting controller of every Event. */
const CONTROLLER = 'jasm';
const FLUSH_EVENTS_MS = 2_000;
/** A little longer than the election itself allows for it. */
const RELEASE_LEASE_MS = 4_000;
/** A watcher without a change of phase or a byte for this long is stuck. */
const STUCK_MS = 5 * 60_000;

/**
 * A controller that does nothing until `run`.
 *
 * @example
 * ```ts
 * import { createController, createLogger, loadConfig } from '@jasm/controller';
 *
 * const config = loadConfig();
 * const logger = createLogger({ level: config.logLevel });
 * const stop = new AbortController();
 * process.once('SIGTERM', () => stop.abort());
 * await createController({ config, logger, env: process.env }).run(stop.signal);
 * ```
 */
export function createController(options: ControllerOptions): Controller {
	return new Manager(options);
}

class Manager implements Controller {
	readonly #options: Required<Omit<ControllerOptions, 'processFacts'>> & ControllerOptions;
	readonly #ready = Promise.withResolvers<void>();
	readonly #endpoints = Promise.withResolvers<Endpoints>();
	#syncController: SyncController | undefined;
	#rights: RightsReport | undefined;
	#stopping = false;

	constructor(options: ControllerOptions) {
		this.#options = {
			env: {},
			providers: {},
			kinds: [],
			clock: systemClock,
			random: Math.random,
			metrics: createMetrics(),
			version: 'dev',
			...options,
		};
		// Callers that wait for these promises see a rejection; without callers it is no unhandled one.
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
			const start = { ...this.#options, healthPort, metricsPort };
			logStart(start);
			await warnOfFiles(start);

			const rights = neededRights(config, LEASE);
			const cluster = await this.#connect();
			undo.push(() => cluster.close());
			const { client, reviews } = cluster;
			this.#rights = new RightsReport({ ...this.#options, reviews, rights });
			await requireGuard({ ...this.#options, client, reviews, rights, signal });
			await requireReleaseGuard({ ...this.#options, client, signal });
			const restartsProven = await requireRestartGuard({ ...this.#options, client, signal });
			await this.#work(cluster, { signal, restartsProven }, undo);
		} catch (error) {
			this.#ready.reject(error);
			this.#endpoints.reject(error);
			// A stop during the start is no failure.
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

	/** From the watches to the last write, in the order of a stop. */
	async #work(
		cluster: Cluster,
		{ signal, restartsProven }: { readonly signal: AbortSignal; readonly restartsProven: boolean },
		undo: (() => Promise<void> | void)[],
	): Promise<void> {
		const { config, env, clock, random, logger, metrics, providers, kinds } = this.#options;
		const recorder = new EventRecorder({
			client: cluster.client,
			clock,
			random,
			controller: CONTROLLER,
			instance: config.podName ?? CONTROLLER,
			onSent: () => metrics.events.inc({ outcome: 'sent' }),
			onFailed: error => {
				metrics.events.inc({ outcome: 'failed' });
				logger.debug({ error }, 'event not recorded');
			},
			onDropped: reason => metrics.events.inc({ outcome: reason }),
		});
		const fault = new AbortController();
		const stop = AbortSignal.any([signal, fault.signal]);
		const fail = (error: unknown) => fault.abort(coded(error));

		const released = new AbortController();
		const election = this.#election(cluster, fail);
		const syncController = createSyncController({
			config,
			env,
			cluster,
			clock,
			random,
			logger,
			metrics,
			providers,
			kinds,
			recordEvent: (subject, event) => recorder.record(subject, event),
			restartsProven,
			mayWrite: () => election?.stillLeading() ?? true,
		});
		this.#syncController = syncController;
		undo.push(() => syncController.close());

		const electing = election?.run(released.signal).catch(fail);
		if (election === undefined) this.#lead(true);

		stop.addEventListener('abort', () => {
			this.#stopping = true;
		});
		syncController.synced.then(() => {
			logger.info(syncController.counts(), 'synced');
			this.#ready.resolve();
		});
		await syncController.run(stop).catch(fail);
		await recorder.flush(FLUSH_EVENTS_MS);
		// Released last, so that no other replica writes while this one still may.
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
			identity: `${config.podName ?? CONTROLLER}_${Math.floor(random() * 2 ** 48).toString(16)}`,
			onStartedLeading: () => this.#lead(true),
			onStoppedLeading: () => {
				this.#lead(false);
				if (!this.#stopping) {
					fail(new JasmError('holding the lease: it was lost', { code: 'LEASE_LOST' }));
				}
			},
			onOtherLeader: identity => logger.info({ leader: identity }, 'standing by'),
			onError: error => {
				logger.warn({ error, remedy: (error as JasmError).remedy }, 'lease not renewed');
				if ((error as JasmError).code === 'KUBERNETES_FORBIDDEN') void this.#rights?.refused();
			},
		});
	}

	#lead(leading: boolean): void {
		const { metrics, logger } = this.#options;
		metrics.leader.set(leading ? 1 : 0);
		if (leading) {
			logger.info('leading');
			this.#syncController?.lead();
		} else {
			this.#syncController?.abort(new JasmError('writing without the lease', { code: 'LEASE_LOST' }));
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
			onForbidden: () => void this.#rights?.refused(),
		});
	}

	#listen(): Promise<Endpoints> {
		const { config, clock, metrics, version, processFacts } = this.#options;
		metrics.buildInfo.set({ version }, 1);
		return startEndpoints({
			healthAddress: config.healthAddress,
			metricsAddress: config.metricsAddress,
			live: () =>
				(this.#syncController?.watchers ?? [])
					.filter(({ watcher }) => clock.monotonic() - watcher.advancedAt > STUCK_MS)
					.map(({ resource }) => `the watch of ${resource} is stuck`),
			ready: () => {
				if (this.#stopping) {
					return ['stopping'];
				}

				return (this.#syncController?.watchers ?? [{ resource: 'pods', watcher: undefined }])
					.filter(({ watcher }) => !watcher?.fresh(clock.monotonic()))
					.map(({ resource, watcher }) =>
						watcher?.synced ? `the watch of ${resource} is stale` : `the watch of ${resource} is not synced`,
					);
			},
			metrics: async () => {
				const { cpuSeconds, residentBytes } = processFacts?.() ?? { cpuSeconds: 0, residentBytes: 0 };
				metrics.cpu.set(cpuSeconds);
				metrics.memory.set(residentBytes);
				this.#syncController?.measure();
				metrics.queueDepth.set(this.#syncController?.queued ?? 0);
				const { inFlight = 0, waiting = 0 } = this.#syncController?.memory ?? {};
				metrics.valueBytes.set(inFlight);
				metrics.waitingReads.set(waiting);
				return { text: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
			},
		});
	}
}

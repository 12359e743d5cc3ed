// Takes keys from the queue, reconciles them, and decides by the outcome only what follows for each key.
//
// This folder is the engine: it knows no product, no HTTP and no Kubernetes object. Read queue/workqueue.ts first
// (which key runs next), then this file (what happens to it), then watch/watcher.ts and watch/watch-state.ts (where
// changes come from). clock.ts is the only source of time; backoff.ts, limiter.ts and single-flight.ts are tools.
// It may import nothing outside this folder, and of Node only timers.
import {
	type BackoffOptions,
	backoff,
	LONGEST_RETRY_AFTER_MS,
	type Random,
	retryAfterFloor,
} from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Key } from './object-ref.ts';
import type { Taken, Workqueue } from './queue/workqueue.ts';

/** For failures that pass soon: throttling, a lost connection. */
export const FAST_BACKOFF = { baseMs: 250, factor: 2, capMs: 300_000, jitter: 'full' } as const;
/** For failures that a person must fix: a missing secret, a denied read. */
export const SLOW_BACKOFF = { baseMs: 5_000, factor: 2, capMs: 300_000, jitter: 0.2 } as const;

/** Done, or to run again after a while although nothing failed. */
export type Result = undefined | { readonly requeueAfterMs: number };

export type ReconcileContext = {
	/** Aborts when the run must stop at once; an error after that does not count as a failure. */
	readonly signal: AbortSignal;
	/** Failures of this key since its last success; 0 for the first try. */
	readonly attempt: number;
	readonly priority: number;
};

export type Reconcile = (key: Key, context: ReconcileContext) => Promise<Result>;

type Facts = {
	readonly key: Key;
	readonly priority: number;
	readonly attempt: number;
	readonly waitedMs: number;
	readonly durationMs: number;
};

export type Outcome = Facts &
	(
		| { readonly kind: 'done' }
		| { readonly kind: 'requeued'; readonly afterMs: number }
		/** Not tried again until the key is added again. */
		| { readonly kind: 'terminal'; readonly error: unknown }
		/** `unexpected`: the error does not say how to retry it, so it is a bug of the program. */
		| {
				readonly kind: 'failed';
				readonly error: unknown;
				readonly afterMs: number;
				readonly unexpected: boolean;
		  }
		/** Stopped from outside; the key waits again at once. */
		| { readonly kind: 'aborted'; readonly error: unknown }
	);

/** `alike`: the latest failures with the same backoff. Only these lengthen the wait. */
type Failures = { readonly all: number; readonly backoff: BackoffOptions; readonly alike: number };

export type ControllerOptions = {
	readonly queue: Workqueue;
	/** Throws errors with `retry: 'terminal' | 'fast' | 'slow'` and, where a server said so, `retryAfterMs`. */
	readonly reconcile: Reconcile;
	readonly clock: Clock;
	readonly random: Random;
	/** Runs at a time. Default: 64. */
	readonly concurrency?: number;
	/** Milliseconds that started runs have after the signal. Default: 15 s. */
	readonly drainMs?: number;
	/** Called after every run, when its key was given back. An error that it throws ends `run`. */
	readonly onOutcome?: (outcome: Outcome) => void;
};

export class Controller {
	readonly #options: Required<ControllerOptions>;
	/** Failures since the last success; a key without any has no entry. */
	readonly #failures = new Map<Key, Failures>();
	readonly #running = new Map<Promise<void>, AbortController>();
	#onEnd: () => void = () => {};

	constructor(options: ControllerOptions) {
		this.#options = { concurrency: 64, drainMs: 15_000, onOutcome: () => {}, ...options };
	}

	get running(): number {
		return this.#running.size;
	}

	/** Keys whose last run failed. */
	get failing(): number {
		return this.#failures.size;
	}

	/** Aborts all runs now: after a lost lease even a started write must stop. */
	abort(reason: unknown): void {
		for (const stop of this.#running.values()) stop.abort(reason);
	}

	/**
	 * Reconciles until the signal aborts. Then it takes no more keys, gives started runs `drainMs` to finish, aborts
	 * the rest, and resolves when every run has settled.
	 */
	async run(signal: AbortSignal): Promise<void> {
		const { queue, concurrency } = this.#options;
		const fault = new AbortController();
		const until = AbortSignal.any([signal, fault.signal]);
		while (!until.aborted) {
			if (this.#running.size >= concurrency) {
				await this.#oneEnds(until);
				continue;
			}
			const taken = await queue.get(until);
			if (taken === undefined) break;
			if (until.aborted) {
				queue.add(taken.key, { priority: taken.priority });
				queue.done(taken.key);
				break;
			}
			this.#start(taken, error => fault.abort(error));
		}
		await this.#drain();
		if (fault.signal.aborted) throw fault.signal.reason;
	}

	#start(taken: Taken, onFault: (error: unknown) => void): void {
		const stop = new AbortController();
		const running = this.#reconcile(taken, stop.signal)
			.catch(onFault)
			.finally(() => {
				this.#running.delete(running);
				this.#onEnd();
			});
		this.#running.set(running, stop);
	}

	/** Resolves when a run ends or the signal aborts. (A race of all runs would add a listener to each slow one.) */
	async #oneEnds(signal: AbortSignal): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#onEnd = resolve;
		signal.addEventListener('abort', this.#onEnd, { once: true });
		await promise;
		signal.removeEventListener('abort', this.#onEnd);
	}

	async #drain(): Promise<void> {
		if (this.#running.size === 0) return;
		const { clock, drainMs } = this.#options;
		const deadline = clock.schedule(drainMs, () =>
			this.abort(new Error(`stopping: not done after ${drainMs} ms`)),
		);
		while (this.#running.size > 0) await Promise.all(this.#running.keys());
		deadline.cancel();
	}

	async #reconcile({ key, priority, waitedMs }: Taken, signal: AbortSignal): Promise<void> {
		const { queue, reconcile, clock, onOutcome } = this.#options;
		const attempt = this.#failures.get(key)?.all ?? 0;
		const startedAt = clock.monotonic();
		const facts = () => ({ key, priority, attempt, waitedMs, durationMs: clock.monotonic() - startedAt });
		let outcome: Outcome;
		try {
			const result = await reconcile(key, { signal, attempt, priority });
			// A requeue is neither a success nor a failure.
			if (result === undefined) this.#failures.delete(key);
			outcome =
				result === undefined
					? { ...facts(), kind: 'done' }
					: { ...facts(), kind: 'requeued', afterMs: result.requeueAfterMs };
		} catch (error) {
			outcome = signal.aborted ? { ...facts(), kind: 'aborted', error } : this.#failed(facts(), error);
		}
		// The key is added before it is given back, so that it and changes meanwhile become one follow-up run.
		if (outcome.kind === 'failed') queue.add(key, { delayMs: outcome.afterMs });
		if (outcome.kind === 'requeued') queue.add(key, { priority, delayMs: outcome.afterMs });
		if (outcome.kind === 'aborted') queue.add(key, { priority });
		queue.done(key);
		onOutcome(outcome);
	}

	/** The only place that decides whether and when a failure is tried again. */
	#failed(facts: Facts, error: unknown): Outcome {
		const { random } = this.#options;
		const { retry, retryAfterMs } = retryOf(error);
		if (retry === 'terminal') {
			this.#failures.delete(facts.key);
			return { ...facts, kind: 'terminal', error };
		}
		const options = retry === 'fast' ? FAST_BACKOFF : SLOW_BACKOFF;
		const before = this.#failures.get(facts.key);
		// The length of an outage says nothing about how long a person takes to fix the failure after it.
		const alike = before?.backoff === options ? before.alike : 0;
		this.#failures.set(facts.key, { all: facts.attempt + 1, backoff: options, alike: alike + 1 });
		const waitMs = backoff(options, alike, random);
		const floorMs = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
		const afterMs = retryAfterFloor(floorMs, waitMs, random);
		return { ...facts, kind: 'failed', error, afterMs, unexpected: retry === undefined };
	}
}

/** Read structurally: this folder does not know the error class. */
function retryOf(error: unknown): { retry: 'terminal' | 'fast' | 'slow' | undefined; retryAfterMs?: number } {
	const { retry, retryAfterMs } = (error ?? {}) as { retry?: unknown; retryAfterMs?: unknown };
	return {
		retry: retry === 'terminal' || retry === 'fast' || retry === 'slow' ? retry : undefined,
		...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
	};
}

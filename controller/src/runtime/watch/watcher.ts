// Watches one collection through a ListWatch, and goes on whatever the server does.
import type { Random } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { ListWatch, StreamEnd, StreamMessage, Tracked, WatchEvent } from './list-watch.ts';
import { EMPTY, step, type WatchInput, type WatchState } from './watch-state.ts';

/** After a longer silence the records may be outdated; bookmarks come about once a minute. */
const FRESH_BYTE_MS = 150_000;
/** A watcher that reconnects counts as fresh for this time. */
const FRESH_BACKOFF_MS = 60_000;

export type WatchTransition = {
	readonly from: WatchState;
	readonly to: WatchState;
	/** Why the stream ended, if it did. */
	readonly end?: StreamEnd;
};

export type WatcherOptions<T extends Tracked> = {
	readonly listWatch: ListWatch<T>;
	/** Called synchronously in the read path. An error that it throws ends `run`. */
	readonly sink: (event: WatchEvent<T>) => void;
	readonly clock: Clock;
	readonly random: Random;
	/** Called at each change of phase, for the log and the metrics. */
	readonly onTransition?: (transition: WatchTransition) => void;
};

export class Watcher<T extends Tracked> {
	readonly #listWatch: ListWatch<T>;
	readonly #sink: (event: WatchEvent<T>) => void;
	readonly #clock: Clock;
	readonly #random: Random;
	readonly #onTransition: (transition: WatchTransition) => void;
	#state: WatchState = EMPTY;
	#synced = false;
	#transitionAt: number;

	constructor({ listWatch, sink, clock, random, onTransition = () => {} }: WatcherOptions<T>) {
		this.#listWatch = listWatch;
		this.#sink = sink;
		this.#clock = clock;
		this.#random = random;
		this.#onTransition = onTransition;
		this.#transitionAt = clock.monotonic();
	}

	get phase(): WatchState['phase'] {
		return this.#state.phase;
	}

	/** Whether a first list was complete. */
	get synced(): boolean {
		return this.#synced;
	}

	/** Monotonic milliseconds of the last change of phase or the last byte; the liveness probe reads this. */
	get advancedAt(): number {
		return Math.max(this.#transitionAt, this.#listWatch.lastByteAt);
	}

	/**
	 * Whether the records are current: a list was complete, and either a byte arrived within 150 s or the watcher has
	 * been reconnecting for less than 60 s. `now` in monotonic milliseconds.
	 */
	fresh(now: number): boolean {
		if (!this.#synced) return false;
		if (now - this.#listWatch.lastByteAt < FRESH_BYTE_MS) return true;
		const { phase, troubles } = this.#state;
		return phase === 'backoff' && now - (troubles.downSince ?? now) < FRESH_BACKOFF_MS;
	}

	/** Watches until the signal aborts, then resolves. Rejects only with an error of the sink. */
	async run(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			this.#advance({ type: 'open' });
			this.#advance({ type: 'end', end: await this.#open(signal) });
			if (this.#state.phase !== 'backoff') continue;
			await this.#clock.sleep(this.#state.waitMs, signal).catch(() => {});
		}
	}

	async #open(signal: AbortSignal): Promise<StreamEnd> {
		const from = this.#state.phase === 'streaming' ? this.#state.resourceVersion : undefined;
		const stop = new AbortController();
		let fault: { readonly thrown: unknown } | undefined;
		const take = (message: StreamMessage<T>) => {
			if (fault !== undefined || signal.aborted) return;
			try {
				this.#advance({ type: 'message', message });
			} catch (thrown) {
				fault = { thrown };
				stop.abort(thrown);
			}
		};
		let end: StreamEnd;
		try {
			end = await this.#listWatch.open(from, take, AbortSignal.any([signal, stop.signal]));
		} catch (error) {
			end = { reason: 'failed', error: asError(error) };
		}
		if (fault !== undefined) throw fault.thrown;
		return end;
	}

	#advance(input: WatchInput<T>): void {
		const from = this.#state;
		const { state, emit } = step(from, input, this.#clock.monotonic(), this.#random);
		this.#state = state;
		if (emit !== undefined) this.#sink(emit);
		if (emit?.type === 'init-done') this.#synced = true;
		if (state.phase === from.phase) return;
		this.#transitionAt = this.#clock.monotonic();
		this.#onTransition({ from, to: state, ...(input.type === 'end' ? { end: input.end } : {}) });
	}
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

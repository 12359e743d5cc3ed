// One call per key for many callers, as long as its answer is recent enough for each of them.
import type { Clock } from './clock.ts';

type Flight<T> = {
	readonly startedAt: number;
	readonly answer: Promise<T>;
	readonly stop: AbortController;
	askers: number;
};

export type SingleFlightOptions = {
	readonly clock: Clock;
	/** How long before the caller's `notBefore` a call may have started, in milliseconds. Default: 250. */
	readonly windowMs?: number;
};

export class SingleFlight<T> {
	readonly #clock: Clock;
	readonly #windowMs: number;
	/** The latest call of each key; earlier calls go on for the callers that joined them. */
	readonly #flights = new Map<string, Flight<T>>();

	constructor({ clock, windowMs = 250 }: SingleFlightOptions) {
		this.#clock = clock;
		this.#windowMs = windowMs;
	}

	/** Keys with a call that can be joined. */
	get size(): number {
		return this.#flights.size;
	}

	/**
	 * The answer of a call that started at most the window before `notBefore` (monotonic milliseconds at which the
	 * caller's reason to ask appeared), or of a new call. Rejects as `start` does, or with the reason of `signal` as
	 * soon as that aborts: the call goes on for other callers, and is aborted when the last one left.
	 */
	run(
		key: string,
		notBefore: number,
		start: (signal: AbortSignal) => Promise<T>,
		signal: AbortSignal,
	): Promise<T> {
		if (signal.aborted) return Promise.reject(signal.reason);
		const young = this.#flights.get(key);
		const joinable = young !== undefined && young.startedAt >= notBefore - this.#windowMs;
		const flight = joinable ? young : this.#start(key, start);
		flight.askers++;
		const { promise, resolve, reject } = Promise.withResolvers<T>();
		const leave = () => {
			reject(signal.reason);
			flight.askers--;
			if (flight.askers > 0) return;
			this.#forget(key, flight);
			flight.stop.abort(signal.reason);
		};
		signal.addEventListener('abort', leave, { once: true });
		flight.answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
		return promise;
	}

	#start(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
		const stop = new AbortController();
		const answer = (async () => start(stop.signal))();
		const flight: Flight<T> = { startedAt: this.#clock.monotonic(), answer, stop, askers: 0 };
		this.#flights.set(key, flight);
		const landed = () => this.#forget(key, flight);
		answer.then(landed, landed);
		return flight;
	}

	#forget(key: string, flight: Flight<T>): void {
		if (this.#flights.get(key) === flight) this.#flights.delete(key);
	}
}

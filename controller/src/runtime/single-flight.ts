// One call per key at a time for many askers, as long as its answer is young enough for each of them.
import type { Clock } from './clock.ts';

type Flight<T> = {
	readonly startedAt: number;
	readonly answer: Promise<T>;
	readonly stop: AbortController;
	askers: number;
};

export type SingleFlightOptions = {
	readonly clock: Clock;
	/** How much older than what the asker asks for an answer may be, in milliseconds; 250 unless told. */
	readonly windowMs?: number;
};

export class SingleFlight<T> {
	readonly #clock: Clock;
	readonly #windowMs: number;
	/** The youngest flight of each key; older ones fly on for those who joined them. */
	readonly #flights = new Map<string, Flight<T>>();

	constructor({ clock, windowMs = 250 }: SingleFlightOptions) {
		this.#clock = clock;
		this.#windowMs = windowMs;
	}

	/** Keys with a flight that may still be joined. */
	get size(): number {
		return this.#flights.size;
	}

	/**
	 * The answer of a flight that started no earlier than the window before `notBefore` (monotonic milliseconds at
	 * which the asker's reason to ask appeared), or of a new one. Rejects as `start` does, or with the reason of
	 * `signal` as soon as that aborts: others fly on, and a flight that all have left is aborted.
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

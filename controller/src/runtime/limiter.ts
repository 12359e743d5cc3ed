// How much at once and how often: a limit on concurrency and a token bucket.
import type { Clock } from './clock.ts';

/** Runs at most so many at a time; the others wait their turn, first come, first served. */
export class Limiter {
	readonly #concurrency: number;
	readonly #waiting = new Set<() => void>();
	#active = 0;

	constructor({ concurrency }: { readonly concurrency: number }) {
		if (!(concurrency >= 1)) {
			throw new RangeError(`creating a limiter: expected concurrency of at least 1, got ${concurrency}`);
		}
		this.#concurrency = concurrency;
	}

	get active(): number {
		return this.#active;
	}

	get waiting(): number {
		return this.#waiting.size;
	}

	/** Settles as `fn` does. Rejects with the signal's reason, and never calls `fn`, if it aborts before. */
	async run<R>(fn: () => Promise<R>, signal: AbortSignal): Promise<R> {
		signal.throwIfAborted();
		if (this.#active < this.#concurrency) this.#active++;
		else await this.#turn(signal);
		try {
			return await fn();
		} finally {
			this.#pass();
		}
	}

	#turn(signal: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const start = () => {
				signal.removeEventListener('abort', giveUp);
				resolve();
			};
			const giveUp = () => {
				this.#waiting.delete(start);
				reject(signal.reason);
			};
			signal.addEventListener('abort', giveUp, { once: true });
			this.#waiting.add(start);
		});
	}

	/** The place goes from hand to hand: nobody who comes in between can take it. */
	#pass(): void {
		const [next] = this.#waiting;
		if (next === undefined) {
			this.#active--;
			return;
		}
		this.#waiting.delete(next);
		next();
	}
}

export type TokenBucketOptions = {
	readonly clock: Clock;
	/** How many may be taken in one go after a rest. */
	readonly capacity: number;
	readonly refillPerSecond: number;
};

export class TokenBucket {
	readonly #clock: Clock;
	readonly #msPerToken: number;
	readonly #msToFill: number;
	/** The moment since which the bucket, empty then, has been filling up. */
	#emptyAt: number;
	/** The last moment that somebody was told to come back at. */
	#promisedAt = Number.NEGATIVE_INFINITY;

	constructor({ clock, capacity, refillPerSecond }: TokenBucketOptions) {
		this.#clock = clock;
		this.#msPerToken = 1_000 / refillPerSecond;
		this.#msToFill = capacity * this.#msPerToken;
		this.#emptyAt = clock.monotonic() - this.#msToFill;
	}

	/** Nothing was taken for so long that a new bucket would do the same. */
	get full(): boolean {
		return this.#clock.monotonic() - this.#emptyAt >= this.#msToFill;
	}

	/**
	 * Takes one token: 0, or the milliseconds to wait for one, in which case none was taken. Each who is refused
	 * is given a moment of its own: a crowd that came back at the same one would find a single token there.
	 */
	take(): number {
		const now = this.#clock.monotonic();
		const emptyAt = Math.max(this.#emptyAt, now - this.#msToFill) + this.#msPerToken;
		if (emptyAt <= now) {
			this.#emptyAt = emptyAt;
			return 0;
		}
		this.#promisedAt = Math.max(emptyAt, this.#promisedAt + this.#msPerToken);
		return Math.ceil(this.#promisedAt - now);
	}
}

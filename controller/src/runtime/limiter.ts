// A limit on concurrency, and a token bucket for a rate.
import type { Clock } from './clock.ts';

/** Runs at most `concurrency` functions at a time; the others wait in the order of their calls. */
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

	/** Settles as `fn` does. If the signal aborts first, it rejects with the reason and never calls `fn`. */
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

	/** The slot is handed directly to the next waiter, so a new caller cannot take it. */
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
	/** Tokens in a full bucket. */
	readonly capacity: number;
	readonly refillPerSecond: number;
};

export class TokenBucket {
	readonly #clock: Clock;
	readonly #msPerToken: number;
	readonly #msToFill: number;
	/** The time at which the bucket would have been empty, given its tokens now. */
	#emptyAt: number;
	/** The latest retry time that a refused caller was given. */
	#reservedAt = Number.NEGATIVE_INFINITY;

	constructor({ clock, capacity, refillPerSecond }: TokenBucketOptions) {
		this.#clock = clock;
		this.#msPerToken = 1_000 / refillPerSecond;
		this.#msToFill = capacity * this.#msPerToken;
		this.#emptyAt = clock.monotonic() - this.#msToFill;
	}

	/** The bucket is full: a new one would behave the same. */
	get full(): boolean {
		return this.#clock.monotonic() - this.#emptyAt >= this.#msToFill;
	}

	/**
	 * Takes one token and returns 0, or takes none and returns the milliseconds to wait. Each rejected caller gets
	 * its own retry time; otherwise all would return together for one token.
	 */
	take(): number {
		const now = this.#clock.monotonic();
		const emptyAt = Math.max(this.#emptyAt, now - this.#msToFill) + this.#msPerToken;
		if (emptyAt <= now) {
			this.#emptyAt = emptyAt;
			return 0;
		}
		this.#reservedAt = Math.max(emptyAt, this.#reservedAt + this.#msPerToken);
		return Math.ceil(this.#reservedAt - now);
	}
}

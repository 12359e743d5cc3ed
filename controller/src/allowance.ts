// How often a namespace may have secrets read: one that churns spends its own allowance, nobody else's.
import type { Clock } from './runtime/clock.ts';
import { TokenBucket } from './runtime/limiter.ts';
import { type Key, refOf } from './runtime/object-ref.ts';

export type AllowanceOptions = {
	readonly clock: Clock;
	/** Reads at once after a rest. */
	readonly burst: number;
	readonly readsPerSecond: number;
};

/** Namespaces come and go: beyond this many, those at rest are forgotten. */
const REMEMBERED = 1_024;

export class Allowance {
	readonly #options: AllowanceOptions;
	readonly #buckets = new Map<string, TokenBucket>();
	/** Monotonic milliseconds at which a key that was refused may read. */
	readonly #promised = new Map<Key, number>();
	#sweepAt = REMEMBERED;

	constructor(options: AllowanceOptions) {
		this.#options = options;
	}

	/**
	 * Takes one read of the key's namespace: 0, or the milliseconds to wait, in which case none was taken. A key
	 * that asks again while it waits keeps its moment: one that flaps puts off neither itself nor others.
	 */
	take(key: Key): number {
		const { clock } = this.#options;
		const now = clock.monotonic();
		const promised = this.#promised.get(key) ?? now;
		if (promised > now) {
			return promised - now;
		}

		const waitMs = this.#bucketOf(refOf(key).namespace).take();
		this.#promised.delete(key);
		if (waitMs > 0) {
			this.#forgetPromisesBefore(now);
			this.#promised.set(key, now + waitMs);
		}

		return waitMs;
	}

	#bucketOf(namespace: string): TokenBucket {
		let bucket = this.#buckets.get(namespace);
		if (bucket === undefined) {
			this.#forgetThoseAtRest();
			const { clock, burst, readsPerSecond } = this.#options;
			bucket = new TokenBucket({ clock, capacity: burst, refillPerSecond: readsPerSecond });
			this.#buckets.set(namespace, bucket);
		}

		return bucket;
	}

	get size(): number {
		return this.#buckets.size;
	}

	#forgetThoseAtRest(): void {
		if (this.#buckets.size >= REMEMBERED) {
			for (const [namespace, bucket] of this.#buckets) {
				if (bucket.full) {
					this.#buckets.delete(namespace);
				}
			}
		}
	}

	/** Of keys that did not come back. */
	#forgetPromisesBefore(now: number): void {
		if (this.#promised.size < this.#sweepAt) {
			return;
		}

		for (const [key, at] of this.#promised) {
			if (at < now) {
				this.#promised.delete(key);
			}
		}

		this.#sweepAt = Math.max(REMEMBERED, 2 * this.#promised.size);
	}
}

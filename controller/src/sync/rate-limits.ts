// The rate of reads per namespace: a namespace with many changes uses up its own allowance only.
import type { Clock } from '../runtime/clock.ts';
import { TokenBucket } from '../runtime/limiter.ts';
import { type Key, refOf } from '../runtime/object-ref.ts';

export type NamespaceRateLimiterOptions = {
	readonly clock: Clock;
	/** Reads that may come at once. */
	readonly burst: number;
	readonly readsPerSecond: number;
};

/** Namespaces come and go: above this number, those with a full bucket are forgotten. */
const CACHE_SIZE = 1_024;

export class NamespaceRateLimiter {
	readonly #options: NamespaceRateLimiterOptions;
	readonly #buckets = new Map<string, TokenBucket>();
	/** Monotonic milliseconds at which a refused key may read. */
	readonly #reservations = new Map<Key, number>();
	#sweepAt = CACHE_SIZE;

	constructor(options: NamespaceRateLimiterOptions) {
		this.#options = options;
	}

	/**
	 * Takes one read of the key's namespace and returns 0, or takes none and returns the milliseconds to wait. A key
	 * that asks again while it waits keeps its reservation, so repeated changes delay neither it nor others.
	 */
	take(key: Key): number {
		const { clock } = this.#options;
		const now = clock.monotonic();
		const reserved = this.#reservations.get(key) ?? now;
		if (reserved > now) {
			return reserved - now;
		}

		const waitMs = this.#bucketOf(refOf(key).namespace).take();
		this.#reservations.delete(key);
		if (waitMs > 0) {
			this.#forgetReservationsBefore(now);
			this.#reservations.set(key, now + waitMs);
		}

		return waitMs;
	}

	#bucketOf(namespace: string): TokenBucket {
		let bucket = this.#buckets.get(namespace);
		if (bucket === undefined) {
			this.#forgetFullBuckets();
			const { clock, burst, readsPerSecond } = this.#options;
			bucket = new TokenBucket({ clock, capacity: burst, refillPerSecond: readsPerSecond });
			this.#buckets.set(namespace, bucket);
		}

		return bucket;
	}

	get size(): number {
		return this.#buckets.size;
	}

	#forgetFullBuckets(): void {
		if (this.#buckets.size >= CACHE_SIZE) {
			for (const [namespace, bucket] of this.#buckets) {
				if (bucket.full) {
					this.#buckets.delete(namespace);
				}
			}
		}
	}

	/** Keys that did not ask again leave reservations behind. */
	#forgetReservationsBefore(now: number): void {
		if (this.#reservations.size < this.#sweepAt) {
			return;
		}

		for (const [key, at] of this.#reservations) {
			if (at < now) {
				this.#reservations.delete(key);
			}
		}

		this.#sweepAt = Math.max(CACHE_SIZE, 2 * this.#reservations.size);
	}
}

// How often a namespace may have secrets read: one that churns spends its own allowance, nobody else's.
import type { Clock } from './runtime/clock.ts';
import { TokenBucket } from './runtime/limiter.ts';

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

	constructor(options: AllowanceOptions) {
		this.#options = options;
	}

	/** Takes one read of this namespace: 0, or the milliseconds to wait, in which case none was taken. */
	take(namespace: string): number {
		let bucket = this.#buckets.get(namespace);
		if (bucket === undefined) {
			this.#forgetThoseAtRest();
			const { clock, burst, readsPerSecond } = this.#options;
			bucket = new TokenBucket({ clock, capacity: burst, refillPerSecond: readsPerSecond });
			this.#buckets.set(namespace, bucket);
		}

		return bucket.take();
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
}

// How often a token may be verified, and which tokens were: a verification costs more than the rest of a request.
import { createHash } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import { TokenBucket } from '../../runtime/limiter.ts';

/** A sender at its own address never notices: this is as often as requests are taken at all. */
const CAPACITY = 100;
const PER_SECOND = 20;
/** Above it the oldest address is forgotten: that costs verifications, and refuses no sender. */
const MAX_ADDRESSES = 1_000;
const MAX_PROVEN = 1_000;

export class Verifications {
	readonly #clock: Clock;
	readonly #buckets = new Map<string, TokenBucket>();
	/** Digests of tokens whose signature was good. */
	readonly #proven = new Set<string>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/**
	 * Whether a signature may be verified for this address now. Anybody can send what looks like a token, so that one
	 * limit for all would let strangers refuse the others.
	 */
	allowed(address: string): boolean {
		let bucket = this.#buckets.get(address);
		if (bucket === undefined) {
			this.#makeRoom();
			bucket = new TokenBucket({ clock: this.#clock, capacity: CAPACITY, refillPerSecond: PER_SECOND });
			this.#buckets.set(address, bucket);
		}

		return bucket.take() === 0;
	}

	/** Whether the signature of this token was good before; its claims have to be looked at again. */
	isProven(token: string): boolean {
		return this.#proven.has(digestOf(token));
	}

	proven(token: string): void {
		if (this.#proven.size >= MAX_PROVEN) {
			this.#proven.delete(first(this.#proven)!);
		}

		this.#proven.add(digestOf(token));
	}

	/** After the keys have changed: one that proved a token may be gone. */
	forget(): void {
		this.#proven.clear();
	}

	#makeRoom(): void {
		if (this.#buckets.size < MAX_ADDRESSES) {
			return;
		}

		for (const [address, bucket] of this.#buckets) {
			if (bucket.full) {
				this.#buckets.delete(address);
			}
		}

		if (this.#buckets.size >= MAX_ADDRESSES) {
			this.#buckets.delete(first(this.#buckets.keys())!);
		}
	}
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

function first<T>(items: Iterable<T>): T | undefined {
	for (const item of items) {
		return item;
	}

	return undefined;
}

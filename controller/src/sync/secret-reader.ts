// Reads from providers for all keys: one call per burst, bounded per provider and in memory, measured.
//
// The size of a value is known only when its answer begins. A read for which memory has no room then ends there: its
// connection and its place among the reads of the provider are free for others. The key waits in the line of the
// budget, and reads again when its bytes are reserved.
import { JasmError } from '../errors.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RemoteReference, Room, SecretProvider } from '../providers/provider.ts';
import type { SecretValue } from '../providers/secret-value.ts';
import type { ByteBudget, Lease } from '../runtime/byte-budget.ts';
import type { Clock } from '../runtime/clock.ts';
import { Limiter, TokenBucket } from '../runtime/limiter.ts';
import type { Key } from '../runtime/object-ref.ts';
import { SingleFlight } from '../runtime/single-flight.ts';
import { bytesHeldFor } from './memory-limits.ts';

export type Asker = {
	readonly key: Key;
	readonly priority: number;
	readonly signal: AbortSignal;
};

export type SecretReaderOptions = {
	readonly providers: { get(name: string): Promise<SecretProvider> };
	/** Largest number of calls in flight, per provider. */
	readonly concurrencyOf: (name: string) => number;
	/** Sustained calls a second, per provider. Default: no limit. */
	readonly rateOf?: (name: string) => number | undefined;
	readonly budget: ByteBudget;
	readonly clock: Clock;
	readonly metrics: Metrics;
	/** A read in flight may be shared if it started at most this many milliseconds before the request. */
	readonly joinWindowMs: number;
};

/** What one call returned. The first asker takes over the lease; each of the others needs one of its own. */
type Answer = {
	readonly value: SecretValue;
	readonly startedAt: number;
	readonly bytes: number;
	lease: Lease | undefined;
};

/** A value that one asker holds memory for, until it releases it. */
export class Reading {
	/** The monotonic millisecond at which the read began: the value is fresh for pods that appeared until then. */
	readonly startedAt: number;
	readonly version: string;
	readonly #lease: Lease;
	#value: SecretValue | undefined;

	constructor({ value, startedAt }: Pick<Answer, 'value' | 'startedAt'>, lease: Lease) {
		this.startedAt = startedAt;
		this.version = value.version;
		this.#value = value;
		this.#lease = lease;
	}

	/** The value, once: nothing here refers to it afterwards, so that it is garbage before the write begins. */
	take(): SecretValue {
		const value = this.#value;
		this.#value = undefined;
		if (value === undefined) {
			throw new Error('taking a value: it was taken before');
		}

		return value;
	}

	/** To be called when the write has ended. */
	release(): void {
		this.#value = undefined;
		this.#lease.release();
	}
}

/** No room for the value now. The key waits in line for `bytes`, and its wait is no failure. */
export class MemoryBusy extends JasmError {
	readonly bytes: number;

	constructor(provider: string, { path }: RemoteReference, bytes: number) {
		super(`reading secret "${path}" from ${provider}: it waits for memory`, { code: 'MEMORY_BUSY' });
		this.bytes = bytes;
	}
}

export class SecretReader {
	readonly #options: SecretReaderOptions;
	readonly #flights: SingleFlight<Answer>;
	readonly #limiters = new Map<string, Limiter>();
	readonly #buckets = new Map<string, TokenBucket>();

	constructor(options: SecretReaderOptions) {
		this.#options = options;
		this.#flights = new SingleFlight({ clock: options.clock, windowMs: options.joinWindowMs });
	}

	/**
	 * Reads one secret, or shares a read that began late enough; fails as the provider does. Fails with MemoryBusy if
	 * there is no room for the value: the key then waits in line, and is woken when its bytes are reserved.
	 */
	async read(name: string, reference: RemoteReference, { key, priority, signal }: Asker): Promise<Reading> {
		const { budget, clock } = this.#options;
		const purpose = JSON.stringify([name, reference.path, reference.version ?? null]);
		const lease = budget.claim({ key, purpose, group: name, priority });
		if (lease === undefined) {
			throw new MemoryBusy(name, reference, 0);
		}

		for (;;) {
			try {
				const answer = await this.#flights.run(
					purpose,
					clock.monotonic(),
					flightSignal => this.#fly(name, reference, lease.move(), flightSignal),
					signal,
				);
				return new Reading(
					answer,
					leaseFor(answer, lease, bytes => new MemoryBusy(name, reference, bytes)),
				);
			} catch (error) {
				if (!(error instanceof MemoryBusy)) {
					lease.release();
					throw error;
				}

				// The call of another asker had no room, but this asker has: it makes a call of its own.
				if (lease.bytes < error.bytes) {
					lease.wait(error.bytes);
					throw error;
				}
			}
		}
	}

	/** Whether the key waits for memory, or has some and did not read yet. */
	awaitsMemory(key: Key): boolean {
		return this.#options.budget.awaits(key);
	}

	/** The key reads no more: it leaves the line for memory. */
	forget(key: Key): void {
		this.#options.budget.leave(key);
	}

	/** One call for all askers; its lease lives as long as the call and passes to the first asker. */
	async #fly(name: string, reference: RemoteReference, lease: Lease, signal: AbortSignal): Promise<Answer> {
		const room = {
			reserve(body: number) {
				const bytes = bytesHeldFor(body);
				if (!lease.resize(bytes)) {
					throw new MemoryBusy(name, reference, bytes);
				}
			},
		};
		try {
			await this.#turn(name, signal);
			const read = () => this.#readNow(name, reference, signal, room);
			const { value, startedAt } = await this.#limiterOf(name).run(read, signal);
			if (lease.bytes === 0) {
				room.reserve(value.size);
			}

			const answer: Answer = { value, startedAt, bytes: lease.bytes, lease };
			// All askers left when the value was there already: none of them takes the lease.
			signal.addEventListener('abort', () => answer.lease?.release(), { once: true });
			return answer;
		} catch (error) {
			lease.release();
			throw error;
		}
	}

	/** Waiting here keeps a run of this provider's concurrency group, and of no other group. */
	async #turn(name: string, signal: AbortSignal): Promise<void> {
		const { rateOf, clock } = this.#options;
		const rate = rateOf?.(name);
		if (rate === undefined) {
			return;
		}

		let bucket = this.#buckets.get(name);
		if (bucket === undefined) {
			bucket = new TokenBucket({ clock, capacity: rate, refillPerSecond: rate });
			this.#buckets.set(name, bucket);
		}

		for (let waitMs = bucket.take(); waitMs > 0; waitMs = bucket.take()) {
			await clock.sleep(waitMs, signal);
		}
	}

	async #readNow(
		name: string,
		reference: RemoteReference,
		signal: AbortSignal,
		room: Room,
	): Promise<Pick<Answer, 'value' | 'startedAt'>> {
		const { providers, clock, metrics } = this.#options;
		const provider = await providers.get(name);
		const startedAt = clock.monotonic();
		let outcome = 'Success';
		try {
			return { value: await provider.read(reference, signal, room), startedAt };
		} catch (error) {
			outcome = error instanceof JasmError ? error.code : 'INTERNAL';
			throw error;
		} finally {
			metrics.providerReads.inc({ provider: name, outcome });
			metrics.providerDuration.observe({ provider: name }, (clock.monotonic() - startedAt) / 1000);
		}
	}

	#limiterOf(name: string): Limiter {
		let limiter = this.#limiters.get(name);
		if (limiter === undefined) {
			limiter = new Limiter({ concurrency: this.#options.concurrencyOf(name) });
			this.#limiters.set(name, limiter);
		}

		return limiter;
	}
}

/** The lease of the call for its first asker; for each of the others room in its own. */
function leaseFor(answer: Answer, own: Lease, busy: (bytes: number) => MemoryBusy): Lease {
	const { lease } = answer;
	answer.lease = undefined;
	if (lease !== undefined) {
		own.release();
		return lease;
	}

	if (!own.resize(answer.bytes)) {
		throw busy(answer.bytes);
	}

	return own;
}

// Reads from providers for everybody: one call per burst, bounded per provider, measured.
import { JasmError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { RemoteReference, SecretProvider } from './providers/provider.ts';
import type { Clock } from './runtime/clock.ts';
import { Limiter, TokenBucket } from './runtime/limiter.ts';
import { SingleFlight } from './runtime/single-flight.ts';
import type { SecretValue } from './secret-value.ts';

/** A value and the monotonic millisecond at which its read began: it is fresh for who appeared until then. */
export type Reading = { readonly value: SecretValue; readonly startedAt: number };

export type SecretReaderOptions = {
	readonly providers: { get(name: string): Promise<SecretProvider> };
	/** Calls in flight at most, per provider. */
	readonly concurrencyOf: (name: string) => number;
	/** Calls a second, lastingly, per provider. Default: as many as come. */
	readonly rateOf?: (name: string) => number | undefined;
	readonly clock: Clock;
	readonly metrics: Metrics;
	/** A read in flight may be shared if it started at most this many milliseconds before the asker. */
	readonly joinWindowMs: number;
};

export class SecretReader {
	readonly #options: SecretReaderOptions;
	readonly #flights: SingleFlight<Reading>;
	readonly #limiters = new Map<string, Limiter>();
	readonly #buckets = new Map<string, TokenBucket>();

	constructor(options: SecretReaderOptions) {
		this.#options = options;
		this.#flights = new SingleFlight({ clock: options.clock, windowMs: options.joinWindowMs });
	}

	/** Reads one secret, or shares a read that began late enough; fails as the provider does. */
	read(name: string, reference: RemoteReference, signal: AbortSignal): Promise<Reading> {
		const flight = JSON.stringify([name, reference.path, reference.version ?? null]);
		return this.#flights.run(
			flight,
			this.#options.clock.monotonic(),
			async flightSignal => {
				await this.#turn(name, flightSignal);
				return this.#limiterOf(name).run(() => this.#readNow(name, reference, flightSignal), flightSignal);
			},
			signal,
		);
	}

	/** Waiting here keeps a run of this provider's lane, and no other's. */
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

	async #readNow(name: string, reference: RemoteReference, signal: AbortSignal): Promise<Reading> {
		const { providers, clock, metrics } = this.#options;
		const provider = await providers.get(name);
		const startedAt = clock.monotonic();
		let outcome = 'Success';
		try {
			return { value: await provider.read(reference, signal), startedAt };
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

// Outages of what syncs depend on: who waits for the end of one is woken by it, however long its own backoff is.
import type { Clock, Timer } from './runtime/clock.ts';
import type { Key } from './runtime/object-ref.ts';

/** Without a single answer for this long a dependency is out: less passes within the first few backoffs. */
const OUTAGE_MS = 10_000;

/** During an outage one key tries, however many wait: after every twentieth of the silence so far, within bounds. */
const PROBE_SHARE = 1 / 20;
const SHORTEST_PROBE_MS = 10_000;
const LONGEST_PROBE_MS = 300_000;

/** All times are monotonic milliseconds. */
type Dependency = {
	/** Keys whose last run it failed, the one that was tried longest ago first. */
	readonly waiting: Set<Key>;
	/** When the first failure since its last answer came; absent while it answers. */
	silentSince: number | undefined;
	/** When its last outage ended. */
	recoveredAt: number;
	probe: Timer | undefined;
};

export type OutagesOptions = {
	readonly clock: Clock;
	/** Has a key run now instead of after its backoff. */
	readonly wake: (key: Key) => void;
};

export class Outages {
	readonly #options: OutagesOptions;
	readonly #dependencies = new Map<string, Dependency>();

	constructor(options: OutagesOptions) {
		this.#options = options;
	}

	/** A run of the key begins: it waits for nothing. */
	started(key: Key): void {
		for (const { waiting } of this.#dependencies.values()) {
			waiting.delete(key);
		}
	}

	/** A run of the key that asked the dependency at `askedAt` had no answer. */
	failed(name: string, key: Key, askedAt: number): void {
		const dependency = this.#dependencyOf(name);
		// The silence that it met is over already, and those who waited for that were woken.
		if (askedAt <= dependency.recoveredAt) {
			this.#options.wake(key);
			return;
		}

		dependency.silentSince ??= this.#options.clock.monotonic();
		dependency.waiting.add(key);
		this.#arm(dependency);
	}

	/**
	 * Wakes everybody where this ends an outage. One that fails now and then has none: its failures keep their
	 * backoff, or each success would send all of them at it again.
	 */
	answered(name: string): void {
		const dependency = this.#dependencies.get(name);
		if (dependency?.silentSince === undefined) {
			return;
		}

		const now = this.#options.clock.monotonic();
		const out = now - dependency.silentSince >= OUTAGE_MS;
		dependency.silentSince = undefined;
		if (out) {
			dependency.recoveredAt = now;
			const woken = [...dependency.waiting];
			dependency.waiting.clear();
			for (const key of woken) {
				this.#options.wake(key);
			}
		}
	}

	#arm(dependency: Dependency): void {
		const { clock, wake } = this.#options;
		const silentMs = () =>
			dependency.silentSince === undefined ? 0 : clock.monotonic() - dependency.silentSince;
		const waitMs = Math.min(LONGEST_PROBE_MS, Math.max(SHORTEST_PROBE_MS, silentMs() * PROBE_SHARE));
		dependency.probe ??= clock.schedule(waitMs, () => {
			dependency.probe = undefined;
			const [key] = dependency.waiting;
			// One that answers others has no outage to end: who fails there all the same keeps to its backoff.
			if (key === undefined || dependency.silentSince === undefined) {
				return;
			}

			if (silentMs() >= OUTAGE_MS) {
				dependency.waiting.delete(key);
				wake(key);
			}

			if (dependency.waiting.size > 0) {
				this.#arm(dependency);
			}
		});
	}

	#dependencyOf(name: string): Dependency {
		let dependency = this.#dependencies.get(name);
		if (dependency === undefined) {
			dependency = {
				waiting: new Set(),
				silentSince: undefined,
				recoveredAt: Number.NEGATIVE_INFINITY,
				probe: undefined,
			};
			this.#dependencies.set(name, dependency);
		}

		return dependency;
	}
}

// Outages of providers and of the API server: the end of an outage requeues every key that failed because of it.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Key } from '../runtime/object-ref.ts';

/** A dependency without an answer for this long is out. Shorter failures pass within the first backoffs. */
const OUTAGE_MS = 10_000;

/** During an outage one key probes for all: after a twentieth of the outage so far, within these bounds. */
const PROBE_SHARE = 1 / 20;
const SHORTEST_PROBE_MS = 10_000;
const LONGEST_PROBE_MS = 300_000;

/** All times are monotonic milliseconds. */
type Dependency = {
	/** Keys whose last run failed because of it, least recently tried first. */
	readonly waiting: Set<Key>;
	/** When it first failed after its last answer; absent while it answers. */
	silentSince: number | undefined;
	/** When its last outage ended. */
	recoveredAt: number;
	probe: Timer | undefined;
};

export type DependencyHealthOptions = {
	readonly clock: Clock;
	/** Makes a key run now instead of after its backoff. */
	readonly requeue: (key: Key) => void;
};

export class DependencyHealth {
	readonly #options: DependencyHealthOptions;
	readonly #dependencies = new Map<string, Dependency>();

	constructor(options: DependencyHealthOptions) {
		this.#options = options;
	}

	/** A run of the key begins: the key no longer waits. */
	started(key: Key): void {
		for (const { waiting } of this.#dependencies.values()) {
			waiting.delete(key);
		}
	}

	/** Whether the dependency has had no answer for so long that it counts as out. */
	isOut(name: string): boolean {
		const { silentSince } = this.#dependencies.get(name) ?? {};
		return silentSince !== undefined && this.#options.clock.monotonic() - silentSince >= OUTAGE_MS;
	}

	/** A run of the key that called the dependency at `askedAt` got no answer. */
	failed(name: string, key: Key, askedAt: number): void {
		const dependency = this.#dependencyOf(name);
		// The outage ended after this call began: the keys that waited for its end were requeued then.
		if (askedAt <= dependency.recoveredAt) {
			this.#options.requeue(key);
			return;
		}

		dependency.silentSince ??= this.#options.clock.monotonic();
		dependency.waiting.add(key);
		this.#arm(dependency);
	}

	/**
	 * Requeues all waiting keys if this ends an outage. A dependency that fails only sometimes has no outage: its
	 * failures keep their backoff, or each success would send all of them again.
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
			const requeued = [...dependency.waiting];
			dependency.waiting.clear();
			for (const key of requeued) {
				this.#options.requeue(key);
			}
		}
	}

	#arm(dependency: Dependency): void {
		const { clock, requeue } = this.#options;
		const silentMs = () =>
			dependency.silentSince === undefined ? 0 : clock.monotonic() - dependency.silentSince;
		const waitMs = Math.min(LONGEST_PROBE_MS, Math.max(SHORTEST_PROBE_MS, silentMs() * PROBE_SHARE));
		dependency.probe ??= clock.schedule(waitMs, () => {
			dependency.probe = undefined;
			const [key] = dependency.waiting;
			// A dependency that answers other keys has no outage: keys that fail keep their backoff.
			if (key === undefined || dependency.silentSince === undefined) {
				return;
			}

			if (silentMs() >= OUTAGE_MS) {
				dependency.waiting.delete(key);
				requeue(key);
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

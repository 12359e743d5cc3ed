// What was last read and written per Secret: decides what need not be read again yet.
import type { Key } from './runtime/object-ref.ts';

/** Pods that keep coming ask for one read a second at most, once their Secret is there. */
const REREAD_INTERVAL_MS = 1_000;

/** A source that could not be read is left alone this long, however many new pods ask. */
const FAILED_INTERVAL_MS = 5_000;

/** Somebody who keeps editing or deleting a Secret is corrected at most this often. */
const CORRECTION_INTERVAL_MS = 10_000;

/** All times are monotonic milliseconds. */
type Entry = {
	readonly spec: string;
	/** Before this nobody makes us read again, unless the entry is stale. */
	readonly dueAt: number;
	/** The last read came to a write. */
	readonly done: boolean;
	/** Of our last write; absent while none succeeded. */
	readonly resourceVersion: string | undefined;
	/** Somebody else changed or deleted the Secret since our last write. */
	readonly stale: boolean;
	/** When a change by somebody else was last made undone. */
	readonly correctedAt: number;
};

type Sighting = { readonly resourceVersion: string | undefined; readonly at: number };

export type WriteRecord = {
	readonly spec: string;
	readonly readAt: number;
	readonly resourceVersion: string;
	/** When the write was sent: what was seen of the Secret before is superseded by it. */
	readonly sentAt: number;
	/** It makes a change by somebody else undone. */
	readonly corrects?: boolean;
};

export class History {
	readonly #entries = new Map<Key, Entry>();
	/** Last change of a Secret that the watch told and that is not known to be our own. */
	readonly #sightings = new Map<Key, Sighting>();

	/**
	 * Milliseconds until a read is due: 0 now, Infinity where everybody who asks was served by the last one.
	 * `unserved`: somebody asks for `spec` who was not yet told of a success.
	 */
	waitMs(key: Key, spec: string, now: number, unserved: boolean): number {
		const entry = this.#entries.get(key);
		if (entry === undefined || entry.spec !== spec) {
			return 0;
		}

		if (entry.stale) {
			return Math.max(0, entry.correctedAt + CORRECTION_INTERVAL_MS - now);
		}

		return entry.done && !unserved ? Number.POSITIVE_INFINITY : Math.max(0, entry.dueAt - now);
	}

	/** Whether somebody else changed or deleted what we wrote. */
	isStale(key: Key): boolean {
		return this.#entries.get(key)?.stale === true;
	}

	knows(key: Key): boolean {
		return this.#entries.has(key);
	}

	/** Takes over what an earlier run of JASM wrote. */
	recalled(key: Key, spec: string, resourceVersion: string): void {
		const dueAt = Number.NEGATIVE_INFINITY;
		const correctedAt = Number.NEGATIVE_INFINITY;
		this.#entries.set(key, { spec, dueAt, done: true, resourceVersion, stale: false, correctedAt });
		this.#sightings.delete(key);
	}

	resourceVersionOf(key: Key): string | undefined {
		return this.#entries.get(key)?.resourceVersion;
	}

	written(key: Key, { spec, readAt, resourceVersion, sentAt, corrects = false }: WriteRecord): void {
		const sighting = this.#sightings.get(key);
		// The watch may tell of our own write before its answer arrives, and of somebody else's right after it.
		const stale =
			sighting !== undefined && sighting.at >= sentAt && sighting.resourceVersion !== resourceVersion;
		this.#sightings.delete(key);
		const correctedAt = corrects ? sentAt : this.#correctedAt(key);
		const dueAt = readAt + REREAD_INTERVAL_MS;
		this.#entries.set(key, { spec, dueAt, done: true, resourceVersion, stale, correctedAt });
	}

	/** `retryAfterMs`: how long the source asked to be left alone. */
	failed(key: Key, spec: string, readAt: number, retryAfterMs = 0): void {
		const dueAt = readAt + Math.max(FAILED_INTERVAL_MS, retryAfterMs);
		const resourceVersion = this.resourceVersionOf(key);
		const correctedAt = this.#correctedAt(key);
		this.#entries.set(key, { spec, dueAt, done: false, resourceVersion, stale: false, correctedAt });
	}

	/**
	 * Notes a change of the live Secret (`undefined`: deleted); true where it is not our own last write, so
	 * that the next run reads and writes again.
	 */
	changed(key: Key, resourceVersion: string | undefined, at: number): boolean {
		const entry = this.#entries.get(key);
		if (resourceVersion !== undefined && entry?.resourceVersion === resourceVersion) {
			return false;
		}

		this.#sightings.set(key, { resourceVersion, at });
		if (entry !== undefined) {
			this.#entries.set(key, { ...entry, stale: true });
		}

		return true;
	}

	forget(key: Key): void {
		this.#entries.delete(key);
		this.#sightings.delete(key);
	}
	#correctedAt(key: Key): number {
		return this.#entries.get(key)?.correctedAt ?? Number.NEGATIVE_INFINITY;
	}
}

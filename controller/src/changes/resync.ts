// Reads every requested secret once per period without a notice, and so finds the changes of which no notice came.
//
// Each source has a moment of its own in the period, by its name: the reads are spread, and so they stay after a
// restart. A moment never moves from period to period, so that no change waits longer than one period.
import { PRIORITY } from '../requests/pod-record.ts';
import type { Requests } from '../requests/requests.ts';
import type { Random } from '../runtime/backoff.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Workqueue } from '../runtime/queue/workqueue.ts';
import type { SyncStates } from '../sync/sync-state.ts';
import { idOf } from './source-index.ts';

export type ResyncOptions = {
	readonly periodMs: number;
	readonly requests: Pick<Requests, 'keys' | 'effectiveOf' | 'followsSource'>;
	readonly states: Pick<SyncStates, 'get'>;
	/** Keys are target Secrets. */
	readonly secrets: Pick<Workqueue, 'add'>;
	readonly clock: Clock;
	readonly random: Random;
};

/** Requests are looked through this often; each is due at its own moment until the next look. */
const LOOK_MS = 60_000;

export class Resync {
	readonly #options: ResyncOptions;
	/** Makes the moments of two clusters differ. */
	readonly #seed: number;
	/** Monotonic milliseconds: the first period begins here. */
	#startedAt = 0;
	/** Everything due until this monotonic millisecond is queued. */
	#until = 0;
	#timer: Timer | undefined;
	#stopped = false;

	constructor(options: ResyncOptions) {
		this.#options = options;
		this.#seed = Math.floor(options.random() * 2 ** 32);
	}

	/** This replica leads, and every requested Secret is queued: the first period begins. */
	lead(): void {
		this.#startedAt = this.#options.clock.monotonic();
		this.#until = this.#startedAt;
		this.#look();
	}

	/** Until the signal aborts. */
	async run(signal: AbortSignal): Promise<void> {
		const { promise: stopped, resolve } = Promise.withResolvers<void>();
		signal.addEventListener('abort', () => resolve(), { once: true });
		if (!signal.aborted) {
			await stopped;
		}

		this.#stopped = true;
		this.#timer?.cancel();
	}

	#look(): void {
		if (this.#stopped) {
			return;
		}

		const { requests, states, secrets, clock } = this.#options;
		const now = clock.monotonic();
		const from = this.#until;
		this.#until = now + LOOK_MS;
		for (const key of requests.keys()) {
			const source = states.get(key)?.source;
			const sync = requests.effectiveOf(key)?.sync;
			// Without a version nothing was written yet: its own retry reads it.
			if (source?.version === undefined || sync === undefined || !requests.followsSource(key)) {
				continue;
			}

			const dueAt = this.#momentOf(idOf(sync), from);
			if (dueAt <= this.#until) {
				source.resync(dueAt);
				secrets.add(key, { priority: PRIORITY.resync, delayMs: dueAt - now });
			}
		}

		this.#timer = clock.schedule(LOOK_MS, () => this.#look());
	}

	/** The first moment of a source after `from`; monotonic milliseconds. */
	#momentOf(id: string, from: number): number {
		const { periodMs } = this.#options;
		const first = this.#startedAt + (hash(id, this.#seed) / 2 ** 32) * periodMs;
		return first + Math.max(0, Math.floor((from - first) / periodMs) + 1) * periodMs;
	}
}

/** Spreads texts evenly over 0 … 2³² - 1: FNV-1a, and a last step that mixes its upper bits. */
function hash(text: string, seed: number): number {
	let value = (0x811c9dc5 ^ seed) >>> 0;
	for (let index = 0; index < text.length; index++) {
		value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
	}

	value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
	value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
	return (value ^ (value >>> 16)) >>> 0;
}

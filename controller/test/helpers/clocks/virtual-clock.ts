// A clock that moves only when a test says so: timers fire in order, promise chains settle between them.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '../../../src/runtime/clock.ts';

type Entry = { readonly due: number; readonly callback: () => void };

export type VirtualClockOptions = {
	/** Monotonic milliseconds at the start; not zero, so that a test cannot take "zero" for "never". */
	readonly monotonicMs?: number;
	/** Wall clock at the start, in milliseconds since the epoch. */
	readonly wallMs?: number;
	/** Awaited after every timer; the default lets promise chains and immediates run. Give one that also
	 * waits for sockets when the simulation speaks over real ones. */
	readonly settle?: () => Promise<void>;
};

/** Two turns of the event loop: all promise chains, and immediates that those started. */
async function settleChains(): Promise<void> {
	await turn();
	await turn();
}

export class VirtualClock implements Clock {
	readonly #settle: () => Promise<void>;
	/** Sorted by due time; entries that are due together stay in the order of their scheduling. */
	readonly #timers: Entry[] = [];
	#monotonic: number;
	#wallOffset: number;
	#moving = false;

	constructor({
		monotonicMs = 1_000,
		wallMs = Date.UTC(2030, 0, 1),
		settle = settleChains,
	}: VirtualClockOptions = {}) {
		this.#monotonic = monotonicMs;
		this.#wallOffset = wallMs - monotonicMs;
		this.#settle = settle;
	}

	now(): number {
		return this.#monotonic + this.#wallOffset;
	}

	monotonic(): number {
		return this.#monotonic;
	}

	schedule(ms: number, callback: () => void): Timer {
		if (Number.isNaN(ms))
			throw new TypeError('scheduling a timer: expected a number of milliseconds, got NaN');
		const entry = { due: this.#monotonic + Math.max(0, ms), callback };
		this.#timers.splice(this.#placeAfter(entry.due), 0, entry);
		return {
			cancel: () => {
				const index = this.#timers.indexOf(entry);
				if (index >= 0) this.#timers.splice(index, 1);
			},
		};
	}

	sleep(ms: number, signal?: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			if (signal?.aborted) return reject(signal.reason);
			const onAbort = () => {
				timer.cancel();
				reject(signal?.reason);
			};
			const timer = this.schedule(ms, () => {
				signal?.removeEventListener('abort', onAbort);
				resolve();
			});
			signal?.addEventListener('abort', onAbort, { once: true });
		});
	}

	/** Milliseconds from now to the next due timer; `undefined` when none is set. */
	get pending(): number | undefined {
		const next = this.#timers[0];
		return next === undefined ? undefined : next.due - this.#monotonic;
	}

	/** How many timers are set: a test of "no timers while nothing fails" asks for zero. */
	get timers(): number {
		return this.#timers.length;
	}

	/** Moves the wall clock (an NTP step, a person) without a millisecond passing. */
	setWallClock(ms: number): void {
		this.#wallOffset = ms - this.#monotonic;
	}

	/** Lets promise chains run without time passing. */
	settle(): Promise<void> {
		return this.#settle();
	}

	/** Passes `ms`, firing what falls due in order; what a callback throws rejects this. */
	advance(ms: number): Promise<void> {
		return this.#exclusively(async () => {
			const target = this.#monotonic + ms;
			await this.#settle();
			while (this.#fireNext(target)) await this.#settle();
			this.#monotonic = target;
			await this.#settle();
		});
	}

	/**
	 * Jumps from timer to timer until `condition` holds; resolves with the virtual milliseconds that took.
	 * Rejects when it does not hold within `maxMs`, or when no timer is left that could change anything.
	 */
	runUntil(
		condition: () => boolean | Promise<boolean>,
		{ maxMs = 600_000 }: { maxMs?: number } = {},
	): Promise<number> {
		return this.#exclusively(async () => {
			const start = this.#monotonic;
			await this.#settle();
			while (!(await condition())) {
				if (!this.#fireNext(start + maxMs)) {
					const why = this.#timers.length === 0 ? 'no timer is left' : `not within ${maxMs} ms`;
					throw new Error(`waiting in virtual time for ${condition}: ${why}`);
				}
				await this.#settle();
			}
			return this.#monotonic - start;
		});
	}

	#fireNext(until: number): boolean {
		const next = this.#timers[0];
		if (next === undefined || next.due > until) return false;
		this.#timers.shift();
		this.#monotonic = Math.max(this.#monotonic, next.due);
		next.callback();
		return true;
	}

	#placeAfter(due: number): number {
		let low = 0;
		let high = this.#timers.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#timers[middle]!.due <= due) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	async #exclusively<R>(move: () => Promise<R>): Promise<R> {
		if (this.#moving) throw new Error('moving the virtual clock: another caller is moving it already');
		this.#moving = true;
		try {
			return await move();
		} finally {
			this.#moving = false;
		}
	}
}

// A queue of keys: each waits at most once and runs at most once at a time; with priorities, delays and lanes.
import type { Clock, Timer } from './clock.ts';
import { FairLine } from './fair-line.ts';
import { Heap } from './heap.ts';
import { type Key, refOf } from './object-ref.ts';

export type AddOptions = {
	/** Higher runs first; 0 unless told. */
	readonly priority?: number;
	/** Not to run before this many milliseconds from now; 0 unless told. */
	readonly delayMs?: number;
};

export type Taken = {
	readonly key: Key;
	readonly priority: number;
	/** Milliseconds from when the key was due to when it was handed out. */
	readonly waitedMs: number;
};

export type WorkqueueOptions = {
	readonly clock: Clock;
	/**
	 * Keys of one lane (say, of one provider) run at most `limit` at a time, so that a lane that is slow leaves
	 * room for the others. `of` is asked when a key becomes due.
	 */
	readonly lanes?: { readonly of: (key: Key) => string; readonly limit: number };
};

type Item = {
	readonly key: Key;
	readonly namespace: string;
	priority: number;
	/** Monotonic milliseconds. */
	dueAt: number;
	/** Of those that are due at the same moment the one added first goes first. */
	readonly order: number;
	/** Where it waits; `undefined` while its delay lasts. */
	lane: Lane | undefined;
	position: number;
	previous: Item | undefined;
	next: Item | undefined;
};

type Lane = { readonly name: string; readonly line: FairLine<Item>; waiting: number; running: number };

type Run = { readonly lane: Lane; followUp: Item | undefined };

type Getter = (taken: Taken | undefined) => void;

export class Workqueue {
	readonly #clock: Clock;
	readonly #laneOf: (key: Key) => string;
	readonly #laneLimit: number;
	/** Keys that wait: delayed ones are in `#delayed`, due ones in the line of a lane. */
	readonly #items = new Map<Key, Item>();
	readonly #delayed = new Heap<Item>(
		(a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order),
	);
	readonly #lanes = new Map<string, Lane>();
	readonly #running = new Map<Key, Run>();
	readonly #getters = new Set<Getter>();
	#handingOut = false;
	#added = 0;
	#timer: (Timer & { readonly dueAt: number }) | undefined;

	constructor({ clock, lanes }: WorkqueueOptions) {
		this.#clock = clock;
		this.#laneOf = lanes?.of ?? (() => '');
		this.#laneLimit = lanes?.limit ?? Number.POSITIVE_INFINITY;
	}

	/** Keys that wait, delayed ones included; running keys are not. */
	get size(): number {
		return this.#items.size;
	}

	/** Keys that wait for their delay to pass. */
	get delayed(): number {
		return this.#delayed.size;
	}

	get running(): number {
		return this.#running.size;
	}

	/**
	 * Makes a key run. One that waits already keeps its place, takes the higher priority and the earlier due
	 * time; one that is running runs once more afterwards, however often it is added meanwhile.
	 */
	add(key: Key, { priority = 0, delayMs = 0 }: AddOptions = {}): void {
		const dueAt = this.#clock.monotonic() + Math.max(0, delayMs);
		const run = this.#running.get(key);
		const waiting = run === undefined ? this.#items.get(key) : run.followUp;
		if (waiting === undefined) {
			const { namespace } = refOf(key);
			const place = { lane: undefined, position: 0, previous: undefined, next: undefined };
			const item: Item = { key, namespace, priority, dueAt, order: this.#added++, ...place };
			if (run !== undefined) run.followUp = item;
			else this.#place(item);
		} else if (run !== undefined) {
			waiting.priority = Math.max(waiting.priority, priority);
			waiting.dueAt = Math.min(waiting.dueAt, dueAt);
		} else if (waiting.lane !== undefined ? priority > waiting.priority : dueAt < waiting.dueAt) {
			this.#unplace(waiting);
			waiting.priority = Math.max(waiting.priority, priority);
			waiting.dueAt = Math.min(waiting.dueAt, dueAt);
			this.#place(waiting);
		} else if (waiting.lane === undefined) {
			waiting.priority = Math.max(waiting.priority, priority);
		}
	}

	/**
	 * The next key to run, once there is one; `undefined` when the signal aborts. Whoever takes a key must give it
	 * back with `done`. Keys added in one go are handed out after it, best first.
	 */
	get(signal: AbortSignal): Promise<Taken | undefined> {
		if (signal.aborted) return Promise.resolve(undefined);
		return new Promise(resolve => {
			const getter: Getter = taken => {
				this.#getters.delete(getter);
				signal.removeEventListener('abort', onAbort);
				resolve(taken);
			};
			const onAbort = () => getter(undefined);
			signal.addEventListener('abort', onAbort, { once: true });
			this.#getters.add(getter);
			this.#handOutSoon();
		});
	}

	/** Gives a running key back; it waits again at once if it was added meanwhile. */
	done(key: Key): void {
		const run = this.#running.get(key);
		if (run === undefined) throw new Error(`giving back key "${key}": expected a running key`);
		this.#running.delete(key);
		run.lane.running--;
		this.#dropIfIdle(run.lane);
		if (run.followUp !== undefined) this.#place(run.followUp);
		this.#handOutSoon();
	}

	/** Drops a waiting key, or the follow-up of a running one; whether there was anything to drop. */
	remove(key: Key): boolean {
		const run = this.#running.get(key);
		const item = run === undefined ? this.#items.get(key) : run.followUp;
		if (item === undefined) return false;
		if (run !== undefined) run.followUp = undefined;
		else this.#unplace(item);
		return true;
	}

	#place(item: Item): void {
		this.#items.set(item.key, item);
		if (item.dueAt > this.#clock.monotonic()) {
			this.#delayed.push(item);
			this.#arm();
			return;
		}
		const name = this.#laneOf(item.key);
		let lane = this.#lanes.get(name);
		if (lane === undefined) {
			lane = { name, line: new FairLine(), waiting: 0, running: 0 };
			this.#lanes.set(name, lane);
		}
		item.lane = lane;
		lane.waiting++;
		lane.line.push(item);
		this.#handOutSoon();
	}

	#unplace(item: Item): void {
		this.#items.delete(item.key);
		if (item.lane === undefined) {
			this.#delayed.remove(item);
			this.#arm();
			return;
		}
		const { lane } = item;
		lane.line.remove(item);
		lane.waiting--;
		item.lane = undefined;
		this.#dropIfIdle(lane);
	}

	#dropIfIdle(lane: Lane): void {
		if (lane.waiting === 0 && lane.running === 0) this.#lanes.delete(lane.name);
	}

	/** One timer, to the next due item; none while nothing is delayed. A timer that is too early stays. */
	#arm(): void {
		const next = this.#delayed.peek();
		if (this.#timer !== undefined && next !== undefined && this.#timer.dueAt <= next.dueAt) return;
		this.#timer?.cancel();
		this.#timer = undefined;
		if (next === undefined) return;
		const { dueAt } = next;
		const { cancel } = this.#clock.schedule(dueAt - this.#clock.monotonic(), () => {
			this.#timer = undefined;
			this.#takeDue();
			this.#arm();
		});
		this.#timer = { dueAt, cancel };
	}

	#takeDue(): void {
		const now = this.#clock.monotonic();
		for (
			let item = this.#delayed.peek();
			item !== undefined && item.dueAt <= now;
			item = this.#delayed.peek()
		) {
			this.#delayed.remove(item);
			this.#place(item);
		}
	}

	/** Deferred by a microtask, so that of all keys added in one go the most urgent are handed out first. */
	#handOutSoon(): void {
		if (this.#handingOut || this.#getters.size === 0) return;
		this.#handingOut = true;
		queueMicrotask(() => {
			this.#handingOut = false;
			this.#handOut();
		});
	}

	#handOut(): void {
		for (const getter of this.#getters) {
			const lane = this.#nextLane();
			const item = lane?.line.shift();
			if (lane === undefined || item === undefined) return;
			lane.waiting--;
			lane.running++;
			this.#items.delete(item.key);
			this.#running.set(item.key, { lane, followUp: undefined });
			const waitedMs = Math.max(0, this.#clock.monotonic() - item.dueAt);
			getter({ key: item.key, priority: item.priority, waitedMs });
		}
	}

	/** The lane with the most urgent key; among equals the one with the fewest running. */
	#nextLane(): Lane | undefined {
		let best: Lane | undefined;
		let bestPriority = Number.NEGATIVE_INFINITY;
		for (const lane of this.#lanes.values()) {
			const first = lane.running < this.#laneLimit ? lane.line.first : undefined;
			if (first === undefined || first.priority < bestPriority) continue;
			if (best !== undefined && first.priority === bestPriority && lane.running >= best.running) continue;
			best = lane;
			bestPriority = first.priority;
		}
		return best;
	}
}

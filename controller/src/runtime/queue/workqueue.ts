// A queue of keys with priorities, delays and concurrency groups: a key waits once and runs once at a time.
import type { Clock, Timer } from '../clock.ts';
import { type Key, refOf } from '../object-ref.ts';
import { FairQueue } from './fair-queue.ts';
import { Heap } from './heap.ts';

export type AddOptions = {
	/** Higher runs first. Default: 0. */
	readonly priority?: number;
	/** Earliest run, in milliseconds from now. Default: 0. */
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
	 * At most `limit` keys of one group (for example of one provider) run at a time, so that a slow group leaves
	 * room for the others. `of` is called when a key becomes due.
	 */
	readonly groups?: { readonly of: (key: Key) => string; readonly limit: number };
};

type Item = {
	readonly key: Key;
	readonly namespace: string;
	priority: number;
	/** Monotonic milliseconds. */
	dueAt: number;
	/** Of keys that are due at the same time, the one that was added first runs first. */
	readonly order: number;
	/** The group in which it waits; `undefined` while its delay lasts. */
	group: ConcurrencyGroup | undefined;
	position: number;
	previous: Item | undefined;
	next: Item | undefined;
};

type ConcurrencyGroup = {
	readonly name: string;
	readonly queue: FairQueue<Item>;
	waiting: number;
	running: number;
};

type Run = { readonly group: ConcurrencyGroup; followUp: Item | undefined };

type Getter = (taken: Taken | undefined) => void;

export class Workqueue {
	readonly #clock: Clock;
	readonly #groupOf: (key: Key) => string;
	readonly #groupLimit: number;
	/** Keys that wait: delayed keys are in `#delayed`, due keys in the queue of a group. */
	readonly #items = new Map<Key, Item>();
	readonly #delayed = new Heap<Item>(
		(a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order),
	);
	readonly #groups = new Map<string, ConcurrencyGroup>();
	readonly #running = new Map<Key, Run>();
	readonly #getters = new Set<Getter>();
	#handingOut = false;
	#added = 0;
	#timer: (Timer & { readonly dueAt: number }) | undefined;

	constructor({ clock, groups }: WorkqueueOptions) {
		this.#clock = clock;
		this.#groupOf = groups?.of ?? (() => '');
		this.#groupLimit = groups?.limit ?? Number.POSITIVE_INFINITY;
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
	 * Makes a key run. A waiting key keeps its place and takes the higher priority and the earlier due time. A
	 * running key runs once more afterwards, however often it is added meanwhile.
	 */
	add(key: Key, { priority = 0, delayMs = 0 }: AddOptions = {}): void {
		const dueAt = this.#clock.monotonic() + Math.max(0, delayMs);
		const run = this.#running.get(key);
		const waiting = run === undefined ? this.#items.get(key) : run.followUp;
		if (waiting === undefined) {
			const { namespace } = refOf(key);
			const place = { group: undefined, position: 0, previous: undefined, next: undefined };
			const item: Item = { key, namespace, priority, dueAt, order: this.#added++, ...place };
			if (run !== undefined) run.followUp = item;
			else this.#place(item);
		} else if (run !== undefined) {
			waiting.priority = Math.max(waiting.priority, priority);
			waiting.dueAt = Math.min(waiting.dueAt, dueAt);
		} else if (waiting.group !== undefined ? priority > waiting.priority : dueAt < waiting.dueAt) {
			this.#unplace(waiting);
			waiting.priority = Math.max(waiting.priority, priority);
			waiting.dueAt = Math.min(waiting.dueAt, dueAt);
			this.#place(waiting);
		} else if (waiting.group === undefined) {
			waiting.priority = Math.max(waiting.priority, priority);
		}
	}

	/**
	 * The next key to run, as soon as there is one; `undefined` when the signal aborts. The caller must give the key
	 * back with `done`. Keys that are added in one synchronous step are handed out after it, most urgent first.
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

	/** Gives a running key back; if it was added meanwhile, it waits again at once. */
	done(key: Key): void {
		const run = this.#running.get(key);
		if (run === undefined) throw new Error(`giving back key "${key}": expected a running key`);
		this.#running.delete(key);
		run.group.running--;
		this.#dropIfIdle(run.group);
		if (run.followUp !== undefined) this.#place(run.followUp);
		this.#handOutSoon();
	}

	#place(item: Item): void {
		this.#items.set(item.key, item);
		if (item.dueAt > this.#clock.monotonic()) {
			this.#delayed.push(item);
			this.#arm();
			return;
		}
		const name = this.#groupOf(item.key);
		let group = this.#groups.get(name);
		if (group === undefined) {
			group = { name, queue: new FairQueue(), waiting: 0, running: 0 };
			this.#groups.set(name, group);
		}
		item.group = group;
		group.waiting++;
		group.queue.push(item);
		this.#handOutSoon();
	}

	#unplace(item: Item): void {
		this.#items.delete(item.key);
		if (item.group === undefined) {
			this.#delayed.remove(item);
			this.#arm();
			return;
		}
		const { group } = item;
		group.queue.remove(item);
		group.waiting--;
		item.group = undefined;
		this.#dropIfIdle(group);
	}

	#dropIfIdle(group: ConcurrencyGroup): void {
		if (group.waiting === 0 && group.running === 0) this.#groups.delete(group.name);
	}

	/** One timer, for the next due item; none while nothing is delayed. A timer that is too early stays. */
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

	/** Deferred by a microtask, so that of keys added in one step the most urgent is handed out first. */
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
			const group = this.#nextGroup();
			const item = group?.queue.shift();
			if (group === undefined || item === undefined) return;
			group.waiting--;
			group.running++;
			this.#items.delete(item.key);
			this.#running.set(item.key, { group, followUp: undefined });
			const waitedMs = Math.max(0, this.#clock.monotonic() - item.dueAt);
			getter({ key: item.key, priority: item.priority, waitedMs });
		}
	}

	/** The group with the most urgent key; among equals, the group with the fewest running keys. */
	#nextGroup(): ConcurrencyGroup | undefined {
		let best: ConcurrencyGroup | undefined;
		let bestPriority = Number.NEGATIVE_INFINITY;
		for (const group of this.#groups.values()) {
			const first = group.running < this.#groupLimit ? group.queue.first : undefined;
			if (first === undefined || first.priority < bestPriority) continue;
			if (best !== undefined && first.priority === bestPriority && group.running >= best.running) continue;
			best = group;
			bestPriority = first.priority;
		}
		return best;
	}
}

// Order of waiting items: highest priority first, then fair between namespaces, then first in, first out.
//
// Namespaces take turns. A namespace that already took many items in one go comes after those that took fewer: a small
// burst is not slower because a large one began before it. Every fourth place goes to the namespace that waits longest,
// so that no stream of new namespaces can keep a large burst waiting for ever.
import { type Linked, LinkedList } from './linked-list.ts';

export type Waiting<T> = Linked<T> & { readonly namespace: string; readonly priority: number };

interface Turn<T extends Linked<T>> extends Linked<Turn<T>> {
	readonly namespace: string;
	readonly items: LinkedList<T>;
	/** Items taken since this namespace began to wait; it is forgotten when none of its items waits. */
	taken: number;
	/** Grows with each place: of two turns, the one with the lower number waits longer. */
	since: number;
}

type Level<T extends Linked<T>> = {
	readonly priority: number;
	/** By `tierOf` of what they took; in each tier, the turn that waits longest is first. */
	readonly tiers: LinkedList<Turn<T>>[];
	readonly byNamespace: Map<string, Turn<T>>;
};

/** Every place with this number goes to the turn that waits longest. */
const LONGEST_WAITING_EVERY = 4;

/** 0 for the first 16 items, then one more for each doubling. */
const tierOf = (taken: number): number => Math.max(0, 28 - Math.clz32(taken));

/** Without turns, one namespace with many changes would keep all others of its priority waiting. */
export class FairQueue<T extends Waiting<T>> {
	/** Highest priority first; one level per priority in use, none empty. */
	readonly #levels: Level<T>[] = [];
	#places = 0;

	/** The item that `shift` takes next. */
	get first(): T | undefined {
		const level = this.#levels[0];
		return level && this.#next(level)?.items.first;
	}

	/** The item's `namespace` and `priority` must not change while it is in the queue. */
	push(item: T): void {
		const level = this.#levelOf(item.priority);
		let turn = level.byNamespace.get(item.namespace);
		if (turn === undefined) {
			turn = {
				namespace: item.namespace,
				items: new LinkedList(),
				taken: 0,
				since: this.#places,
				previous: undefined,
				next: undefined,
			};
			level.byNamespace.set(item.namespace, turn);
			this.#line(level, turn).push(turn);
		}
		turn.items.push(item);
	}

	/** Takes the first item; its namespace then has the last turn of those that took as much. */
	shift(): T | undefined {
		const level = this.#levels[0];
		const turn = level && this.#next(level);
		const item = turn?.items.first;
		if (level === undefined || turn === undefined || item === undefined) return undefined;
		turn.items.remove(item);
		this.#line(level, turn).remove(turn);
		turn.taken++;
		turn.since = ++this.#places;
		if (turn.items.first !== undefined) this.#line(level, turn).push(turn);
		else this.#forget(level, turn);
		return item;
	}

	/** Takes out an item of the queue; its namespace keeps its turn. */
	remove(item: T): void {
		const level = this.#levelOf(item.priority);
		const turn = level.byNamespace.get(item.namespace)!;
		turn.items.remove(item);
		if (turn.items.first !== undefined) return;
		this.#line(level, turn).remove(turn);
		this.#forget(level, turn);
	}

	#next({ tiers }: Level<T>): Turn<T> | undefined {
		const firsts = tiers.map(({ first }) => first).filter(first => first !== undefined);
		const byWaiting = this.#places % LONGEST_WAITING_EVERY === LONGEST_WAITING_EVERY - 1;
		return byWaiting ? firsts.reduce((a, b) => (b.since < a.since ? b : a)) : firsts[0];
	}

	#line({ tiers }: Level<T>, { taken }: Turn<T>): LinkedList<Turn<T>> {
		for (let tier = tiers.length; tier <= tierOf(taken); tier++) tiers.push(new LinkedList());
		return tiers[tierOf(taken)]!;
	}

	#forget(level: Level<T>, turn: Turn<T>): void {
		level.byNamespace.delete(turn.namespace);
		if (level.byNamespace.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
	}

	#levelOf(priority: number): Level<T> {
		const index = this.#levels.findIndex(level => level.priority <= priority);
		const found = this.#levels[index];
		if (found?.priority === priority) return found;
		const level: Level<T> = { priority, tiers: [], byNamespace: new Map() };
		this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
		return level;
	}
}

// Who is next: the highest priority; inside it namespaces take turns; inside a namespace first come, first served.
import { Chain, type Linked } from './chain.ts';

export type Waiting<T> = Linked<T> & { readonly namespace: string; readonly priority: number };

interface Turn<T extends Linked<T>> extends Linked<Turn<T>> {
	readonly namespace: string;
	readonly items: Chain<T>;
}

type Level<T extends Linked<T>> = {
	readonly priority: number;
	readonly turns: Chain<Turn<T>>;
	readonly byNamespace: Map<string, Turn<T>>;
};

/** Without turns, one namespace that churns would keep all others of its priority waiting. */
export class FairLine<T extends Waiting<T>> {
	/** Highest priority first; there are as few levels as there are priorities in use, and none is empty. */
	readonly #levels: Level<T>[] = [];

	/** The one that `remove` should take next. */
	get first(): T | undefined {
		return this.#levels[0]?.turns.first?.items.first;
	}

	/** The item's `namespace` and `priority` must not change while it is in the line. */
	push(item: T): void {
		const level = this.#levelOf(item.priority);
		let turn = level.byNamespace.get(item.namespace);
		if (turn === undefined) {
			turn = { namespace: item.namespace, items: new Chain(), previous: undefined, next: undefined };
			level.byNamespace.set(item.namespace, turn);
			level.turns.push(turn);
		}
		turn.items.push(item);
	}

	/** Takes the first one; its namespace goes to the end of its level's turns. */
	shift(): T | undefined {
		const level = this.#levels[0];
		const turn = level?.turns.first;
		const item = turn?.items.first;
		if (level === undefined || turn === undefined || item === undefined) return undefined;
		turn.items.remove(item);
		level.turns.remove(turn);
		if (turn.items.first !== undefined) level.turns.push(turn);
		else this.#forget(level, turn);
		return item;
	}

	/** Takes out an item that is in the line, without using up its namespace's turn. */
	remove(item: T): void {
		const level = this.#levelOf(item.priority);
		const turn = level.byNamespace.get(item.namespace)!;
		turn.items.remove(item);
		if (turn.items.first !== undefined) return;
		level.turns.remove(turn);
		this.#forget(level, turn);
	}

	#forget(level: Level<T>, turn: Turn<T>): void {
		level.byNamespace.delete(turn.namespace);
		if (level.byNamespace.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
	}

	#levelOf(priority: number): Level<T> {
		const index = this.#levels.findIndex(level => level.priority <= priority);
		const found = this.#levels[index];
		if (found?.priority === priority) return found;
		const level: Level<T> = { priority, turns: new Chain(), byNamespace: new Map() };
		this.#levels.splice(index < 0 ? this.#levels.length : index, 0, level);
		return level;
	}
}

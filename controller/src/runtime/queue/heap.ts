// A binary heap whose items know their position, so that any item can be removed in O(log n).

/** The heap writes this field while an item is in it. */
export type Positioned = { position: number };

export class Heap<T extends Positioned> {
	readonly #items: T[] = [];
	readonly #before: (a: T, b: T) => boolean;

	/** `before(a, b)`: whether `a` comes strictly before `b`. */
	constructor(before: (a: T, b: T) => boolean) {
		this.#before = before;
	}

	get size(): number {
		return this.#items.length;
	}

	peek(): T | undefined {
		return this.#items[0];
	}

	push(item: T): void {
		this.#items.push(item);
		this.#rise(item, this.#items.length - 1);
	}

	/** Takes out an item of the heap. */
	remove(item: T): void {
		const last = this.#items.pop()!;
		if (last === item) return;
		this.#rise(last, item.position);
		this.#sink(last, last.position);
	}

	#rise(item: T, from: number): void {
		let at = from;
		while (at > 0) {
			const parent = this.#items[(at - 1) >>> 1]!;
			if (!this.#before(item, parent)) break;
			this.#place(parent, at);
			at = (at - 1) >>> 1;
		}
		this.#place(item, at);
	}

	#sink(item: T, from: number): void {
		let at = from;
		for (;;) {
			const left = this.#items[2 * at + 1];
			if (left === undefined) break;
			const right = this.#items[2 * at + 2];
			const sooner = right !== undefined && this.#before(right, left) ? right : left;
			if (!this.#before(sooner, item)) break;
			const next = sooner === left ? 2 * at + 1 : 2 * at + 2;
			this.#place(sooner, at);
			at = next;
		}
		this.#place(item, at);
	}

	#place(item: T, at: number): void {
		this.#items[at] = item;
		item.position = at;
	}
}

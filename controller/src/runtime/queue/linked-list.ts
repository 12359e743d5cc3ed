// A linked list whose links live in its items: adding and removing is O(1), also from the middle.

/** The list writes these fields while an item is in it; an item is in one list at a time. */
export type Linked<T> = { previous: T | undefined; next: T | undefined };

export class LinkedList<T extends Linked<T>> {
	#first: T | undefined;
	#last: T | undefined;

	get first(): T | undefined {
		return this.#first;
	}

	push(item: T): void {
		item.previous = this.#last;
		item.next = undefined;
		if (this.#last === undefined) this.#first = item;
		else this.#last.next = item;
		this.#last = item;
	}

	/** Takes out an item of this list. */
	remove(item: T): void {
		if (item.previous === undefined) this.#first = item.next;
		else item.previous.next = item.next;
		if (item.next === undefined) this.#last = item.previous;
		else item.next.previous = item.previous;
		item.previous = undefined;
		item.next = undefined;
	}
}

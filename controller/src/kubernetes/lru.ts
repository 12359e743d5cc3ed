// A bounded map: at its capacity it drops the entry that was used longest ago.

export class Lru<K, V> {
	readonly #entries = new Map<K, V>();
	readonly #capacity: number;

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	get size(): number {
		return this.#entries.size;
	}

	/** The value of the key, made if there is none. The key now counts as used. */
	take(key: K, make: () => V): V {
		const value = this.#entries.get(key) ?? make();
		this.#entries.delete(key);
		this.#entries.set(key, value);
		if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value!);
		return value;
	}
}

// The records of one collection, fed by a watcher; a relist replaces them all in one step.
import type { Tracked, WatchEvent } from './list-watch.ts';

/** One difference: only `before` is a removed record, only `after` an added one. */
export type Change<T> = {
	readonly before?: T;
	readonly after?: T;
	/** Part of the first complete list, so the object may be old. False for later relists. */
	readonly initial: boolean;
};

export type StoreOptions<T extends Tracked> = {
	/** Called synchronously, after the store shows the change. Must not throw. */
	readonly onChange?: (change: Change<T>) => void;
	/** Called synchronously after each complete list and its differences. Must not throw. */
	readonly onListed?: () => void;
	/** Whether two records of one uid are equal, which is no change. Default: identity. */
	readonly equals?: (a: T, b: T) => boolean;
};

export class Store<T extends Tracked> {
	/** Resolves when the first complete list was applied. */
	readonly ready: Promise<void>;
	readonly #onChange: (change: Change<T>) => void;
	readonly #onListed: () => void;
	readonly #equals: (a: T, b: T) => boolean;
	readonly #becomeReady: () => void;
	#records = new Map<string, T>();
	/** The records of a relist so far; `undefined` outside of one. */
	#relisted: Map<string, T> | undefined;
	#synced = false;

	constructor({ onChange = () => {}, onListed = () => {}, equals = Object.is }: StoreOptions<T> = {}) {
		this.#onChange = onChange;
		this.#onListed = onListed;
		this.#equals = equals;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.ready = promise;
		this.#becomeReady = resolve;
	}

	get size(): number {
		return this.#records.size;
	}

	/**
	 * Whether an object is tracked: visible, or part of a relist that is not done. The decoder needs this to know
	 * whether a change of an object that looks irrelevant removes a record.
	 */
	has(uid: string): boolean {
		return this.#records.has(uid) || this.#relisted?.has(uid) === true;
	}

	get(uid: string): T | undefined {
		return this.#records.get(uid);
	}

	/** The visible records: during a relist, those from before it. */
	values(): IterableIterator<T> {
		return this.#records.values();
	}

	apply(event: WatchEvent<T>): void {
		switch (event.type) {
			case 'init':
				this.#relisted = new Map();
				return;
			case 'init-apply':
				this.#relisted?.set(event.record.uid, event.record);
				return;
			case 'init-done':
				this.#swap();
				return;
			case 'apply':
				this.#relisted?.set(event.record.uid, event.record);
				this.#put(event.record);
				return;
			case 'delete':
				this.#relisted?.delete(event.uid);
				this.#delete(event.uid);
		}
	}

	#put(after: T): void {
		const before = this.#records.get(after.uid);
		this.#records.set(after.uid, after);
		this.#report(before, after, false);
	}

	#delete(uid: string): void {
		const before = this.#records.get(uid);
		this.#records.delete(uid);
		this.#report(before, undefined, false);
	}

	#swap(): void {
		if (this.#relisted === undefined) return;
		const old = this.#records;
		const initial = !this.#synced;
		this.#records = this.#relisted;
		this.#relisted = undefined;
		this.#synced = true;
		for (const after of this.#records.values()) {
			const before = old.get(after.uid);
			old.delete(after.uid);
			this.#report(before, after, initial);
		}
		for (const before of old.values()) this.#report(before, undefined, initial);
		this.#onListed();
		this.#becomeReady();
	}

	#report(before: T | undefined, after: T | undefined, initial: boolean): void {
		if (before !== undefined && after !== undefined) {
			if (!this.#equals(before, after)) this.#onChange({ before, after, initial });
		} else if (after !== undefined) this.#onChange({ after, initial });
		else if (before !== undefined) this.#onChange({ before, initial });
	}
}

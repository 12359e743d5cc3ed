// The one generic store: versions, history, and the state of any kind at any version that history still covers.
import type { Kind } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/object.ts';
import { type EventType, StoredObject } from '../objects/stored-object.ts';

/** One change; `previous` is the version before it. For DELETED `object` is the last one, at the deletion's version. */
export type StoreEvent = {
	readonly type: Exclude<EventType, 'BOOKMARK'>;
	readonly object: StoredObject;
	readonly previous: StoredObject | undefined;
	readonly resourceVersion: number;
};

export type StoreListener = (kind: Kind, event: StoreEvent) => void;

type Shelf = {
	readonly objects: Map<string, StoredObject>;
	/** Oldest first; `history[0]` may be preceded by dropped events up to `lost`. */
	history: StoreEvent[];
	/** Every change up to this version is forgotten. */
	lost: number;
	sorted: readonly StoredObject[] | undefined;
};

export type StorageOptions = {
	/** How many changes of each kind are kept for watches and consistent paging. */
	readonly historySize: number;
};

/** Holds every object; versions are one counter over all kinds, as in etcd. */
export class Storage {
	readonly #options: StorageOptions;
	readonly #shelves = new Map<Kind, Shelf>();
	readonly #listeners = new Set<StoreListener>();
	#version = 1;
	#floor = 0;

	constructor(options: StorageOptions) {
		this.#options = options;
	}

	/** The version of the latest change. */
	get resourceVersion(): number {
		return this.#version;
	}

	#shelf(kind: Kind): Shelf {
		let shelf = this.#shelves.get(kind);
		if (!shelf) {
			shelf = { objects: new Map(), history: [], lost: this.#floor, sorted: undefined };
			this.#shelves.set(kind, shelf);
		}
		return shelf;
	}

	get(kind: Kind, namespace: string, name: string): StoredObject | undefined {
		return this.#shelf(kind).objects.get(kind.namespaced ? `${namespace}/${name}` : name);
	}

	/** Every object of the kind in key order. */
	list(kind: Kind): readonly StoredObject[] {
		const shelf = this.#shelf(kind);
		shelf.sorted ??= [...shelf.objects.entries()]
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([, object]) => object);
		return shelf.sorted;
	}

	/** Every object of the kind as of a version, in key order; `undefined` where history does not reach back. */
	listAt(kind: Kind, version: number): readonly StoredObject[] | undefined {
		const shelf = this.#shelf(kind);
		if (version < shelf.lost) return undefined;
		if (shelf.history.length === 0 || shelf.history.at(-1)!.resourceVersion <= version)
			return this.list(kind);
		const objects = new Map(shelf.objects);
		for (let index = shelf.history.length - 1; index >= 0; index--) {
			const event = shelf.history[index]!;
			if (event.resourceVersion <= version) break;
			if (event.previous) objects.set(event.previous.key, event.previous);
			else objects.delete(event.object.key);
		}
		return [...objects.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
	}

	/** The changes after a version, oldest first; `undefined` where history does not reach back. */
	eventsAfter(kind: Kind, version: number): readonly StoreEvent[] | undefined {
		const { history, lost } = this.#shelf(kind);
		if (version < lost) return undefined;
		let low = 0;
		let high = history.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (history[middle]!.resourceVersion <= version) low = middle + 1;
			else high = middle;
		}
		return low === 0 ? history : history.slice(low);
	}

	/** Stores a new version of an object (created if it is new) and tells the listeners. */
	put(kind: Kind, object: KubeObject): StoredObject {
		const shelf = this.#shelf(kind);
		const resourceVersion = ++this.#version;
		const metadata = { ...object.metadata, resourceVersion: String(resourceVersion) };
		const stored = new StoredObject(kind, { ...object, metadata }, resourceVersion);
		const previous = shelf.objects.get(stored.key);
		shelf.objects.set(stored.key, stored);
		this.#record(kind, shelf, {
			type: previous ? 'MODIFIED' : 'ADDED',
			object: stored,
			previous,
			resourceVersion,
		});
		return stored;
	}

	/** Removes an object and tells the listeners; returns its last state at the version of the deletion. */
	remove(stored: StoredObject): StoredObject {
		const shelf = this.#shelf(stored.kind);
		const resourceVersion = ++this.#version;
		shelf.objects.delete(stored.key);
		const object = stored.at(resourceVersion);
		this.#record(stored.kind, shelf, { type: 'DELETED', object, previous: stored, resourceVersion });
		return object;
	}

	#record(kind: Kind, shelf: Shelf, event: StoreEvent): void {
		shelf.sorted = undefined;
		shelf.history.push(event);
		// Dropped in bulk, so that a full history costs nothing per change.
		if (shelf.history.length > this.#options.historySize * 1.25) {
			const dropped = shelf.history.length - this.#options.historySize;
			shelf.lost = shelf.history[dropped - 1]!.resourceVersion;
			shelf.history = shelf.history.slice(dropped);
		}
		for (const listener of this.#listeners) listener(kind, event);
	}

	/** Forgets all history: every older version is expired from now on. */
	forget(): void {
		this.#floor = this.#version;
		for (const shelf of this.#shelves.values()) {
			shelf.history = [];
			shelf.lost = this.#version;
		}
	}

	/** Calls back synchronously after every change; returns the function that ends it. */
	subscribe(listener: StoreListener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}
}

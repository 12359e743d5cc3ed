// An API server's objects in memory: pods and Secrets with their versions, and the history that watches read.
import type { Clock } from '../../src/runtime/clock.ts';

export type Collection = 'pods' | 'secrets';

export type Meta = {
	name: string;
	namespace: string;
	uid: string;
	resourceVersion: string;
	creationTimestamp: string;
	deletionTimestamp?: string;
	labels?: Record<string, string>;
	annotations?: Record<string, string>;
	managedFields?: { manager: string; operation: string; time: string }[];
};

export type StoredObject = { meta: Meta; data?: Record<string, string>; finished?: boolean };

export type HistoryEntry = {
	readonly version: number;
	readonly collection: Collection;
	readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
	readonly meta: Meta;
};

export const MANAGED = 'app.kubernetes.io/managed-by';
const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;

export class World {
	readonly #clock: Clock;
	readonly #objects = { pods: new Map<string, StoredObject>(), secrets: new Map<string, StoredObject>() };
	readonly #listeners = new Set<(entry: HistoryEntry) => void>();
	readonly history: HistoryEntry[] = [];
	/** Secrets that a person edited or deleted. */
	readonly handled = new Set<string>();
	profile: 'write-only' | 'self-heal' = 'write-only';
	/** Versions up to here are forgotten: a watch from them is answered 410. */
	forgotten = 0;
	version = 100;
	#count = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	all(collection: Collection): StoredObject[] {
		return [...this.#objects[collection].values()];
	}

	get(collection: Collection, ref: { namespace: string; name: string }): StoredObject | undefined {
		return this.#objects[collection].get(key(ref));
	}

	/** Pods that live: neither ended nor gone. */
	get livePods(): StoredObject[] {
		return this.all('pods').filter(({ finished }) => !finished);
	}

	onChange(listener: (entry: HistoryEntry) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	create(
		collection: Collection,
		meta: Omit<Meta, 'uid' | 'resourceVersion' | 'creationTimestamp'>,
		data?: Record<string, string>,
	): StoredObject {
		const object: StoredObject = {
			meta: {
				...meta,
				uid: `uid-${++this.#count}`,
				resourceVersion: '',
				creationTimestamp: this.#seconds(),
			},
			...(data && { data }),
		};
		this.#objects[collection].set(key(meta), object);
		this.#changed(collection, 'ADDED', object);
		return object;
	}

	/** Changes an object in place; a change that changes nothing is none. */
	update(
		collection: Collection,
		object: StoredObject,
		change: (object: StoredObject) => void,
		manager?: string,
	): void {
		const before = JSON.stringify([object.meta, object.data]);
		change(object);
		if (JSON.stringify([object.meta, object.data]) === before) {
			return;
		}

		if (manager !== undefined) {
			object.meta.managedFields = [{ manager, operation: 'Update', time: this.#seconds() }];
		}

		this.#changed(collection, 'MODIFIED', object);
	}

	remove(collection: Collection, object: StoredObject): void {
		this.#objects[collection].delete(key(object.meta));
		this.#changed(collection, 'DELETED', object);
	}

	/** The pod ends: for a watch of live pods it is gone. */
	finish(pod: StoredObject): void {
		pod.finished = true;
		this.#changed('pods', 'DELETED', pod);
	}

	forget(): void {
		this.forgotten = this.version;
	}

	#changed(collection: Collection, type: HistoryEntry['type'], object: StoredObject): void {
		object.meta.resourceVersion = String(++this.version);
		const entry = { version: this.version, collection, type, meta: structuredClone(object.meta) };
		this.history.push(entry);
		for (const listener of this.#listeners) {
			listener(entry);
		}
	}

	#seconds(): string {
		return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
	}
}

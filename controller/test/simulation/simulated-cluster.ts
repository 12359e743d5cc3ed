// An API server's objects in memory: pods and Secrets with their versions, and the history that watches read.
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import { START_KEY } from '../../src/requests/start-annotation.ts';
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
	finalizers?: string[];
	managedFields?: { manager: string; operation: string; time: string; fieldsV1?: object }[];
};

export type StoredObject = {
	meta: Meta;
	data?: Record<string, string>;
	finished?: boolean;
	/** Names in a pod's `spec.schedulingGates`. */
	gates?: string[];
};

export type HistoryEntry = {
	readonly version: number;
	readonly collection: Collection;
	readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
	readonly meta: Meta;
};

export const MANAGED = 'app.kubernetes.io/managed-by';
const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;

export class SimulatedCluster {
	readonly #clock: Clock;
	readonly #objects = { pods: new Map<string, StoredObject>(), secrets: new Map<string, StoredObject>() };
	readonly #listeners = new Set<(entry: HistoryEntry) => void>();
	readonly history: HistoryEntry[] = [];
	/** When a person last edited or deleted a Secret, in monotonic milliseconds. */
	readonly handledAt = new Map<string, number>();
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

	/** A person edits or deletes this object. */
	handled({ meta }: StoredObject): void {
		this.handledAt.set(key(meta), this.#clock.monotonic());
	}

	onChange(listener: (entry: HistoryEntry) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	create(
		collection: Collection,
		meta: Omit<Meta, 'uid' | 'resourceVersion' | 'creationTimestamp'>,
		{ data, gates }: Pick<StoredObject, 'data' | 'gates'> = {},
	): StoredObject {
		const object: StoredObject = {
			meta: {
				...meta,
				uid: `uid-${++this.#count}`,
				resourceVersion: '',
				creationTimestamp: this.#seconds(),
			},
			...(data && { data }),
			...(gates && { gates }),
		};
		if (meta.annotations?.[ANNOTATION_KEY] !== undefined) {
			object.meta.managedFields = [this.#annotated('creator', { 'f:spec': {} })];
		}

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
		const before = JSON.stringify([object.meta, object.data, object.gates]);
		change(object);
		if (JSON.stringify([object.meta, object.data, object.gates]) === before) {
			return;
		}

		if (manager !== undefined) {
			object.meta.managedFields = [{ manager, operation: 'Update', time: this.#seconds() }];
		}

		this.#changed(collection, 'MODIFIED', object);
	}

	/** Sets the annotation of a pod, or takes it away. */
	annotate(pod: StoredObject, text: string | undefined): void {
		this.update('pods', pod, ({ meta }) => {
			const { [ANNOTATION_KEY]: _, ...others } = meta.annotations ?? {};
			meta.annotations = text === undefined ? others : { ...others, [ANNOTATION_KEY]: text };
			meta.managedFields = text === undefined ? [] : [this.#annotated('editor')];
		});
	}

	/** Sets the start annotation of a pod, or takes it away. */
	annotateStart(pod: StoredObject, text: string | undefined): void {
		this.update('pods', pod, ({ meta }) => {
			const { [START_KEY]: _, ...others } = meta.annotations ?? {};
			meta.annotations = text === undefined ? others : { ...others, [START_KEY]: text };
		});
	}

	/** Deletes an object; one with finalizers is marked and stays until they are gone. */
	remove(collection: Collection, object: StoredObject): void {
		if (object.meta.finalizers?.length) {
			this.update(
				collection,
				object,
				({ meta }) => {
					meta.deletionTimestamp ??= this.#seconds();
				},
				'kubectl',
			);
			return;
		}

		this.#objects[collection].delete(key(object.meta));
		this.#changed(collection, 'DELETED', object);
	}

	/** The owner of the finalizers takes them off; an object that is being deleted goes with them. */
	release(secret: StoredObject): void {
		if (this.get('secrets', secret.meta) !== secret || secret.meta.finalizers === undefined) {
			return;
		}

		delete secret.meta.finalizers;
		if (secret.meta.deletionTimestamp !== undefined) {
			this.remove('secrets', secret);
		} else {
			this.#changed('secrets', 'MODIFIED', secret);
		}
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

	#annotated(manager: string, more: object = {}) {
		const annotations = { 'f:annotations': { [`f:${ANNOTATION_KEY}`]: {} } };
		const fieldsV1 = { 'f:metadata': annotations, ...more };
		return { manager, operation: 'Update', time: this.#seconds(), fieldsV1 };
	}

	#seconds(): string {
		return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
	}
}

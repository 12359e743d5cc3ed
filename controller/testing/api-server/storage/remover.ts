// Deletion: preconditions, finalizers, pods in two steps, and namespaces with everything in them.
import { type Kind, kindNamed, kinds } from '../objects/kinds.ts';
import type { ObjectMeta } from '../objects/object.ts';
import { conflict, notFound } from '../objects/status.ts';
import type { StoredObject } from '../objects/stored-object.ts';
import type { Storage } from './storage.ts';
import { timestamp } from './writer.ts';

export type Preconditions = { uid?: string; resourceVersion?: string };

export type RemoveRequest = {
	readonly kind: Kind;
	readonly group: string;
	readonly namespace: string;
	readonly name: string;
	readonly dryRun: boolean;
	readonly preconditions?: Preconditions | undefined;
};

/** `gone` is false where finalizers or a namespace's content still hold the object. */
export type Removed = { readonly object: StoredObject; readonly gone: boolean };

const namespaces = kindNamed('Namespace');
const pods = kindNamed('Pod');

/** Removes objects; namespaces empty themselves in the background. */
export class Remover {
	readonly #storage: Storage;
	readonly #now: () => Date;

	constructor(storage: Storage, now: () => Date) {
		this.#storage = storage;
		this.#now = now;
		// A namespace that waits for its last object goes with it.
		storage.subscribe((kind, event) => {
			if (event.type !== 'DELETED' || !kind.namespaced) return;
			const home = storage.get(namespaces, '', event.object.namespace);
			if (home?.object.metadata.deletionTimestamp !== undefined) this.#emptyLater(home.name);
		});
	}

	/** Throws 404, or 409 where a precondition does not hold. */
	remove(request: RemoveRequest): Removed {
		const current = this.#storage.get(request.kind, request.namespace, request.name);
		if (!current) throw notFound({ group: request.group, plural: request.kind.plural }, request.name);
		this.#check(request, current);
		if (request.dryRun) return { object: current, gone: true };
		return this.#removeObject(current);
	}

	#check({ kind, group, name, preconditions }: RemoveRequest, current: StoredObject): void {
		const named = { group, plural: kind.kind };
		const uid = current.object.metadata.uid ?? '';
		if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
			const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
			throw conflict(named, name, why);
		}
		const version = preconditions?.resourceVersion;
		if (version !== undefined && version !== String(current.resourceVersion)) {
			const why = `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${current.resourceVersion}). The object might have been modified`;
			throw conflict(named, name, why);
		}
	}

	#removeObject(current: StoredObject): Removed {
		const { kind, object } = current;
		const held = (object.metadata.finalizers?.length ?? 0) > 0;
		if (kind === namespaces) {
			if (object.metadata.deletionTimestamp !== undefined) return { object: current, gone: false };
			const terminating = this.#mark(current, {});
			this.#emptyLater(current.name);
			return { object: terminating, gone: false };
		}
		if (held || kind === pods) {
			const marked =
				object.metadata.deletionTimestamp === undefined
					? this.#mark(current, { deletionGracePeriodSeconds: 0 })
					: current;
			if (held) return { object: marked, gone: false };
			return { object: this.#storage.remove(marked), gone: true };
		}
		this.#storage.remove(current);
		return { object: current, gone: true };
	}

	#mark(current: StoredObject, more: ObjectMeta): StoredObject {
		const { kind, object } = current;
		const metadata = { ...object.metadata, deletionTimestamp: timestamp(this.#now()), ...more };
		if (kind.generation) metadata.generation = (metadata.generation ?? 0) + 1;
		return this.#storage.put(kind, {
			...object,
			metadata,
			...(kind === namespaces ? { status: { phase: 'Terminating' } } : {}),
		});
	}

	#emptyLater(namespace: string): void {
		setImmediate(() => this.#empty(namespace));
	}

	#empty(namespace: string): void {
		const home = this.#storage.get(namespaces, '', namespace);
		if (home?.object.metadata.deletionTimestamp === undefined) return;
		let left = 0;
		for (const kind of kinds) {
			if (!kind.namespaced) continue;
			for (const object of this.#storage.list(kind)) {
				if (object.namespace === namespace && !this.#removeObject(object).gone) left++;
			}
		}
		if (left === 0) this.#storage.remove(home);
	}
}

// Profile self-heal: what is kept of the Secrets that JASM manages, and what of them need not be read again.
import { FIELD_MANAGER, SPEC_HASH_ANNOTATION, specHash } from './desired-secret.ts';
import type { ObjectMeta } from './kubernetes/types.ts';
import { sameRequest } from './requesters.ts';
import type { Request } from './requests.ts';
import { type Key, keyOf } from './runtime/object-ref.ts';
import { Teller } from './tell.ts';

/** Metadata of one live Secret that carries JASM's label; never its data. */
export type ManagedSecret = Pick<
	ObjectMeta,
	'uid' | 'resourceVersion' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'
> & {
	readonly key: Key;
	/** When JASM last changed it, in milliseconds since the epoch; 0 where that is not recorded. */
	readonly writtenAt: number;
	/** Somebody else has set data of it since. */
	readonly edited: boolean;
};

type ManagedChange = {
	readonly before?: ManagedSecret | undefined;
	readonly after?: ManagedSecret | undefined;
};

export function toManagedSecret(meta: ObjectMeta): ManagedSecret {
	const { uid, resourceVersion, labels, annotations, finalizers, ownerReferences, managedFields = [] } = meta;
	const own = managedFields.filter(({ manager }) => manager === FIELD_MANAGER);
	return {
		uid,
		key: keyOf(meta),
		resourceVersion,
		...(labels && { labels }),
		...(annotations && { annotations }),
		...(finalizers && { finalizers }),
		...(ownerReferences && { ownerReferences }),
		writtenAt: Math.max(0, ...own.map(({ time = '' }) => Date.parse(time) || 0)),
		edited: managedFields.some(({ manager, fieldsV1 }) => manager !== FIELD_MANAGER && fieldsV1?.['f:data']),
	};
}

/** The managed Secrets by key. */
export class ManagedSecrets {
	readonly #byKey = new Map<Key, ManagedSecret>();

	get(key: Key): ManagedSecret | undefined {
		return this.#byKey.get(key);
	}

	update({ before, after }: ManagedChange): void {
		if (after !== undefined) {
			this.#byKey.set(after.key, after);
		} else if (before !== undefined && this.#byKey.get(before.key)?.uid === before.uid) {
			this.#byKey.delete(before.key);
		}
	}

	/**
	 * Whether an earlier run of JASM served this request already: the Secret carries the hash of the same
	 * spec, nobody else has set data of it, and it was written after every pod that asks for this was created.
	 * Such pods count as told.
	 */
	recall(key: Key, { winner, requesters }: Request): ManagedSecret | undefined {
		const live = this.#byKey.get(key);
		if (!live || live.edited || live.annotations?.[SPEC_HASH_ANNOTATION] !== specHash(winner.sync)) {
			return undefined;
		}

		// Both times are of whole seconds: within the same one the value is at most a second older than the pod.
		const served = requesters.filter(({ sync }) => sameRequest(sync, winner.sync));
		if (served.some(({ pod }) => pod.createdAt > live.writtenAt)) {
			return undefined;
		}

		for (const requester of served) {
			Teller.assumeTold(requester);
		}

		return live;
	}
}

// Profile self-heal: metadata of the Secrets that JASM manages, and which of them need no new read.

import type { ObjectMeta } from '../kubernetes/types.ts';
import { sameRequest } from '../requests/requesters.ts';
import type { KeyRequests } from '../requests/requests.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';
import { FIELD_MANAGER, SPEC_HASH_ANNOTATION, specHash } from './desired-secret.ts';

/** Metadata of one live Secret that carries JASM's label; never its data. */
export type ManagedSecret = Pick<
	ObjectMeta,
	| 'uid'
	| 'resourceVersion'
	| 'labels'
	| 'annotations'
	| 'deletionTimestamp'
	| 'finalizers'
	| 'ownerReferences'
> & {
	readonly key: Key;
	/** When JASM last changed it, in milliseconds since the epoch; 0 if that is not recorded. */
	readonly writtenAt: number;
	/** Another client has set data of it since. */
	readonly edited: boolean;
};

type ManagedChange = {
	readonly before?: ManagedSecret | undefined;
	readonly after?: ManagedSecret | undefined;
};

export function toManagedSecret(meta: ObjectMeta): ManagedSecret {
	const { uid, resourceVersion, labels, annotations, managedFields = [] } = meta;
	const { deletionTimestamp, finalizers, ownerReferences } = meta;
	const own = managedFields.filter(({ manager }) => manager === FIELD_MANAGER);
	return {
		uid,
		key: keyOf(meta),
		resourceVersion,
		...(labels && { labels }),
		...(annotations && { annotations }),
		...(deletionTimestamp && { deletionTimestamp }),
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
	 * The version of the Secret, if an earlier run of JASM served this request: the Secret carries the hash of the
	 * same spec, no other client has set data of it since, and every pod began to ask before it was written. A pod
	 * that this run saw begin to ask (after `leadingSince`, monotonic) is served by this run.
	 */
	recall(key: Key, { effective, requesters }: KeyRequests, leadingSince: number): string | undefined {
		const live = this.#byKey.get(key);
		if (!live || live.deletionTimestamp || live.edited) {
			return undefined;
		}

		if (live.annotations?.[SPEC_HASH_ANNOTATION] !== specHash(effective.sync)) {
			return undefined;
		}

		const pods = requesters.filter(({ sync }) => sameRequest(sync, effective.sync)).map(({ pod }) => pod);
		// A pod is usually served within the second of its creation: the same second counts as before.
		const served = pods.every(pod => pod.seenAt <= leadingSince && pod.askedAt <= live.writtenAt);
		return served ? live.resourceVersion : undefined;
	}
}

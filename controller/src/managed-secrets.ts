// Profile self-heal: what is kept of the Secrets that JASM manages, and what of them need not be read again.
import { FIELD_MANAGER, SPEC_HASH_ANNOTATION, specHash } from './desired-secret.ts';
import type { ObjectMeta } from './kubernetes/types.ts';
import type { Request } from './requests.ts';
import { type Key, keyOf } from './runtime/object-ref.ts';
import { Teller } from './tell.ts';

/** Metadata of one live Secret that carries JASM's label; never its data. */
export type ManagedSecret = {
	readonly uid: string;
	readonly key: Key;
	readonly resourceVersion: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	/** When JASM last changed its content, in milliseconds since the epoch; 0 where that is not recorded. */
	readonly writtenAt: number;
};

type ManagedChange = {
	readonly before?: ManagedSecret | undefined;
	readonly after?: ManagedSecret | undefined;
};

export function toManagedSecret(meta: ObjectMeta): ManagedSecret {
	const written = (meta.managedFields ?? [])
		.filter(({ manager }) => manager === FIELD_MANAGER)
		.map(({ time }) => (time === undefined ? 0 : Date.parse(time)));
	return {
		uid: meta.uid,
		key: keyOf(meta),
		resourceVersion: meta.resourceVersion,
		labels: meta.labels ?? {},
		annotations: meta.annotations ?? {},
		writtenAt: Math.max(0, ...written),
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
	 * spec, and was written after every pod that asks was created. Such pods count as told.
	 */
	recall(key: Key, { winner, requesters }: Request): ManagedSecret | undefined {
		const live = this.#byKey.get(key);
		if (live === undefined || live.annotations[SPEC_HASH_ANNOTATION] !== specHash(winner.sync)) {
			return undefined;
		}

		// Both times are of whole seconds: within the same one the value is at most a second older than the pod.
		if (requesters.some(({ pod }) => pod.createdAt > live.writtenAt)) {
			return undefined;
		}

		for (const requester of requesters) {
			Teller.assumeTold(requester);
		}

		return live;
	}
}

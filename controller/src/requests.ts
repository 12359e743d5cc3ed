// Which live pods ask for which Secret: parses each annotation once, elects the newest pod on disagreement.
import { parseAnnotation, type SecretSync } from './annotation.ts';
import { JasmError } from './errors.ts';
import { type PodRecord, samePod } from './pod-secrets.ts';
import { Crowd, Requester, sameRequest } from './requesters.ts';
import { type Key, keyOf } from './runtime/object-ref.ts';

export type { Requester } from './requesters.ts';

/** Who asks for one Secret; there is always a winner. */
export type Request = {
	/** The newest pod (by creation, then uid): what it asks for is what is written. */
	readonly winner: Requester;
	/** All of them, the winner included, in no order. */
	readonly requesters: readonly Requester[];
	/** Those that ask for something else than the winner. */
	readonly losers: readonly Requester[];
};

export type InvalidPod = { readonly pod: PodRecord; readonly error: JasmError };

export type PodChange = { readonly before?: PodRecord | undefined; readonly after?: PodRecord | undefined };

export type RequestsChange = {
	/** Keys whose winning request changed, that have a new requester, or that nobody asks for any more. */
	readonly changed: readonly Key[];
	/** Set where the annotation of `after` is refused; all keys it asked for before are then withdrawn. */
	readonly invalid?: InvalidPod;
};

/** An annotation text with what it says; shared by all pods that carry it. */
type Parsed = {
	readonly text: string;
	readonly syncs: readonly SecretSync[];
	readonly error?: JasmError;
	pods: number;
};

const NO_CHANGE: RequestsChange = Object.freeze({ changed: Object.freeze([]) });

/** Synchronous, and told every change of a pod exactly once: `before` is what was given as `after` last. */
export class Requests {
	readonly #parsed = new Map<string, Parsed>();
	/** A lone requester stands for itself: most Secrets have one, and a Crowd costs ten times as much. */
	readonly #byKey = new Map<Key, Requester | Crowd>();
	readonly #invalid = new Map<Key, InvalidPod>();

	/** The number of Secrets that are asked for. */
	get size(): number {
		return this.#byKey.size;
	}

	keys(): Iterable<Key> {
		return this.#byKey.keys();
	}

	of(key: Key): Request | undefined {
		const entry = this.#byKey.get(key);
		if (entry === undefined) {
			return undefined;
		}

		return entry instanceof Crowd
			? { winner: entry.winner, requesters: entry.values(), losers: entry.losers() }
			: { winner: entry, requesters: [entry], losers: [] };
	}

	/** The winner alone, without a list of the others. */
	winnerOf(key: Key): Requester | undefined {
		const entry = this.#byKey.get(key);
		return entry instanceof Crowd ? entry.winner : entry;
	}

	/** Live pods whose annotation is refused. */
	invalidPods(): Iterable<InvalidPod> {
		return this.#invalid.values();
	}

	/** The refused annotation of a live pod, by the pod's key. */
	invalid(podKey: Key): InvalidPod | undefined {
		return this.#invalid.get(podKey);
	}

	/** An equal annotation text that is held already, or the one given. */
	intern(text: string): string {
		return this.#parsed.get(text)?.text ?? text;
	}

	/** A pod appeared (no `before`), changed, or is gone (no `after`). */
	update({ before, after }: PodChange): RequestsChange {
		if (samePod(before, after)) {
			return NO_CHANGE;
		}

		// The new text is held before the old one is released: often they are one.
		const parsed = after && this.#hold(after.annotation);
		const withdrawn = new Map((before ? this.#release(before) : []).map(sync => [sync.secretName, sync]));
		const changed = new Set<Key>();
		if (after && parsed) {
			for (const sync of parsed.syncs) {
				const key = keyOf({ namespace: after.namespace, name: sync.secretName });
				if (before?.uid === after.uid && withdrawn.delete(sync.secretName)) {
					this.#replace(key, after, sync, changed);
				} else {
					this.#add(key, new Requester(after, sync));
					changed.add(key);
				}
			}
		}

		for (const name of withdrawn.keys()) {
			const key = keyOf({ namespace: before!.namespace, name });
			this.#change(key, changed, () => this.#remove(key, before!.uid));
		}

		if (!after || !parsed?.error) {
			return { changed: [...changed] };
		}

		const invalid = { pod: after, error: parsed.error };
		this.#invalid.set(keyOf(after), invalid);
		return { changed: [...changed], invalid };
	}

	#hold(text: string): Parsed {
		let parsed = this.#parsed.get(text);
		if (parsed === undefined) {
			parsed = { text, ...parse(text), pods: 0 };
			this.#parsed.set(text, parsed);
		}

		parsed.pods++;
		return parsed;
	}

	/** Forgets a pod's annotation and says what it asked for. */
	#release(pod: PodRecord): readonly SecretSync[] {
		if (this.#invalid.get(keyOf(pod))?.pod.uid === pod.uid) {
			this.#invalid.delete(keyOf(pod));
		}

		const parsed = this.#parsed.get(pod.annotation);
		if (parsed !== undefined && --parsed.pods === 0) {
			this.#parsed.delete(pod.annotation);
		}

		return (parsed ?? parse(pod.annotation)).syncs;
	}

	/** The pod asked for this Secret before and does so still, perhaps in another way. */
	#replace(key: Key, pod: PodRecord, sync: SecretSync, changed: Set<Key>): void {
		const entry = this.#byKey.get(key);
		const previous = entry instanceof Crowd ? entry.get(pod.uid) : entry;
		const same = previous !== undefined && sameRequest(previous.sync, sync);
		this.#change(key, changed, () => {
			this.#remove(key, pod.uid);
			this.#add(key, same ? previous.renewed(pod, sync) : new Requester(pod, sync));
		});
		if (!same) {
			changed.add(key);
		}
	}

	/** Does `work` and notes the key where the winning request is another one afterwards. */
	#change(key: Key, changed: Set<Key>, work: () => void): void {
		const before = this.#byKey.get(key)?.sync;
		work();
		const after = this.#byKey.get(key)?.sync;
		if (before && !(after && sameRequest(before, after))) {
			changed.add(key);
		}
	}

	#add(key: Key, requester: Requester): void {
		const entry = this.#byKey.get(key);
		if (entry === undefined) {
			this.#byKey.set(key, requester);
			return;
		}

		const crowd = entry instanceof Crowd ? entry : new Crowd(entry);
		crowd.add(requester);
		this.#byKey.set(key, crowd);
	}

	#remove(key: Key, uid: string): void {
		const entry = this.#byKey.get(key);
		if (entry instanceof Crowd) {
			entry.remove(uid);
			if (entry.size === 1) {
				this.#byKey.set(key, entry.winner);
			}
		} else if (entry?.pod.uid === uid) {
			this.#byKey.delete(key);
		}
	}
}

function parse(text: string): Pick<Parsed, 'syncs' | 'error'> {
	try {
		return { syncs: parseAnnotation(text) };
	} catch (error) {
		if (error instanceof JasmError) {
			return { syncs: [], error };
		}

		throw error;
	}
}

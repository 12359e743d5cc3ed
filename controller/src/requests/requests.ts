// Which live pods ask for which Secret: parses each annotation once; where pods disagree, the newest one wins.
//
// This folder knows what pods want and nothing of how it is done. Read annotation.ts first (the text), then
// pod-record.ts (the pod), requesters.ts (the pods of one Secret), and this file (all of them).
// It may import errors.ts, util/ and types of kubernetes/ and runtime/; no I/O, no clock.

import { JasmError } from '../errors.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';
import { parseAnnotation, type SecretSync } from './annotation.ts';
import { type PodRecord, samePod } from './pod-record.ts';
import { RequesterSet, SecretRequest, sameRequest } from './requesters.ts';

export type { SecretRequest } from './requesters.ts';

/** The requests for one Secret; there is always a winner. */
export type KeyRequests = {
	/** The request of the newest pod: JASM writes what it asks for. */
	readonly effective: SecretRequest;
	/** All requests, the winner included, in no order. */
	readonly requesters: readonly SecretRequest[];
	/** The requests that differ from the winner. */
	readonly conflicting: readonly SecretRequest[];
};

export type InvalidPod = { readonly pod: PodRecord; readonly error: JasmError };

export type PodChange = { readonly before?: PodRecord | undefined; readonly after?: PodRecord | undefined };

export type RequestsChange = {
	/** Keys with another winning request or a new request, and keys that no pod asks for any more. */
	readonly changed: readonly Key[];
	/** Set if the annotation of `after` is refused; its earlier requests are then withdrawn. */
	readonly invalid?: InvalidPod;
};

/** An annotation and what it asks for; shared by all pods that carry it. */
type Parsed = {
	readonly text: string;
	readonly syncs: readonly SecretSync[];
	readonly error?: JasmError;
	pods: number;
};

const NO_CHANGE: RequestsChange = Object.freeze({ changed: Object.freeze([]) });

/** Synchronous. It must see every change of a pod exactly once: `before` is the last `after` of the pod. */
export class Requests {
	readonly #parsed = new Map<string, Parsed>();
	/** A single request stands for itself: most Secrets have one, and a RequesterSet costs ten times as much. */
	readonly #byKey = new Map<Key, SecretRequest | RequesterSet>();
	readonly #invalid = new Map<Key, InvalidPod>();

	/** The number of Secrets that pods ask for. */
	get size(): number {
		return this.#byKey.size;
	}

	keys(): Iterable<Key> {
		return this.#byKey.keys();
	}

	of(key: Key): KeyRequests | undefined {
		const entry = this.#byKey.get(key);
		if (entry === undefined) {
			return undefined;
		}

		return entry instanceof RequesterSet
			? { effective: entry.effective, requesters: entry.values(), conflicting: entry.conflicting() }
			: { effective: entry, requesters: [entry], conflicting: [] };
	}

	/** Only the winner, without a list of the others. */
	effectiveOf(key: Key): SecretRequest | undefined {
		const entry = this.#byKey.get(key);
		return entry instanceof RequesterSet ? entry.effective : entry;
	}

	/** Whether a pod that asks as the winner does wants the Secret to follow its source. */
	followsSource(key: Key): boolean {
		const entry = this.#byKey.get(key);
		return entry instanceof RequesterSet
			? entry.values().some(each => each.sync.onChange !== 'ignore' && each.agreesWith(entry.effective))
			: entry !== undefined && entry.sync.onChange !== 'ignore';
	}

	/** The Secrets for whose changes the pod's workload is to be restarted. */
	restartsFor({ annotation, namespace }: Pick<PodRecord, 'annotation' | 'namespace'>): Key[] {
		return (this.#parsed.get(annotation)?.syncs ?? [])
			.filter(({ onChange }) => onChange === 'restart')
			.map(({ secretName: name }) => keyOf({ namespace, name }));
	}

	/** Live pods whose annotation is refused. */
	invalidPods(): Iterable<InvalidPod> {
		return this.#invalid.values();
	}

	/** The refused annotation of a live pod, by the pod's key. */
	invalid(podKey: Key): InvalidPod | undefined {
		return this.#invalid.get(podKey);
	}

	/** The Secrets that a live pod asks for; undefined where its annotation is refused or the pod is not known. */
	keysOf({ annotation, namespace }: PodRecord): Key[] | undefined {
		const parsed = this.#parsed.get(annotation);
		return parsed === undefined || parsed.error
			? undefined
			: parsed.syncs.map(({ secretName: name }) => keyOf({ namespace, name }));
	}

	/** An equal annotation text that is already held, or the given one. */
	intern(text: string): string {
		return this.#parsed.get(text)?.text ?? text;
	}

	/** A pod appeared (no `before`), changed, or is gone (no `after`). */
	update({ before, after }: PodChange): RequestsChange {
		if (samePod(before, after)) {
			return NO_CHANGE;
		}

		// The new text is held before the old one is released: often they are equal.
		const parsed = after && this.#hold(after.annotation);
		const withdrawn = new Map((before ? this.#release(before) : []).map(sync => [sync.secretName, sync]));
		const changed = new Set<Key>();
		if (after && parsed) {
			for (const sync of parsed.syncs) {
				const key = keyOf({ namespace: after.namespace, name: sync.secretName });
				if (before?.uid === after.uid && withdrawn.delete(sync.secretName)) {
					this.#replace(key, after, sync, changed);
				} else {
					this.#add(key, new SecretRequest(after, sync));
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

	/** Forgets a pod's annotation and returns its requests. */
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

	/** The pod asked for this Secret before and still does, perhaps in another way. */
	#replace(key: Key, pod: PodRecord, sync: SecretSync, changed: Set<Key>): void {
		const entry = this.#byKey.get(key);
		const previous = entry instanceof RequesterSet ? entry.get(pod.uid) : entry;
		const same = previous !== undefined && sameRequest(previous.sync, sync);
		this.#change(key, changed, () => {
			this.#remove(key, pod.uid);
			this.#add(key, same ? previous.renew(pod, sync) : new SecretRequest(pod, sync));
		});
		if (!same) {
			changed.add(key);
		}
	}

	/** Does `work`, and notes the key if another request wins afterwards. */
	#change(key: Key, changed: Set<Key>, work: () => void): void {
		const before = this.#byKey.get(key)?.sync;
		work();
		const after = this.#byKey.get(key)?.sync;
		if (before && !(after && sameRequest(before, after))) {
			changed.add(key);
		}
	}

	#add(key: Key, requester: SecretRequest): void {
		const entry = this.#byKey.get(key);
		if (entry === undefined) {
			this.#byKey.set(key, requester);
			return;
		}

		const requesterSet = entry instanceof RequesterSet ? entry : new RequesterSet(entry);
		requesterSet.add(requester);
		this.#byKey.set(key, requesterSet);
	}

	#remove(key: Key, uid: string): void {
		const entry = this.#byKey.get(key);
		if (entry instanceof RequesterSet) {
			entry.remove(uid);
			if (entry.size === 1) {
				this.#byKey.set(key, entry.effective);
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

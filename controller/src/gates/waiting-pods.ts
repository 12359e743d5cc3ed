// The start gate: a pod that asks for it waits until each of its Secrets is fresh. Read this file first (who waits
// for what), then release.ts (when a pod may go, and the request that lets it go) and release-reporter.ts in
// observability/. This folder imports requests/, kubernetes/ and runtime/; it knows no provider and no policy.
// This file is synchronous: it performs no I/O.
import type { JasmError } from '../errors.ts';
import { type PodRecord, waitsForSecrets } from '../requests/pod-record.ts';
import type { SecretRequest } from '../requests/requests.ts';
import { parseStart } from '../requests/start-annotation.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';

export type WaitingPod = {
	/** The newest record: an edited annotation makes it wait for a newer reading. */
	pod: PodRecord;
	/** Monotonic milliseconds at which this pod was first seen waiting. */
	readonly since: number;
	/** Wall-clock milliseconds after which the pod starts without its Secrets; absent: it waits as long as it takes. */
	deadlineAt: number | undefined;
	/** The Secrets that are not fresh for this pod; undefined while its annotation is refused. */
	missing: Set<Key> | undefined;
	/** The last failure since the last success, for the Events of this pod. */
	failure: JasmError | undefined;
	/** The pod was told that it waits. */
	reported: boolean;
	/** The pod was told that its release is refused. */
	refused: boolean;
	/** The value of the start annotation where it cannot be read and the pod was not told yet. */
	unreadable: string | undefined;
	/** A person took the wait away: the annotation is gone or says `at-once`. */
	freedByHand: boolean;
	/** The release was sent: the watch may show its effect before its answer arrives. */
	releasing: boolean;
	/** The watch showed the pod without its wait while the release was under way; the answer may still be lost. */
	effectSeen: boolean;
};

export type WaitingPodsOptions = {
	/** Whether this replica releases pods. */
	readonly leads: () => boolean;
	/** Called with the pod's key when it is to be looked at. Only a leader acts on it. */
	readonly due: (podKey: Key) => void;
	/** The Secrets that a live pod asks for; undefined where its annotation is refused. */
	readonly keysOf: (pod: PodRecord) => readonly Key[] | undefined;
	/** Called when the number of waiting pods changes. */
	readonly onCount: (count: number) => void;
};

/** Nothing is kept of pods that do not wait. */
export class WaitingPods {
	readonly #options: WaitingPodsOptions;
	readonly #byKey = new Map<Key, WaitingPod>();

	constructor(options: WaitingPodsOptions) {
		this.#options = options;
	}

	get size(): number {
		return this.#byKey.size;
	}

	get(podKey: Key): WaitingPod | undefined {
		return this.#byKey.get(podKey);
	}

	keys(): Iterable<Key> {
		return this.#byKey.keys();
	}

	/** A pod appeared (no `before`), changed, or is gone (no `after`). Call it after `Requests.update`. */
	podChanged({ before, after }: { before?: PodRecord | undefined; after?: PodRecord | undefined }): void {
		const podKey = keyOf((after ?? before)!);
		const known = this.#byKey.get(podKey);
		if (after === undefined) {
			if (known?.pod.uid === before!.uid) this.forget(podKey, before!.uid);
			return;
		}
		const wish = parseStart(after.start);
		// To a standby the release of the leader looks like the edit of a person: there is nothing left to do.
		if (known !== undefined && known.pod.uid === after.uid && !wish.waits && this.#options.leads()) {
			// The effect of a release that was sent is no deed of a person.
			if (known.releasing) {
				known.effectSeen = true;
				return;
			}
			known.pod = after;
			known.freedByHand = true;
			this.#options.due(podKey);
			return;
		}
		if (!wish.waits) {
			if (known !== undefined) this.forget(podKey, known.pod.uid);
			return;
		}
		const keys = this.#options.keysOf(after);
		const same = known?.pod.uid === after.uid ? known : undefined;
		const reportedBefore = same?.pod.start === after.start && same?.unreadable === undefined;
		this.#byKey.set(podKey, {
			pod: after,
			since: same?.since ?? after.seenAt,
			deadlineAt: wish.deadlineMs === undefined ? undefined : after.createdAt + wish.deadlineMs,
			missing: keys && new Set(keys),
			failure: undefined,
			reported: same?.reported ?? false,
			refused: same?.refused ?? false,
			unreadable: wish.valid || reportedBefore ? undefined : after.start,
			freedByHand: false,
			releasing: false,
			effectSeen: false,
		});
		this.#options.onCount(this.size);
		this.#options.due(podKey);
	}

	/**
	 * A Secret was written. `fresh`: the requests that the reading is fresh for. A waiting pod that asks for another
	 * source misses the Secret again, also where it was fresh before. What a pod asked for before its annotation was
	 * edited counts no more: the write may have been under way during the edit.
	 */
	written(key: Key, requests: readonly SecretRequest[], fresh: ReadonlySet<SecretRequest>): void {
		for (const request of requests) {
			if (!waitsForSecrets(request.pod)) continue;
			const waiting = this.#waitingOf(request.pod);
			if (waiting?.missing === undefined || waiting.pod !== request.pod) continue;
			if (!fresh.has(request)) {
				if (requests.some(other => fresh.has(other) && !other.agreesWith(request))) waiting.missing.add(key);
				continue;
			}
			waiting.missing.delete(key);
			if (waiting.missing.size === 0) {
				waiting.failure = undefined;
				this.#options.due(keyOf(request.pod));
			}
		}
	}

	/** One of its Secrets could not be written for this pod, or its annotation is refused. */
	failed(pod: PodRecord, error: JasmError): void {
		const waiting = this.#waitingOf(pod);
		if (waiting === undefined) return;
		waiting.failure = error;
		if (!waiting.reported) this.#options.due(keyOf(pod));
	}

	/** The pod is released, gone, or another pod of that name has taken its place. */
	forget(podKey: Key, uid: string): void {
		if (this.#byKey.get(podKey)?.pod.uid === uid) {
			this.#byKey.delete(podKey);
			this.#options.onCount(this.size);
		}
	}

	#waitingOf(pod: PodRecord): WaitingPod | undefined {
		const waiting = this.#byKey.get(keyOf(pod));
		return waiting?.pod.uid === pod.uid ? waiting : undefined;
	}
}

// The live pods that ask for one Secret: the newest wins; the others agree with it or conflict.
import type { SecretSync } from './annotation.ts';
import type { PodRecord } from './pod-record.ts';

export const sameRequest = (a: SecretSync, b: SecretSync): boolean => a === b || a.spec === b.spec;

/** One pod's request for one Secret; the same object as long as the pod asks for the same. */
export class SecretRequest {
	#pod: PodRecord;
	#sync: SecretSync;

	constructor(pod: PodRecord, sync: SecretSync) {
		this.#pod = pod;
		this.#sync = sync;
	}

	get pod(): PodRecord {
		return this.#pod;
	}

	get sync(): SecretSync {
		return this.#sync;
	}

	/** The annotation of the pod changed, this request did not. Call it only while no set holds the request. */
	renew(pod: PodRecord, sync: SecretSync): this {
		this.#pod = pod;
		this.#sync = sync;
		return this;
	}

	/** Replicas share one parsed annotation, so texts are rarely compared. */
	agreesWith(other: SecretRequest): boolean {
		return sameRequest(this.sync, other.sync);
	}

	/** By creation time, which has whole seconds; then by resourceVersion, then by uid. */
	isNewerThan({ pod: other }: SecretRequest): boolean {
		const { pod } = this;
		if (pod.createdAt !== other.createdAt) {
			return pod.createdAt > other.createdAt;
		}

		return pod.version === other.version ? pod.uid > other.uid : pod.version > other.version;
	}
}

/**
 * The requests of two or more pods, by uid. When the winner leaves, the next one is found at once if another
 * request conflicts (what is written may change), otherwise on demand.
 */
export class RequesterSet {
	readonly #byUid = new Map<string, SecretRequest>();
	/** A request, perhaps gone, that equals the winner's; the winner itself if `#effectiveKnown`. */
	#effective: SecretRequest;
	#effectiveKnown = true;
	/** The number of requests that conflict with the winner; 0 while the winner is not known. */
	#conflicts = 0;

	constructor(first: SecretRequest) {
		this.#effective = first;
		this.#byUid.set(first.pod.uid, first);
	}

	get size(): number {
		return this.#byUid.size;
	}

	get effective(): SecretRequest {
		if (!this.#effectiveKnown) {
			this.#elect();
		}

		return this.#effective;
	}

	/** The winner's request, without finding the winner. */
	get sync(): SecretSync {
		return this.#effective.sync;
	}

	get(uid: string): SecretRequest | undefined {
		return this.#byUid.get(uid);
	}

	values(): SecretRequest[] {
		return [...this.#byUid.values()];
	}

	/** The requests that conflict with the winner. */
	conflicting(): SecretRequest[] {
		const { effective } = this;
		return this.#conflicts === 0 ? [] : this.values().filter(requester => !requester.agreesWith(effective));
	}

	add(requester: SecretRequest): void {
		const agrees = requester.agreesWith(this.#effective);
		if (!agrees && !this.#effectiveKnown) {
			this.#elect();
		}

		this.#byUid.set(requester.pod.uid, requester);
		if (!this.#effectiveKnown) {
			return;
		}

		if (!requester.isNewerThan(this.#effective)) {
			this.#conflicts += agrees ? 0 : 1;
			return;
		}

		this.#effective = requester;
		if (!agrees) {
			this.#countConflicts();
		}
	}

	/** Takes a request out; the set must keep at least one. */
	remove(uid: string): void {
		const requester = this.#byUid.get(uid);
		if (requester === undefined) {
			return;
		}

		this.#byUid.delete(uid);
		if (!requester.agreesWith(this.#effective)) {
			this.#conflicts--;
		} else if (requester === this.#effective) {
			this.#effectiveKnown = false;
			if (this.#conflicts > 0) {
				this.#elect();
			}
		}
	}

	#elect(): void {
		this.#effective = this.values().reduce((best, next) => (next.isNewerThan(best) ? next : best));
		this.#effectiveKnown = true;
		this.#countConflicts();
	}

	#countConflicts(): void {
		this.#conflicts = this.values().filter(requester => !requester.agreesWith(this.#effective)).length;
	}
}

// The live pods that ask for one Secret: the newest wins, and who disagrees with it.
import type { SecretSync } from './annotation.ts';
import type { PodRecord } from './pod-secrets.ts';
import { Told } from './told.ts';

export const sameRequest = (a: SecretSync, b: SecretSync): boolean => a === b || a.spec === b.spec;

/** One pod's request for one Secret. */
export class Requester {
	readonly pod: PodRecord;
	readonly sync: SecretSync;
	/** The pod was told that its Secret is there. */
	served = false;
	#told: Told | undefined;

	constructor(pod: PodRecord, sync: SecretSync) {
		this.pod = pod;
		this.sync = sync;
	}

	/** The same request of the same pod, whose record changed: what was told stays told. */
	renewed(pod: PodRecord, sync: SecretSync): Requester {
		const requester = new Requester(pod, sync);
		requester.served = this.served;
		requester.#told = this.#told;
		return requester;
	}

	/** The failures that this pod was told; empty again when what it asks for changes. */
	get told(): Told {
		this.#told ??= new Told();
		return this.#told;
	}

	/** Replicas share one parsed annotation, so this rarely compares texts. */
	agreesWith(other: Requester): boolean {
		return sameRequest(this.sync, other.sync);
	}

	isNewerThan({ pod }: Requester): boolean {
		return this.pod.createdAt === pod.createdAt ? this.pod.uid > pod.uid : this.pod.createdAt > pod.createdAt;
	}
}

/**
 * Two or more requesters, found by uid. The winner is looked for again only when it left: at once while
 * somebody disagrees (its leaving may change what is written), otherwise when it is asked for.
 */
export class Crowd {
	readonly #byUid = new Map<string, Requester>();
	/** Somebody, perhaps gone, with the winner's request; the winner itself where `#winnerKnown`. */
	#winner: Requester;
	#winnerKnown = true;
	/** How many disagree with the winner; 0 where the winner is not known. */
	#dissent = 0;

	constructor(first: Requester) {
		this.#winner = first;
		this.#byUid.set(first.pod.uid, first);
	}

	get size(): number {
		return this.#byUid.size;
	}

	get winner(): Requester {
		if (!this.#winnerKnown) {
			this.#elect();
		}

		return this.#winner;
	}

	/** What the winner asks for, without looking for the winner. */
	get sync(): SecretSync {
		return this.#winner.sync;
	}

	get(uid: string): Requester | undefined {
		return this.#byUid.get(uid);
	}

	values(): Requester[] {
		return [...this.#byUid.values()];
	}

	/** Those who disagree with the winner. */
	losers(): Requester[] {
		const { winner } = this;
		return this.#dissent === 0 ? [] : this.values().filter(requester => !requester.agreesWith(winner));
	}

	add(requester: Requester): void {
		const agrees = requester.agreesWith(this.#winner);
		if (!agrees && !this.#winnerKnown) {
			this.#elect();
		}

		this.#byUid.set(requester.pod.uid, requester);
		if (!this.#winnerKnown) {
			return;
		}

		if (!requester.isNewerThan(this.#winner)) {
			this.#dissent += agrees ? 0 : 1;
			return;
		}

		this.#winner = requester;
		if (!agrees) {
			this.#countDissent();
		}
	}

	/** Takes a requester out; the crowd must keep at least one. */
	remove(uid: string): void {
		const requester = this.#byUid.get(uid);
		if (requester === undefined) {
			return;
		}

		this.#byUid.delete(uid);
		if (!requester.agreesWith(this.#winner)) {
			this.#dissent--;
		} else if (requester === this.#winner) {
			this.#winnerKnown = false;
			if (this.#dissent > 0) {
				this.#elect();
			}
		}
	}

	#elect(): void {
		this.#winner = this.values().reduce((best, next) => (next.isNewerThan(best) ? next : best));
		this.#winnerKnown = true;
		this.#countDissent();
	}

	#countDissent(): void {
		this.#dissent = this.values().filter(requester => !requester.agreesWith(this.#winner)).length;
	}
}

// What JASM read, wrote and reported for one Secret, and what follows from it: run now, wait, or nothing to do.
import type { JasmError } from '../errors.ts';
import type { SecretSync } from '../requests/annotation.ts';
import { waitsForSecrets } from '../requests/pod-record.ts';
import { type SecretRequest, sameRequest } from '../requests/requesters.ts';
import type { KeyRequests } from '../requests/requests.ts';
import type { Key } from '../runtime/object-ref.ts';
import { Reports } from './reports.ts';
import { SourceChanges } from './source-changes.ts';

/** A read serves the pods that appeared at most this many milliseconds after it began. */
export const JOIN_WINDOW_MS = 250;

/** Pods that keep coming cause at most one read in this time, once their Secret exists. */
const REREAD_INTERVAL_MS = 1_000;

/** The same, while one of the pods waits for its Secrets: at most this much is added to its wait. */
const REREAD_FOR_WAITING_MS = 250;

/** A source that could not be read is not read again within this time, whatever the number of new pods. */
const FAILED_INTERVAL_MS = 5_000;

/** A Secret that others keep changing or deleting is restored at most once in this time. */
const CORRECTION_INTERVAL_MS = 10_000;

const NEVER = Number.NEGATIVE_INFINITY;

export type Next = { readonly kind: 'run' | 'idle' } | { readonly kind: 'wait'; readonly ms: number };

/** A write that was sent; its answer may never come. */
export type SentWrite = {
	readonly sentAt: number;
	/** The version of the write before, where it is known. */
	readonly resourceVersion: string | undefined;
	/** It restores what others changed. */
	readonly corrects: boolean;
};

export type CompletedWrite = {
	readonly sent: SentWrite;
	/** When the read of the value began. */
	readonly readAt: number;
	/** The version that the answer names. */
	readonly resourceVersion: string;
	/** The version of the source. */
	readonly version?: string;
	/** The source was read in its version from before a change that it told of. */
	readonly old?: boolean;
};

/** Whom a completed write serves. */
export type Completion = {
	/** Requests whose value was read after they appeared. */
	readonly fresh: readonly SecretRequest[];
	/** Those of them to which no success was reported yet. */
	readonly unreported: readonly SecretRequest[];
};

type ObservedChange = { readonly resourceVersion: string | undefined; readonly at: number };

/** All times are monotonic milliseconds. */
export class SyncState {
	/** What the last write or failure was for; absent while there was none. */
	#sync: SecretSync | undefined;
	/** The last write for `#sync` was answered. A write without an answer leaves the Secret unknown. */
	#done = false;
	/** When the read of the last completed write began. */
	#readAt = NEVER;
	/** When the last completed write was sent. */
	#sentAt = NEVER;
	/** A pod that appears causes no read before this time. */
	#dueAt = 0;
	/** The version of the last write that was answered. */
	#resourceVersion: string | undefined;
	/** Others changed or deleted the Secret after that write. */
	#stale = false;
	/** The last change that the watch reported and that is not known to be JASM's own. */
	#observed: ObservedChange | undefined;
	/** When a change by others was last undone. */
	#correctedAt: number | undefined;
	readonly #reports = new Reports();
	/** Absent where no source tells of changes: then nothing of it is kept. */
	readonly source: SourceChanges | undefined;

	constructor(rereadMs?: number) {
		this.source = rereadMs === undefined ? undefined : new SourceChanges(rereadMs);
	}

	/** The version of the last write that was answered. */
	get resourceVersion(): string | undefined {
		return this.#resourceVersion;
	}

	/** Whether the last write for what is asked now was answered, and no other client has changed the Secret since. */
	isWritten({ effective }: Pick<KeyRequests, 'effective'>): boolean {
		return this.#done && !this.#stale && this.#sync !== undefined && sameRequest(this.#sync, effective.sync);
	}

	/** Whether the Secret is to be read now, later, or not: then everyone who asks was served. */
	next(request: KeyRequests, now: number): Next {
		const pods = this.nextForPods(request, now);
		const dueIn = this.source?.dueIn(now);
		if (dueIn === undefined || pods.kind === 'run') {
			return pods;
		}

		return at(now + Math.min(dueIn, pods.kind === 'wait' ? pods.ms : dueIn), now);
	}

	/** The same, whatever the source told. */
	nextForPods({ effective, requesters }: KeyRequests, now: number): Next {
		this.#reports.keepOnly(requesters);
		if (this.#sync === undefined || !sameRequest(this.#sync, effective.sync)) {
			return { kind: 'run' };
		}

		if (this.#stale) {
			const dueAt = (this.#correctedAt ?? NEVER) + CORRECTION_INTERVAL_MS;
			return at(this.#done ? dueAt : Math.max(dueAt, this.#dueAt), now);
		}

		const unserved = requesters.filter(
			request => sameRequest(request.sync, effective.sync) && !this.#isServed(request),
		);
		if (this.#done && unserved.length === 0) {
			return { kind: 'idle' };
		}

		const hurried = this.#done && unserved.some(({ pod }) => waitsForSecrets(pod));
		return at(hurried ? Math.min(this.#dueAt, this.#readAt + REREAD_FOR_WAITING_MS) : this.#dueAt, now);
	}

	/** Takes over what an earlier run of JASM wrote: the requests it was written for count as served. */
	adopt({ effective, requesters }: KeyRequests, resourceVersion: string): void {
		this.#sync = effective.sync;
		this.#done = true;
		this.#dueAt = NEVER;
		this.#resourceVersion = resourceVersion;
		for (const request of requesters) {
			// A pod that waits needs a value that this run read for it.
			if (sameRequest(request.sync, effective.sync) && !waitsForSecrets(request.pod)) {
				this.#reports.serve(request);
			}
		}
	}

	/** A write leaves JASM: until its answer comes nothing is known of the Secret. */
	writing({ effective }: KeyRequests, now: number): SentWrite {
		this.#wants(effective.sync);
		this.#done = false;
		this.#dueAt = NEVER;
		return { sentAt: now, resourceVersion: this.#resourceVersion, corrects: this.#stale };
	}

	/** `request` is as of now, not as of the read. */
	completed(
		{ effective, requesters }: KeyRequests,
		{ sent, readAt, resourceVersion, version = '', old = false }: CompletedWrite,
	): Completion {
		this.source?.written(version, readAt, old);
		const observed = this.#observed;
		// The watch may report JASM's own write before its answer arrives, and the change of others right after it.
		this.#stale =
			observed !== undefined && observed.at >= sent.sentAt && observed.resourceVersion !== resourceVersion;
		this.#observed = undefined;
		this.#done = true;
		this.#readAt = readAt;
		this.#sentAt = sent.sentAt;
		this.#dueAt = readAt + REREAD_INTERVAL_MS;
		this.#resourceVersion = resourceVersion;
		if (sent.corrects) {
			this.#correctedAt = sent.sentAt;
		}

		const fresh = this.#freshOf({ effective, requesters });
		return { fresh, unreported: fresh.filter(request => this.#reports.serve(request)) };
	}

	/** The requests that appeared early enough for the last completed read. */
	#freshOf({
		effective,
		requesters,
	}: Pick<KeyRequests, 'effective' | 'requesters'>): readonly SecretRequest[] {
		return requesters.filter(
			({ pod, sync }) => sameRequest(sync, effective.sync) && pod.seenAt <= this.#readAt + JOIN_WINDOW_MS,
		);
	}

	/**
	 * A pod that waits is served only by a value that was read after it began to wait, and by a write after that: an
	 * earlier write told nothing to it.
	 */
	#isServed(request: SecretRequest): boolean {
		const { pod } = request;
		const waitedInTime = pod.seenAt <= Math.min(this.#readAt + JOIN_WINDOW_MS, this.#sentAt);
		return this.#reports.isServed(request) && (waitedInTime || !waitsForSecrets(pod));
	}

	/**
	 * The run failed. `readAt` is when it began to read, absent where it did not come to that.
	 * Returns the requests to report the failure to.
	 */
	failed(
		{ effective, requesters }: KeyRequests,
		error: JasmError,
		readAt: number | undefined,
	): readonly SecretRequest[] {
		if (readAt !== undefined && (error.retry !== 'fast' || error.retryAfterMs !== undefined)) {
			this.#wants(effective.sync);
			this.#done = false;
			this.#dueAt = readAt + Math.max(FAILED_INTERVAL_MS, error.retryAfterMs ?? 0);
		}

		if (error.reason === undefined) {
			return [];
		}

		const cause = `${error.code}: ${error.message}`;
		return this.#reports.add(
			requesters.filter(({ sync }) => sameRequest(sync, effective.sync)),
			cause,
		);
	}

	/** What the next write or failure is for. */
	#wants(sync: SecretSync): void {
		if (this.#sync !== undefined && !sameRequest(this.#sync, sync)) {
			this.source?.forgetVersion();
		}

		this.#sync = sync;
	}

	/** Pods disagree about the Secret. Returns the requests to report that to. */
	conflicting({ effective, requesters }: KeyRequests): readonly SecretRequest[] {
		return this.#reports.add(requesters, `conflict: ${effective.sync.spec}`);
	}

	/**
	 * Notes a change of the live Secret (`undefined`: deleted). Returns true unless it is JASM's own last write, so
	 * that the next run reads and writes again.
	 */
	observed(resourceVersion: string | undefined, at: number): boolean {
		if (resourceVersion !== undefined && this.#resourceVersion === resourceVersion) {
			return false;
		}

		this.#observed = { resourceVersion, at };
		// Without an answered write the next run writes anyway, and the change may be JASM's own.
		this.#stale ||= this.#done;
		return true;
	}
}

const at = (dueAt: number, now: number): Next =>
	dueAt > now ? { kind: 'wait', ms: dueAt - now } : { kind: 'run' };

/** The version of the Secret that an earlier run of JASM wrote for this very request, if it still serves it. */
export type Adopt = (key: Key, request: KeyRequests) => string | undefined;

/** The states of all Secrets that live pods ask for. */
export class SyncStates {
	readonly #byKey = new Map<Key, SyncState>();
	readonly #adopt: Adopt;
	readonly #rereadMs: number | undefined;

	/** `rereadMs`: sources tell of changes, and such a change causes at most one read in this time. */
	constructor({
		adopt = () => undefined,
		rereadMs,
	}: { readonly adopt?: Adopt; readonly rereadMs?: number | undefined } = {}) {
		this.#adopt = adopt;
		this.#rereadMs = rereadMs;
	}

	get(key: Key): SyncState | undefined {
		return this.#byKey.get(key);
	}

	/** The state of the key; a new one adopts what an earlier run of JASM wrote. */
	load(key: Key, request: KeyRequests): SyncState {
		let state = this.#byKey.get(key);
		if (state === undefined) {
			state = new SyncState(this.#rereadMs);
			this.#byKey.set(key, state);
			const resourceVersion = this.#adopt(key, request);
			if (resourceVersion !== undefined) {
				state.adopt(request, resourceVersion);
			}
		}

		return state;
	}

	/** No live pod asks for the Secret any more. */
	forget(key: Key): void {
		this.#byKey.delete(key);
	}
}

// What is known of the source of one Secret: its version as written, and a change that the source told of.
//
// A read right after a notice can still return the old version (a replica, a cache). Such a read is no success of
// the new version: the source is read again after growing waits, and the old version is accepted at the end of them.

/** Milliseconds between reads that return the old version. */
const OLD_VERSION_WAITS_MS = [2_000, 4_000, 8_000, 16_000, 30_000] as const;

const NEVER = Number.NEGATIVE_INFINITY;

/** A change of the source that no write has answered yet. */
export type PendingChange = {
	/** Monotonic milliseconds at which JASM heard of it: only a read that begins later shows it for certain. */
	readonly heardAt: number;
	/** When it happened, in wall-clock milliseconds. */
	readonly changedAt: number;
	/** The version that a read returns afterwards, where the source said it. */
	readonly version: string | undefined;
	/** No read because of it before this monotonic millisecond. */
	readonly notBefore: number;
};

/** Times are monotonic milliseconds where nothing else is said. */
export class SourceChanges {
	/** The version of the last write that was answered. */
	#version: string | undefined;
	/** When the last read began, whatever came of it. */
	#readAt = NEVER;
	/** A source that said Retry-After is not read before this time. */
	#retryAt = NEVER;
	#pending: PendingChange | undefined;
	/** The source is to be read without a notice, from then on. */
	#resyncAt: number | undefined;
	/** A read or a write failed after the last write that was answered: then the Secret is written again. */
	#failed = false;
	/** Reads since the notice that returned the old version. */
	#oldReads = 0;
	/** When the newest change that a write answered had happened; wall clock. */
	#answeredAt = NEVER;
	/** How the last change ended: with the old version after the last wait. */
	#acceptedOld = false;
	readonly #rereadMs: number;

	/** `rereadMs`: a notice causes no read sooner than this after the last one. */
	constructor(rereadMs: number) {
		this.#rereadMs = rereadMs;
	}

	get pending(): PendingChange | undefined {
		return this.#pending;
	}

	get readAt(): number {
		return this.#readAt;
	}

	get version(): string | undefined {
		return this.#version;
	}

	get acceptedOld(): boolean {
		return this.#acceptedOld;
	}

	/** Whether this version, or that of a later change, is written already. Says nothing of a failed write. */
	hasAnswered({ version, changedAt }: Pick<PendingChange, 'version' | 'changedAt'>): boolean {
		return version !== undefined && (version === this.#version || changedAt < this.#answeredAt);
	}

	/** The source changed. Of several changes the latest names the version that is waited for. */
	heard(change: PendingChange): void {
		const before = this.#pending;
		if (before === undefined || change.changedAt >= before.changedAt) {
			this.#pending = { ...change, notBefore: Math.max(change.notBefore, before?.notBefore ?? NEVER) };
			this.#oldReads = before !== undefined && before.version === change.version ? this.#oldReads : 0;
		}
	}

	/** The source is to be read from then on, although it told of no change. */
	resync(at: number): void {
		this.#resyncAt ??= at;
	}

	/** A difference that is found now is one of which no notice came. */
	get resyncing(): boolean {
		return this.#resyncAt !== undefined && this.#pending === undefined;
	}

	/** Whether the read was one without a notice and found what is written. A text without a version tells nothing. */
	isUnchanged(version: string): boolean {
		return this.resyncing && !this.#failed && version !== '' && version === this.#version;
	}

	/** What was read is written already. */
	unchanged(readAt: number): void {
		if (this.#resyncAt !== undefined && readAt >= this.#resyncAt) {
			this.#resyncAt = undefined;
		}
	}

	/** Milliseconds until the source has to be read; undefined where there is no reason to. */
	dueIn(now: number): number | undefined {
		const notBefore = Math.min(
			this.#pending?.notBefore ?? Number.POSITIVE_INFINITY,
			this.#resyncAt ?? Number.POSITIVE_INFINITY,
		);
		return Number.isFinite(notBefore)
			? Math.max(0, Math.max(notBefore, this.#retryAt, this.#readAt + this.#rereadMs) - now)
			: undefined;
	}

	/** A read begins. */
	reading(now: number): void {
		this.#readAt = now;
	}

	/** Whether this read returned the version from before the change. The last wait accepts it. */
	isOld(version: string, readAt: number): boolean {
		const pending = this.#pending;
		if (pending?.version === undefined || !this.#isBefore(version, pending.version)) {
			return false;
		}

		const waitMs = OLD_VERSION_WAITS_MS[this.#oldReads];
		if (waitMs === undefined) {
			this.#end(true);
			return false;
		}

		this.#oldReads++;
		this.#pending = { ...pending, notBefore: readAt + waitMs };
		return true;
	}

	/** Any version but the one that was written counts as new, unless versions are numbers. */
	#isBefore(version: string, expected: string): boolean {
		const numbers = [version, expected].every(text => /^\d{1,15}$/.test(text));
		return numbers ? Number(version) < Number(expected) : version === this.#version && version !== expected;
	}

	/** A write of what was read at `readAt` was answered. */
	written(version: string, readAt: number, old: boolean): void {
		this.#version = version;
		this.#retryAt = NEVER;
		this.#failed = false;
		this.unchanged(readAt);
		const pending = this.#pending;
		if (pending !== undefined && !old && (readAt >= pending.heardAt || version === pending.version)) {
			this.#answeredAt = Math.max(this.#answeredAt, pending.changedAt);
			this.#end(false);
		}
	}

	/** The Secret asks for another source: what was known is about the earlier one. */
	forgetVersion(): void {
		this.#version = undefined;
		this.#answeredAt = NEVER;
	}

	/** A read or a write failed; the other side may have asked to be left alone for a while. */
	failed(now: number, retryAfterMs: number | undefined): void {
		this.#failed = true;
		this.#retryAt = retryAfterMs === undefined ? NEVER : now + retryAfterMs;
	}

	#end(acceptedOld: boolean): void {
		this.#pending = undefined;
		this.#oldReads = 0;
		this.#acceptedOld = acceptedOld;
	}
}

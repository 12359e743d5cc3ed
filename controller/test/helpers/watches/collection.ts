// A collection with versions at the other end of a ListWatch: changes, cuts and compaction at a test's word.
import type { Clock } from '../../../src/runtime/clock.ts';
import type { ListWatch, StreamEnd, StreamMessage, Tracked } from '../../../src/runtime/watch/list-watch.ts';

type Stream<T extends Tracked> = {
	readonly sink: (message: StreamMessage<T>) => void;
	readonly end: (end: StreamEnd) => void;
};

export class Collection<T extends Tracked> implements ListWatch<T> {
	readonly objects = new Map<string, T>();
	/** From where each stream was opened, in order. */
	readonly opened: (string | undefined)[] = [];
	/** How the next attempts end before they say anything. */
	readonly refusals: StreamEnd[] = [];
	/** The next first stream ends so, after half of the collection. */
	breakInitial: StreamEnd | undefined;
	lastByteAt = 0;
	readonly #clock: Clock;
	readonly #log: { readonly version: number; readonly message: StreamMessage<T> }[] = [];
	#version = 10;
	#compacted = 0;
	#stream: Stream<T> | undefined;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	get connected(): boolean {
		return this.#stream !== undefined;
	}

	/** Without `progress` the change may be delivered again after a reconnect. */
	put(record: T, progress = true): void {
		this.objects.set(record.uid, record);
		this.#change({ type: 'apply', record }, progress);
	}

	delete(uid: string, progress = true): void {
		if (this.objects.delete(uid)) this.#change({ type: 'delete', uid }, progress);
	}

	bookmark(): void {
		this.#say({ type: 'progress', resourceVersion: String(this.#version) });
	}

	/** Versions up to now can no longer be resumed from. */
	compact(): void {
		this.#version++;
		this.#compacted = this.#version;
	}

	/** Ends the open stream, if there is one. */
	end(end: StreamEnd): void {
		this.#stream?.end(end);
	}

	async open(
		resourceVersion: string | undefined,
		sink: (message: StreamMessage<T>) => void,
		signal: AbortSignal,
	): Promise<StreamEnd> {
		this.opened.push(resourceVersion);
		await this.#clock.sleep(1, signal).catch(() => {});
		if (signal.aborted) return { reason: 'closed' };
		const refusal = this.refusals.shift();
		if (refusal !== undefined) return refusal;
		this.lastByteAt = this.#clock.monotonic();
		if (resourceVersion !== undefined && Number(resourceVersion) < this.#compacted)
			return { reason: 'expired' };
		const { promise, resolve } = Promise.withResolvers<StreamEnd>();
		const stream: Stream<T> = { sink, end: resolve };
		this.#stream = stream;
		signal.addEventListener('abort', () => resolve({ reason: 'closed' }), { once: true });
		if (resourceVersion === undefined) this.#sayAll();
		else
			for (const { version, message } of this.#log) if (version > Number(resourceVersion)) this.#say(message);
		const end = await promise;
		this.#stream = undefined;
		return end;
	}

	#sayAll(): void {
		const records = [...this.objects.values()];
		const half = this.breakInitial === undefined ? records.length : records.length >>> 1;
		for (const record of records.slice(0, half)) this.#say({ type: 'apply', record });
		if (this.breakInitial === undefined) {
			this.#say({ type: 'initial-end', resourceVersion: String(this.#version) });
		} else this.end(this.breakInitial);
		this.breakInitial = undefined;
	}

	#change(message: StreamMessage<T>, progress: boolean): void {
		this.#version++;
		this.#log.push({ version: this.#version, message });
		this.#say(message);
		if (progress) this.bookmark();
	}

	#say(message: StreamMessage<T>): void {
		if (this.#stream === undefined) return;
		this.lastByteAt = this.#clock.monotonic();
		this.#stream.sink(message);
	}
}

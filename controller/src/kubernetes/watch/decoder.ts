// Turns the bytes of one watch into messages, parsing only the lines that can matter; synchronous.
import type { StreamEnd, StreamMessage, Tracked } from '../../runtime/watch/list-watch.ts';
import type { ObjectMeta } from '../types.ts';
import { LineFramer, MalformedError, parseJson, readHead, withoutManagedFields } from './line-scanner.ts';

/** How the collection's objects become records. */
export type RecordOptions<T extends Tracked> = {
	/** An object without these bytes is irrelevant and is not parsed. Undefined: every object is parsed. */
	readonly needle: Buffer | undefined;
	/**
	 * Whether `toRecord` reads the managed fields, which are most of an object's bytes. Default: false; then they are cut
	 * from a line before it is parsed, where that is possible.
	 */
	readonly managedFields?: boolean;
	/** What is kept of an object; undefined when it is irrelevant. */
	readonly toRecord: (meta: ObjectMeta) => T | undefined;
	/** Whether a record of this uid is kept: one that became irrelevant is then deleted. */
	readonly isTracked: (uid: string) => boolean;
};

export type WatchDecoderOptions<T extends Tracked> = RecordOptions<T> & {
	/** The stream begins with the present collection, in no order of resource versions. */
	readonly initial: boolean;
	readonly sink: (message: StreamMessage<T>) => void;
	/** What an ERROR event means. */
	readonly endOf: (status: unknown) => StreamEnd;
};

/** The server ended the stream with an ERROR event. */
export class StreamEnded extends Error {
	override readonly name = 'StreamEnded';
	readonly end: StreamEnd;

	constructor(end: StreamEnd) {
		super('the server ended the stream');
		this.end = end;
	}
}

const INITIAL_END = 'k8s.io/initial-events-end';

type ParsedEvent = { type?: unknown; object?: { metadata?: Partial<ObjectMeta> } };

export class WatchDecoder<T extends Tracked> {
	readonly #options: WatchDecoderOptions<T>;
	readonly #framer = new LineFramer();
	#initial: boolean;
	/** Of the last complete line, where it may be resumed from. */
	#resourceVersion: string | undefined;
	#toldVersion: string | undefined;

	constructor(options: WatchDecoderOptions<T>) {
		this.#options = options;
		this.#initial = options.initial;
	}

	/** Throws StreamEnded or MalformedError; what stood before that was delivered, progress included. */
	push(chunk: Uint8Array): void {
		try {
			this.#framer.push(chunk, line => this.#take(line));
		} finally {
			const resourceVersion = this.#resourceVersion;
			if (resourceVersion !== undefined && resourceVersion !== this.#toldVersion) {
				this.#toldVersion = resourceVersion;
				this.#options.sink({ type: 'progress', resourceVersion });
			}
		}
	}

	#take(line: Buffer): void {
		const { needle, managedFields = false } = this.#options;
		const head = readHead(line);
		if (head?.type === 'DELETED') this.#forget(head.uid);
		else if (
			(head?.type === 'ADDED' || head?.type === 'MODIFIED') &&
			needle !== undefined &&
			line.indexOf(needle) < 0
		) {
			this.#irrelevant(head.type, head.uid);
		} else {
			const short = head && needle && !managedFields ? withoutManagedFields(line, needle) : line;
			this.#takeParsed(parseJson(short, 'a watch event') as ParsedEvent);
			return;
		}
		this.#passed(head.resourceVersion);
	}

	#takeParsed(event: ParsedEvent): void {
		if (event?.type === 'ERROR') throw new StreamEnded(this.#options.endOf(event.object));
		const meta = event?.object?.metadata;
		if (typeof meta?.resourceVersion !== 'string') {
			throw new MalformedError('a watch event has no resourceVersion');
		}
		if (event.type === 'BOOKMARK') {
			this.#bookmark(meta.resourceVersion, meta.annotations);
			return;
		}
		if (typeof meta.uid !== 'string') throw new MalformedError('a watch event has no uid');
		if (event.type === 'DELETED') this.#forget(meta.uid);
		else if (event.type === 'ADDED' || event.type === 'MODIFIED') {
			const record = this.#options.toRecord(meta as ObjectMeta);
			if (record === undefined) this.#irrelevant(event.type, meta.uid);
			else this.#options.sink({ type: 'apply', record });
		} else throw new MalformedError('a watch event has an unknown type');
		this.#passed(meta.resourceVersion);
	}

	#bookmark(resourceVersion: string, annotations: ObjectMeta['annotations']): void {
		if (this.#initial && annotations?.[INITIAL_END] === 'true') {
			this.#initial = false;
			this.#toldVersion = resourceVersion;
			this.#options.sink({ type: 'initial-end', resourceVersion });
		}
		this.#passed(resourceVersion);
	}

	/** An object added by a list in progress needs no deletion: its absence from the list is enough. */
	#irrelevant(type: string, uid: string): void {
		if (!this.#initial || type !== 'ADDED') this.#forget(uid);
	}

	#forget(uid: string): void {
		if (this.#options.isTracked(uid)) this.#options.sink({ type: 'delete', uid });
	}

	#passed(resourceVersion: string): void {
		if (!this.#initial) this.#resourceVersion = resourceVersion;
	}
}

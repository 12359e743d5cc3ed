// Watch streams: initial events, changes from history, bookmarks, and the end of slow or expired readers.

import type { Kind } from '../objects/kinds.ts';
import { type StatusError, tooOldForWatch, versionTooLarge } from '../objects/status.ts';
import {
	bookmarkObject,
	type EventType,
	type Form,
	type StoredObject,
	watchLine,
} from '../objects/stored-object.ts';
import { goJson } from '../wire/encode.ts';
import type { Exchange } from '../wire/exchange.ts';
import type { OpenWatch } from '../wire/faults.ts';
import type { LoggedRequest } from '../wire/request-log.ts';
import type { WatchOptions } from './list-options.ts';
import type { Selection } from './selectors.ts';
import type { Storage, StoreEvent } from './storage.ts';

export type WatchRequest = {
	readonly exchange: Exchange;
	readonly kind: Kind;
	readonly form: Form;
	/** Encodes each object where they are not sent in `form` but as tables. */
	readonly encode?: (object: StoredObject) => Buffer;
	readonly select: Selection;
	readonly options: WatchOptions;
	/** Starts silent. */
	readonly stalled: boolean;
};

const batchBytes = 64 * 1024;
const defaultTimeoutSeconds = 1800;

const errorLine = (error: StatusError): Buffer =>
	Buffer.from(`${goJson({ type: 'ERROR', object: error.body })}\n`);

/** One open stream. It keeps a cursor into the store's history, never a queue of its own. */
class Watch implements OpenWatch {
	readonly kind: Kind;
	readonly request: LoggedRequest;
	readonly #watch: WatchRequest;
	readonly #storage: Storage;
	#initial: readonly StoredObject[] = [];
	#sentInitial = 0;
	#endsInitial = false;
	/** Everything up to this version was sent. */
	#cursor = 0;
	#blocked = false;
	#stalled: boolean;
	#scheduled = false;
	#timer: NodeJS.Timeout | undefined;

	constructor(watch: WatchRequest, storage: Storage) {
		this.kind = watch.kind;
		this.request = watch.exchange.entry;
		this.#watch = watch;
		this.#storage = storage;
		this.#stalled = watch.stalled;
	}

	start(): void {
		const { exchange, options, kind, select } = this.#watch;
		const { resourceVersion = 0, sendInitialEvents } = options;
		const current = this.#storage.resourceVersion;
		exchange.startStream();
		exchange.onDrain(() => {
			this.#blocked = false;
			this.pump();
		});
		if (sendInitialEvents ?? resourceVersion === 0) {
			if (resourceVersion > current) {
				this.#fail(versionTooLarge(resourceVersion, current));
				return;
			}
			this.#initial = this.#storage.list(kind).filter(select);
			this.#endsInitial = sendInitialEvents === true && options.bookmarks;
			this.#cursor = current;
		} else {
			this.#cursor = resourceVersion === 0 ? current : resourceVersion;
			if (!this.#storage.eventsAfter(kind, this.#cursor)) {
				this.#fail(tooOldForWatch());
				return;
			}
		}
		const seconds = options.timeoutSeconds || defaultTimeoutSeconds;
		this.#timer = setTimeout(() => this.end(), seconds * 1000);
		this.#timer.unref();
		exchange.onClose(() => clearTimeout(this.#timer));
		this.pump();
	}

	#fail(error: StatusError): void {
		this.#watch.exchange.write(errorLine(error));
		this.#watch.exchange.end();
	}

	/** Sends what is due after the present synchronous work: a burst of changes becomes one write. */
	schedule(): void {
		if (this.#scheduled) return;
		this.#scheduled = true;
		setImmediate(() => {
			this.#scheduled = false;
			this.pump();
		});
	}

	#write(bytes: Buffer): void {
		if (!this.#watch.exchange.write(bytes)) this.#blocked = true;
	}

	/** Sends until the client's buffer is full or nothing is left. */
	pump(): void {
		const { exchange, kind } = this.#watch;
		while (!this.#blocked && !this.#stalled && !exchange.closed) {
			if (this.#sentInitial < this.#initial.length) {
				this.#write(
					this.#batch(() => {
						const object = this.#initial[this.#sentInitial++];
						return object && this.#line('ADDED', object);
					}),
				);
				continue;
			}
			this.#initial = [];
			this.#sentInitial = 0;
			if (this.#endsInitial) {
				this.#endsInitial = false;
				this.#write(this.#line('BOOKMARK', bookmarkObject(kind, this.#cursor, true)));
				continue;
			}
			const events = this.#storage.eventsAfter(kind, this.#cursor);
			// The reader is slower than history is long.
			if (!events) {
				this.#fail(tooOldForWatch());
				return;
			}
			if (events.length === 0) return;
			let next = 0;
			const bytes = this.#batch(() => {
				while (next < events.length) {
					const event = events[next++]!;
					this.#cursor = event.resourceVersion;
					const line = this.#lineOf(event);
					if (line) return line;
				}
				return undefined;
			});
			if (bytes.length > 0) this.#write(bytes);
		}
	}

	#batch(next: () => Buffer | undefined): Buffer {
		const lines: Buffer[] = [];
		let size = 0;
		for (let line = next(); line; line = next()) {
			lines.push(line);
			size += line.length;
			if (size >= batchBytes) break;
		}
		return lines.length === 1 ? lines[0]! : Buffer.concat(lines, size);
	}

	#line(type: EventType, object: StoredObject): Buffer {
		const { encode, form } = this.#watch;
		return watchLine(type, encode ? encode(object) : object.encode(form));
	}

	/** A change as this watch sees it: entering and leaving a selection are ADDED and DELETED. */
	#lineOf(event: StoreEvent): Buffer | undefined {
		const { select } = this.#watch;
		const before = event.previous !== undefined && select(event.previous);
		const now = event.type !== 'DELETED' && select(event.object);
		if (now) return this.#line(before ? 'MODIFIED' : 'ADDED', event.object);
		if (!before) return undefined;
		const last = event.type === 'DELETED' ? event.object : event.previous!.at(event.resourceVersion);
		return this.#line('DELETED', last);
	}

	/** Sends a bookmark of the present version, where the client wants bookmarks and is up to date. */
	bookmark(): void {
		this.pump();
		const { exchange, options, kind } = this.#watch;
		if (!options.bookmarks || this.#blocked || this.#stalled || exchange.closed || this.#initial.length > 0)
			return;
		this.#cursor = Math.max(this.#cursor, this.#storage.resourceVersion);
		this.#write(this.#line('BOOKMARK', bookmarkObject(kind, this.#cursor, false)));
	}

	stall(): void {
		this.#stalled = true;
	}

	resume(): void {
		this.#stalled = false;
		this.pump();
	}

	end(): void {
		this.#watch.exchange.end();
	}

	inject(line: string): void {
		this.#watch.exchange.write(Buffer.from(line));
	}

	cut(bytes: number): void {
		this.#watch.exchange.cutWithin(bytes);
	}
}

/** All open watches of a server. */
export class Watches {
	readonly #storage: Storage;
	readonly #open = new Set<Watch>();
	readonly #timer: NodeJS.Timeout;

	constructor(storage: Storage, bookmarkIntervalMs: number) {
		this.#storage = storage;
		storage.subscribe(kind => {
			for (const watch of this.#open) if (watch.kind === kind) watch.schedule();
		});
		this.#timer = setInterval(() => this.bookmark(), bookmarkIntervalMs);
		this.#timer.unref();
	}

	get open(): Iterable<OpenWatch> {
		return this.#open;
	}

	start(request: WatchRequest): void {
		const watch = new Watch(request, this.#storage);
		this.#open.add(watch);
		request.exchange.onClose(() => this.#open.delete(watch));
		watch.start();
	}

	/** A bookmark on every open watch that allows them. */
	bookmark(): void {
		for (const watch of this.#open) watch.bookmark();
	}

	close(): void {
		clearInterval(this.#timer);
	}
}

// Lists and watches one collection over a transport: WatchList where the server has it, else LIST + WATCH.
import type { Clock } from '../../runtime/clock.ts';
import type { ListWatch, StreamEnd, StreamMessage, Tracked } from '../../runtime/watch/list-watch.ts';
import { type Answer, errorOf, isAhead, isWatchListUnsupported, statusOf } from '../status.ts';
import type { ObjectMeta } from '../types.ts';
import { type RecordOptions, StreamEnded, WatchDecoder } from './decoder.ts';
import { MalformedError, parseJson } from './line-scanner.ts';
import { type ListHead, ListScanner } from './list-scanner.ts';
import type { WatchRequest, WatchTransport } from './transport.ts';

export type ListWatchOptions<T extends Tracked> = Omit<RecordOptions<T>, 'needle'> & {
	/** See `needleOf`. */
	readonly needle?: Buffer;
	readonly transport: WatchTransport;
	/** The collection, such as `/api/v1/pods`. */
	readonly path: string;
	/** As RBAC names it, such as `pods`. */
	readonly resource: string;
	readonly fieldSelector?: string;
	readonly labelSelector?: string;
	/** Seconds after which the server closes a stream; chosen at random between the two. */
	readonly timeoutSeconds?: { readonly min: number; readonly max: number };
	readonly clock: Clock;
	readonly random: () => number;
	/** Told once, when the server turns out to have no WatchList. */
	readonly onFallback?: () => void;
};

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
/** The first answer to these may need the whole collection read. */
const SLOW_HEADER_MS = 30_000;
const PAGE = 500;

/** A port for the watcher; see `ListWatch`. Remembers for good that a server has no WatchList. */
export function createListWatch<T extends Tracked>(options: ListWatchOptions<T>): ListWatch<T> {
	return new CollectionListWatch(options);
}

type Sink<T extends Tracked> = (message: StreamMessage<T>) => void;
type Refusal = { readonly reason: 'refused'; readonly answer: Answer };
type Verb = 'list' | 'watch';

class CollectionListWatch<T extends Tracked> implements ListWatch<T> {
	readonly #options: ListWatchOptions<T>;
	#lastByteAt = Number.NEGATIVE_INFINITY;
	#watchList = true;
	/** What came after the last version was garbage: resuming from there would bring it again. */
	#mustRestart = false;

	constructor(options: ListWatchOptions<T>) {
		this.#options = options;
	}

	get lastByteAt(): number {
		return this.#lastByteAt;
	}

	async open(from: string | undefined, sink: Sink<T>, signal: AbortSignal): Promise<StreamEnd> {
		if (from !== undefined) {
			// No 410 came: `expired` makes the watcher start at the beginning.
			return this.#mustRestart ? { reason: 'expired' } : this.#watch(from, sink, signal);
		}
		this.#mustRestart = false;
		if (this.#watchList) {
			const end = await this.#stream(
				{ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' },
				SLOW_HEADER_MS,
				sink,
				signal,
			);
			if (end.reason !== 'refused') return end;
			if (!isWatchListUnsupported(end.answer)) return this.#endOf(end.answer, 'watch');
			this.#watchList = false;
			this.#options.onFallback?.();
		}
		const list = await this.#list(sink, signal);
		if ('reason' in list) return list;
		sink({ type: 'initial-end', resourceVersion: list.resourceVersion });
		return this.#watch(list.resourceVersion, sink, signal);
	}

	async #watch(resourceVersion: string, sink: Sink<T>, signal: AbortSignal): Promise<StreamEnd> {
		const end = await this.#stream({ resourceVersion }, undefined, sink, signal);
		return end.reason === 'refused' ? this.#endOf(end.answer, 'watch') : end;
	}

	#stream(
		parameters: Readonly<Record<string, string>>,
		headerTimeoutMs: number | undefined,
		sink: Sink<T>,
		signal: AbortSignal,
	): Promise<StreamEnd | Refusal> {
		const { needle, managedFields, toRecord, isTracked, random } = this.#options;
		const { timeoutSeconds = { min: 300, max: 600 } } = this.#options;
		const { min, max } = timeoutSeconds;
		const decoder = new WatchDecoder({
			needle,
			...(managedFields !== undefined && { managedFields }),
			toRecord,
			isTracked,
			sink,
			initial: 'sendInitialEvents' in parameters,
			endOf: status => {
				const code = statusOf(status)?.code ?? 500;
				return this.#endOf({ status: code, headers: {}, body: status }, 'watch');
			},
		});
		return this.#exchange(
			{
				path: this.#url({
					watch: '1',
					allowWatchBookmarks: 'true',
					timeoutSeconds: String(Math.round(min + (max - min) * random())),
					...parameters,
				}),
				accept: METADATA,
				...(headerTimeoutMs !== undefined && { headerTimeoutMs }),
			},
			chunk => decoder.push(chunk),
			signal,
		);
	}

	/** No resourceVersion: a consistent list; "0" would ignore the limit and answer everything at once. */
	async #list(sink: Sink<T>, signal: AbortSignal): Promise<ListHead | StreamEnd> {
		const { needle, toRecord } = this.#options;
		for (let next: string | undefined = ''; ; ) {
			const scanner = new ListScanner({
				needle,
				onItem(metadata) {
					const meta = metadata as ObjectMeta | undefined;
					if (typeof meta?.uid !== 'string') throw new MalformedError('an item of a list has no uid');
					const record = toRecord(meta);
					if (record !== undefined) sink({ type: 'apply', record });
				},
			});
			const path = this.#url({ limit: String(PAGE), ...(next !== '' && { continue: next }) });
			const end = await this.#exchange(
				{ path, accept: METADATA_LIST, headerTimeoutMs: SLOW_HEADER_MS },
				chunk => scanner.push(chunk),
				signal,
			);
			// An expired `continue` is a 410 too: the list starts again.
			if (end.reason === 'refused') return this.#endOf(end.answer, 'list');
			if (end.reason !== 'closed' || signal.aborted) return end;
			try {
				const head = scanner.finish();
				if (head.continue === undefined) return head;
				next = head.continue;
			} catch (error) {
				return { reason: 'failed', error: error as Error };
			}
		}
	}

	#exchange(
		request: WatchRequest,
		onChunk: (chunk: Uint8Array) => void,
		signal: AbortSignal,
	): Promise<StreamEnd | Refusal> {
		const { clock, transport } = this.#options;
		const refused: Uint8Array[] = [];
		let status = 0;
		let headers: Readonly<Record<string, string>> = {};
		return new Promise(resolve => {
			transport.open(
				request,
				{
					onHeaders: (code, fields) => {
						status = code;
						headers = fields;
					},
					onChunk: chunk => {
						if (status !== 200) {
							refused.push(Uint8Array.from(chunk));
							return;
						}
						// A header alone, or a refusal, says nothing about the collection.
						this.#lastByteAt = clock.monotonic();
						onChunk(chunk);
					},
					onEnd: error => {
						if (signal.aborted) resolve({ reason: 'closed' });
						else if (error instanceof StreamEnded) resolve(error.end);
						else if (status !== 0 && status !== 200) {
							resolve({ reason: 'refused', answer: { status, headers, body: parsed(refused) } });
						} else if (error !== undefined) resolve(this.#failed(error, status === 0));
						else resolve({ reason: 'closed' });
					},
				},
				signal,
			);
		});
	}

	#failed(error: Error, unanswered: boolean): StreamEnd {
		if (error instanceof MalformedError) this.#mustRestart = true;
		return { reason: 'failed', error, ...(unanswered && { unanswered }) };
	}

	#endOf(answer: Answer, verb: Verb): StreamEnd {
		const { resource, clock } = this.#options;
		const status = statusOf(answer.body);
		if (answer.status === 410) return { reason: 'expired' };
		if (isAhead(status, answer.status)) return { reason: 'ahead' };
		const error = errorOf(answer, { doing: `${verb}ing ${resource}`, verb, resource }, clock.now());
		const { retryAfterMs } = error;
		return { reason: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
	}

	#url(parameters: Readonly<Record<string, string>>): string {
		const { path, fieldSelector, labelSelector } = this.#options;
		const query = new URLSearchParams({
			...(fieldSelector !== undefined && { fieldSelector }),
			...(labelSelector !== undefined && { labelSelector }),
			...parameters,
		});
		return `${path}?${query}`;
	}
}

function parsed(chunks: readonly Uint8Array[]): unknown {
	try {
		return parseJson(Buffer.concat(chunks), 'an answer');
	} catch {
		return undefined;
	}
}

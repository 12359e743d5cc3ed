// Splits a metadata list into its items while it arrives and parses only those that can matter; pure.
import { append, MalformedError, parseJson } from './line-scanner.ts';

export type ListHead = { readonly resourceVersion: string; readonly continue?: string };

/** Safe on raw bytes: within a JSON string its quotes would be escaped. The list's own kind ends in `List`. */
const ITEM = Buffer.from('{"kind":"PartialObjectMetadata",');
const LIST = '{"kind":"PartialObjectMetadataList",';
const LIST_END = ']}';
/** A list that does not look as the API server writes it is parsed as a whole, up to this many bytes. */
const MAX_WHOLE = 8 * 1024 * 1024;
const MAX_ITEM = 4 * 1024 * 1024;

type ListScannerOptions = {
	/** An item without these bytes is not parsed. Undefined, or a list that is parsed as a whole: every item is. */
	readonly needle: Buffer | undefined;
	/** Receives the parsed `metadata` of an item, unchecked. */
	readonly onItem: (metadata: unknown) => void;
};

type ParsedList = { metadata?: { resourceVersion?: unknown; continue?: unknown }; items?: unknown };

/** Push the body's chunks, then `finish()`. Throws MalformedError. */
export class ListScanner {
	readonly #needle: Buffer | undefined;
	readonly #onItem: (metadata: unknown) => void;
	#buffer: Buffer = Buffer.alloc(0);
	#length = 0;
	/** Where the delimiter may begin at the earliest. */
	#searchFrom = 0;
	#form: 'unknown' | 'split' | 'whole' = 'unknown';
	#head: ListHead | undefined;

	constructor({ needle, onItem }: ListScannerOptions) {
		this.#needle = needle;
		this.#onItem = onItem;
	}

	push(chunk: Uint8Array): void {
		this.#buffer = append(this.#buffer, this.#length, chunk);
		this.#length += chunk.length;
		if (this.#form === 'unknown' && this.#length >= LIST.length) {
			this.#form = this.#buffer.toString('latin1', 0, LIST.length) === LIST ? 'split' : 'whole';
		}
		if (this.#form === 'split') this.#split();
		if (this.#length > (this.#form === 'split' ? MAX_ITEM : MAX_WHOLE)) {
			const what = this.#form === 'split' ? 'an item of a list' : 'a list';
			throw new MalformedError(`${what} of ${this.#length} bytes without an end`);
		}
	}

	/** After the last chunk: the list's own metadata. */
	finish(): ListHead {
		const rest = this.#buffer.subarray(0, this.#length);
		if (this.#form !== 'split') return this.#takeWhole(parseJson(rest, 'a list') as ParsedList);
		if (this.#head === undefined) return headOf(parseJson(rest, 'a list') as ParsedList);
		const end = rest.lastIndexOf(LIST_END);
		if (end < 0 || rest.subarray(end + LIST_END.length).some(byte => byte > 0x20)) {
			throw new MalformedError('a list ended in the middle');
		}
		this.#takeItem(rest.subarray(0, end));
		return this.#head;
	}

	#split(): void {
		// Only the bytes that are there: what an earlier item left behind them must not be found again.
		const bytes = this.#buffer.subarray(0, this.#length);
		let from = 0;
		for (let to = bytes.indexOf(ITEM, this.#searchFrom); to >= 0; to = bytes.indexOf(ITEM, from + 1)) {
			const piece = bytes.subarray(from, to);
			if (this.#head === undefined) this.#head = headOf(parseJson(closed(piece), 'the head of a list'));
			else this.#takeItem(withoutComma(piece));
			from = to;
		}
		this.#buffer.copyWithin(0, from, this.#length);
		this.#length -= from;
		// The item at the front begins with the delimiter itself.
		this.#searchFrom = Math.max(this.#head === undefined ? 0 : 1, this.#length - ITEM.length + 1);
	}

	#takeItem(item: Buffer): void {
		if (this.#needle !== undefined && item.indexOf(this.#needle) < 0) return;
		this.#onItem((parseJson(item, 'an item of a list') as { metadata?: unknown }).metadata);
	}

	#takeWhole(list: ParsedList): ListHead {
		const head = headOf(list);
		for (const item of Array.isArray(list.items) ? list.items : []) this.#onItem(item?.metadata);
		return head;
	}
}

const closed = (head: Buffer) => Buffer.concat([head, Buffer.from(LIST_END)]);

function withoutComma(piece: Buffer): Buffer {
	let end = piece.length;
	while (end > 0 && piece[end - 1]! <= 0x20) end--;
	if (piece[end - 1] !== 0x2c) throw new MalformedError('the items of a list are not separated by commas');
	return piece.subarray(0, end - 1);
}

function headOf(list: unknown): ListHead {
	const { metadata } = (list ?? {}) as ParsedList;
	const { resourceVersion, continue: next } = metadata ?? {};
	if (typeof resourceVersion !== 'string') throw new MalformedError('a list has no resourceVersion');
	return typeof next === 'string' && next !== '' ? { resourceVersion, continue: next } : { resourceVersion };
}

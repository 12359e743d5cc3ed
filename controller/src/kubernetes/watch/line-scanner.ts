// Reads watch lines and metadata lists from raw bytes and parses only what can matter; pure.

/** Search text that occurs in the bytes of an object exactly when it has this annotation or label key. */
export const needleOf = (key: string): Buffer => Buffer.from(`${JSON.stringify(key)}:`);

/** Search text that occurs in the bytes of every object with an annotation or label key that begins like this. */
export const prefixNeedleOf = (prefix: string): Buffer => Buffer.from(JSON.stringify(prefix).slice(0, -1));

/** What is needed of an object that is not parsed. */
export type LineHead = {
	readonly type: string;
	readonly uid: string;
	readonly resourceVersion: string;
};

/** Enough for type, name, generateName, namespace, uid and resourceVersion of the longest names. */
const HEAD_BYTES = 1_024;
const TYPE = '{"type":"';
const OBJECT = ',"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{';
/** The order in which the API server marshals; nothing else stands before the resourceVersion. */
const FIELDS = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion'].map(field => ({
	field,
	opening: `"${field}":"`,
}));

/**
 * Type, uid and resourceVersion of a watch line without parsing it; undefined when it does not look exactly
 * as the API server writes a metadata-only event: then parse the whole line.
 */
export function readHead(line: Buffer): LineHead | undefined {
	const head = line.toString('latin1', 0, HEAD_BYTES);
	if (!head.startsWith(TYPE)) return undefined;
	const typeEnd = head.indexOf('"', TYPE.length);
	if (typeEnd < 0 || !head.startsWith(OBJECT, typeEnd + 1)) return undefined;
	const type = head.slice(TYPE.length, typeEnd);
	let at = typeEnd + 1 + OBJECT.length;
	let uid: string | undefined;
	for (const { field, opening } of FIELDS) {
		if (!head.startsWith(opening, at)) continue;
		const from = at + opening.length;
		const to = head.indexOf('"', from);
		if (to < 0) return undefined;
		const value = head.slice(from, to);
		// An escape would end elsewhere and mean something else.
		if (value.includes('\\')) return undefined;
		if (field === 'uid') uid = value;
		if (field === 'resourceVersion') {
			return uid === undefined || uid === '' || value === ''
				? undefined
				: { type, uid, resourceVersion: value };
		}
		if (head[to + 1] !== ',') return undefined;
		at = to + 2;
	}
	return undefined;
}

/** Within a JSON string its quotes would be escaped, and the value of a label or annotation is no list. */
const MANAGED_FIELDS = Buffer.from(',"managedFields":[');
const LINE_END = ']}}}';
const CUT_END = Buffer.from('}}}');

/**
 * A watch line whose head was read, without its managed fields: they come last, are most of its bytes and say
 * nothing that is kept. The line itself where what matters (`needle`) does not stand before them.
 */
export function withoutManagedFields(line: Buffer, needle: Buffer): Buffer {
	const at = line.indexOf(MANAGED_FIELDS);
	if (at < 0 || line.toString('latin1', line.length - LINE_END.length) !== LINE_END) return line;
	const kept = line.subarray(0, at);
	return kept.indexOf(needle) < 0 ? line : Buffer.concat([kept, CUT_END]);
}

/** Parses bytes as JSON; a byte order mark in front is ignored. Throws a message without the content. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
	try {
		return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
	} catch {
		throw new MalformedError(`${what} of ${bytes.length} bytes is not JSON`);
	}
}

/** The bytes are not what an API server sends: start again instead of skipping. */
export class MalformedError extends Error {
	override readonly name = 'MalformedError';
}

export const MAX_LINE = 4 * 1024 * 1024;
/** A carry larger than this is given back once its line is done. */
const MAX_IDLE_CARRY = 256 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/** Cuts chunks into lines. A line is a view: of the chunk where it is whole, of a reused buffer otherwise. */
export class LineFramer {
	readonly #maxLine: number;
	#carry: Buffer = Buffer.alloc(0);
	#length = 0;

	constructor(maxLine = MAX_LINE) {
		this.#maxLine = maxLine;
	}

	/** Calls `onLine` for every line that ends in this chunk; blank lines are left out. Throws MalformedError. */
	push(chunk: Uint8Array, onLine: (line: Buffer) => void): void {
		const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		let from = 0;
		for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
			const rest = bytes.subarray(from, to);
			from = to + 1;
			if (this.#length === 0) emit(rest, onLine);
			else {
				this.#keep(rest);
				const line = this.#carry.subarray(0, this.#length);
				this.#length = 0;
				emit(line, onLine);
				if (this.#carry.length > MAX_IDLE_CARRY) this.#carry = Buffer.alloc(0);
			}
		}
		if (from < bytes.length) this.#keep(bytes.subarray(from));
	}

	/** Bytes of a line that has not ended yet. */
	get pending(): number {
		return this.#length;
	}

	#keep(bytes: Buffer): void {
		const length = this.#length + bytes.length;
		if (length > this.#maxLine) throw new MalformedError(`a line is longer than ${this.#maxLine} bytes`);
		this.#carry = append(this.#carry, this.#length, bytes);
		this.#length = length;
	}
}

function emit(line: Buffer, onLine: (line: Buffer) => void): void {
	const length = line.at(-1) === RETURN ? line.length - 1 : line.length;
	if (length > 0) onLine(length === line.length ? line : line.subarray(0, length));
}

/** Copies `bytes` behind the first `length` of `buffer`, into a larger one where they do not fit. */
export function append(buffer: Buffer, length: number, bytes: Uint8Array): Buffer {
	const needed = length + bytes.length;
	let target = buffer;
	if (needed > buffer.length) {
		// Not from the pool: this lives as long as the stream does.
		target = Buffer.allocUnsafeSlow(Math.max(needed, buffer.length * 2, 16_384));
		buffer.copy(target, 0, 0, length);
	}
	target.set(bytes, length);
	return target;
}

// Reads DER, and BER where others write it (indefinite lengths, texts in pieces): the part that PKCS #12 needs; pure.
import { CertificateFault } from './fault.ts';

export type Der = {
	/** The identifier octet without the bit for "constructed". */
	readonly tag: number;
	/** The content of a primitive element; that of all pieces, joined, where a text is in pieces. */
	readonly bytes: Buffer;
	/** The elements of a constructed one. */
	readonly parts: readonly Der[];
	/** The whole element, as it was written. */
	readonly raw: Buffer;
};

export const TAG = {
	integer: 0x02,
	octets: 0x04,
	oid: 0x06,
	sequence: 0x10,
	set: 0x11,
	context0: 0x80,
} as const;

const MAX_DEPTH = 16;
const CONSTRUCTED = 0x20;

/**
 * The element at the beginning; what follows it is not looked at.
 *
 * @throws CertificateFault
 */
export const readDer = (bytes: Buffer): Der => read(bytes, 0, 0).element;

/** The part of this position and tag. @throws CertificateFault where there is none */
export function part(element: Der, index: number, tag: number): Der {
	const found = element.parts[index];
	if (found?.tag !== tag) {
		throw malformed();
	}

	return found;
}

/** @throws CertificateFault where it is no number that JavaScript can hold, or a negative one */
export function integerOf({ tag, bytes }: Der): number {
	if (tag !== TAG.integer || bytes.length === 0 || bytes.length > 6 || bytes[0]! > 0x7f) {
		throw malformed();
	}

	return bytes.readUIntBE(0, bytes.length);
}

/** Such as 1.2.840.113549.1.7.1. */
export function oidOf({ tag, bytes }: Der): string {
	if (tag !== TAG.oid || bytes.length === 0) {
		throw malformed();
	}

	const numbers: number[] = [];
	let number = 0;
	for (const byte of bytes) {
		number = number * 128 + (byte & 0x7f);
		if (byte < 0x80) {
			numbers.push(number);
			number = 0;
		}
	}

	const [first = 0, ...others] = numbers;
	const top = Math.min(2, Math.floor(first / 40));
	return [top, first - 40 * top, ...others].join('.');
}

export const malformed = (): CertificateFault => new CertificateFault('the PKCS #12 file is malformed');

function read(bytes: Buffer, start: number, depth: number): { readonly element: Der; readonly end: number } {
	const identifier = bytes[start];
	const first = bytes[start + 1];
	if (identifier === undefined || first === undefined || (identifier & 0x1f) === 0x1f || depth > MAX_DEPTH) {
		throw malformed();
	}

	const tag = identifier & ~CONSTRUCTED;
	const constructed = (identifier & CONSTRUCTED) !== 0;
	const lengthOctets = first > 0x80 ? first & 0x7f : 0;
	const from = start + 2 + lengthOctets;
	if (lengthOctets > 4 || from > bytes.length || (first === 0x80 && !constructed)) {
		throw malformed();
	}

	const length = lengthOctets > 0 ? bytes.readUIntBE(start + 2, lengthOctets) : first;
	const end = first === 0x80 ? undefined : from + length;
	if (end !== undefined && end > bytes.length) {
		throw malformed();
	}

	if (!constructed) {
		const raw = bytes.subarray(start, end);
		return { element: { tag, bytes: bytes.subarray(from, end), parts: [], raw }, end: end! };
	}

	const parts: Der[] = [];
	let at = from;
	for (;;) {
		if (end === undefined ? bytes[at] === 0 && bytes[at + 1] === 0 : at >= end) {
			break;
		}

		const next = read(bytes, at, depth + 1);
		parts.push(next.element);
		at = next.end;
	}

	if (end !== undefined && at !== end) {
		throw malformed();
	}

	// Pieces of a text are texts themselves, whatever tag the whole has.
	const pieces = parts.length > 0 && parts.every(piece => piece.tag === TAG.octets);
	const joined = pieces ? Buffer.concat(parts.map(piece => piece.bytes)) : Buffer.alloc(0);
	const next = end ?? at + 2;
	return { element: { tag, bytes: joined, parts, raw: bytes.subarray(start, next) }, end: next };
}

// Writes the values of a Secret as base64 straight into the bytes of the request; pure.
//
// A value can have a megabyte. Each text or buffer in between would be a copy of it, so large values pass through
// one small buffer that is reused.
import { EncodedJson } from '../kubernetes/encoded-json.ts';

/** A value as its source has it: bytes, or text that is written as UTF-8. */
export type Value = Buffer | string;

/** A multiple of three bytes, so that base64 of one part needs no padding before the next. */
const PART_BYTES = 24_576;

const encoder = new TextEncoder();
const scratch = Buffer.alloc(PART_BYTES);

export const byteLength = (value: Value): number => Buffer.byteLength(value);

/** The field `data` of a Secret. Keys are ones that Kubernetes accepts, so that JSON needs no escapes for them. */
export function encodeValues(entries: readonly (readonly [key: string, value: Value])[]): EncodedJson {
	const size = entries.reduce((sum, [key, value]) => sum + key.length + base64Length(value) + 6, 1);
	const target = Buffer.allocUnsafeSlow(Math.max(2, size));
	let at = 0;
	for (const [key, value] of entries) {
		at += target.write(`${at === 0 ? '{' : ','}"${key}":"`, at, 'latin1');
		at = writeBase64(target, at, value);
		at += target.write('"', at, 'latin1');
	}

	at += target.write(at === 0 ? '{}' : '}', at, 'latin1');
	return new EncodedJson([target.subarray(0, at)]);
}

const base64Length = (value: Value): number => 4 * Math.ceil(byteLength(value) / 3);

/** Returns the position behind the value. */
function writeBase64(target: Buffer, at: number, value: Value): number {
	if (typeof value !== 'string' || value.length <= PART_BYTES) {
		return writeBytes(target, at, typeof value === 'string' ? Buffer.from(value) : value);
	}

	let end = at;
	let carried = 0;
	for (let rest = value; rest !== ''; ) {
		const { read, written } = encoder.encodeInto(rest, scratch.subarray(carried));
		rest = rest.slice(read);
		const filled = carried + written;
		carried = rest === '' ? 0 : filled % 3;
		end = writeBytes(target, end, scratch.subarray(0, filled - carried));
		scratch.copyWithin(0, filled - carried, filled);
	}

	scratch.fill(0);
	return end;
}

function writeBytes(target: Buffer, at: number, bytes: Buffer): number {
	let end = at;
	for (let from = 0; from < bytes.length; from += PART_BYTES) {
		end += target.write(bytes.toString('base64', from, from + PART_BYTES), end, 'latin1');
	}

	return end;
}

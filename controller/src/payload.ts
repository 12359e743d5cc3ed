// Turns a provider's payload into the values of a Secret: JSON members with numbers as written; pure.
import { isUtf8 } from 'node:buffer';
import { JasmError } from './errors.ts';
import { printable } from './printable.ts';
import type { SecretValue } from './secret-value.ts';
import { isRawNumber, parseSource } from './source-json.ts';

/** As much as a Secret holds. */
const MAX_JSON_BYTES = 1_048_576;

/** What the requester selects; neither: every member of the JSON object under its own name. */
export type Selection = {
	/** The Secret key that takes the whole payload, byte for byte. */
	readonly key?: string;
	/** Secret key -> source key; only these are taken, and all of them must exist. */
	readonly keys?: ReadonlyMap<string, string>;
};

/**
 * The values to write, by Secret key. Strings are taken as they are, numbers as their source text, booleans as
 * `true` and `false`, `null` as the empty string, objects and arrays as compact JSON whose numbers keep their
 * source text; of duplicate members the last wins. What the provider took apart itself is taken by its parts.
 * Keys are not checked against Kubernetes' rules here.
 *
 * @throws JasmError PAYLOAD_NOT_OBJECT, SOURCE_KEY_MISSING, SECRET_TOO_LARGE; none holds a byte of the payload.
 */
export function payloadToValues(value: SecretValue, { key, keys }: Selection = {}): Map<string, Buffer> {
	if (key !== undefined) {
		return new Map([[key, value.payload()]]);
	}

	const members: ReadonlyMap<string, unknown> = value.parts() ?? membersOf(value);
	if (keys === undefined) {
		return new Map(Array.from(members, ([name, member]) => [name, toBytes(member)]));
	}

	return new Map(
		Array.from(keys, ([secretKey, sourceKey]) => {
			if (!members.has(sourceKey)) {
				throw new JasmError(`source key "${printable(sourceKey, 64)}" is not in the secret`, {
					code: 'SOURCE_KEY_MISSING',
				});
			}

			return [secretKey, toBytes(members.get(sourceKey))];
		}),
	);
}

/** A Map, so that `__proto__` and `constructor` are names like any other. */
function membersOf(value: SecretValue): Map<string, unknown> {
	if (value.binary) {
		throw notAnObject('payload is binary, not a JSON object');
	}

	// Asked before the parser is: hostile text of a megabyte keeps it busy for a second.
	if (value.size > MAX_JSON_BYTES) {
		throw new JasmError(`payload has ${value.size} bytes, at most ${MAX_JSON_BYTES} are read as JSON`, {
			code: 'SECRET_TOO_LARGE',
		});
	}

	const payload = value.payload();
	let document: unknown;
	try {
		// Invalid UTF-8 would be replaced silently: such a payload can only be taken whole.
		document = isUtf8(payload) ? parseSource(payload.toString()) : undefined;
	} catch {
		// The parser's message quotes the payload: it goes nowhere, not even as a cause. Nesting deeper than
		// the stack ends here as well.
	}

	if (typeof document !== 'object' || document === null || Array.isArray(document) || isRawNumber(document)) {
		throw notAnObject('payload is not a JSON object');
	}

	return new Map(Object.entries(document));
}

function toBytes(member: unknown): Buffer {
	return Buffer.isBuffer(member) ? member : Buffer.from(toText(member));
}

function toText(member: unknown): string {
	if (typeof member === 'string') {
		return member;
	}

	if (member === null) {
		return '';
	}

	return isRawNumber(member) ? member.rawJSON : JSON.stringify(member);
}

const notAnObject = (message: string) => new JasmError(message, { code: 'PAYLOAD_NOT_OBJECT' });

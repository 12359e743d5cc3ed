// Turns a provider's payload into the values of a Secret: JSON members with numbers as written; pure.
import { isUtf8 } from 'node:buffer';
import { JasmError } from '../errors.ts';
import type { SecretValue } from '../providers/secret-value.ts';
import type { SecretType } from '../requests/annotation.ts';
import { printable } from '../util/printable.ts';
import { isRawNumber, parseSource } from '../util/source-json.ts';
import type { Value } from './encode-values.ts';
import { certificateParts } from './tls-secret.ts';

/** The size limit of a Secret. */
const MAX_JSON_BYTES = 1_048_576;

/** The part of the payload that is asked for. Default: every member of the JSON object under its own name. */
export type Selection = {
	/** The Secret key that takes the whole payload, byte for byte. */
	readonly key?: string;
	/** Secret key -> source key; only these are taken, and all of them must exist. */
	readonly keys?: ReadonlyMap<string, string>;
	/** The type of the Secret. Default: Opaque. */
	readonly type?: SecretType;
};

/**
 * The values to write, by Secret key. Strings are taken as they are, numbers as their source text, booleans as
 * `true` and `false`, `null` as the empty string, objects and arrays as compact JSON whose numbers keep their
 * source text; of duplicate members the last wins. What the provider took apart itself is taken by its parts, and a
 * certificate with its key by `tls.crt` and `tls.key`. Keys are not checked against Kubernetes' rules here.
 *
 * @throws JasmError PAYLOAD_NOT_OBJECT, PAYLOAD_MALFORMED, SOURCE_EMPTY, SOURCE_KEY_MISSING, SECRET_TOO_LARGE,
 * SECRET_TYPE_INVALID; none holds a byte of the payload.
 */
export function payloadToValues(value: SecretValue, { key, keys, type }: Selection = {}): Map<string, Value> {
	if (key !== undefined) {
		return new Map([[key, wellFormed(value.content(), 'the payload')]]);
	}

	const members: ReadonlyMap<string, unknown> = value.parts() ?? membersOf(value, type);
	if (keys === undefined) {
		// Writing no key would take every value from the pods of a namespace at once: more likely an accident.
		if (members.size === 0) {
			throw new JasmError('the secret has no key', { code: 'SOURCE_EMPTY' });
		}

		return new Map(Array.from(members, ([name, member]) => [name, toValue(name, member)]));
	}

	return new Map(
		Array.from(keys, ([secretKey, sourceKey]) => {
			if (!members.has(sourceKey)) {
				throw new JasmError(`source key "${printable(sourceKey, 64)}" is not in the secret`, {
					code: 'SOURCE_KEY_MISSING',
				});
			}

			return [secretKey, toValue(sourceKey, members.get(sourceKey))];
		}),
	);
}

/** A Map, so that `__proto__` and `constructor` are names like any other. */
function membersOf(value: SecretValue, type?: SecretType): ReadonlyMap<string, unknown> {
	const object = value.object();
	if (object !== undefined) {
		return new Map(Object.entries(object));
	}

	const parts = () => (type === 'kubernetes.io/tls' ? certificateParts(value.content()) : undefined);
	if (value.binary) {
		return (
			parts() ??
			refuse(
				'payload is binary, not a JSON object (of a certificate in PKCS #12 form, type kubernetes.io/tls makes tls.crt and tls.key)',
			)
		);
	}

	// Checked before parsing: hostile text of a megabyte keeps the parser busy for a second.
	if (value.size > MAX_JSON_BYTES) {
		throw new JasmError(`payload has ${value.size} bytes, at most ${MAX_JSON_BYTES} are read as JSON`, {
			code: 'SECRET_TOO_LARGE',
		});
	}

	const payload = value.content();
	let document: unknown;
	try {
		// Decoding would replace invalid UTF-8 silently: such a payload can only be taken whole.
		// Windows tools put a byte order mark before the text, which is no part of it.
		const isText = typeof payload === 'string' || isUtf8(payload);
		document = isText ? parseSource(payload.toString().replace(/^\ufeff/, '')) : undefined;
	} catch {
		// The parser's message quotes the payload: it goes nowhere, not even as a cause. Nesting deeper than
		// the stack ends here as well.
	}

	if (typeof document !== 'object' || document === null || Array.isArray(document) || isRawNumber(document)) {
		return parts() ?? refuse('payload is not a JSON object');
	}

	return new Map(Object.entries(document));
}

function toValue(name: string, member: unknown): Value {
	if (typeof member === 'string' || Buffer.isBuffer(member)) {
		return wellFormed(member, `the value of source key "${printable(name, 64)}"`);
	}

	if (member === null) {
		return '';
	}

	// A nested text with half a character keeps its escape.
	return isRawNumber(member) ? member.rawJSON : JSON.stringify(member);
}

/** Half of a surrogate pair has no bytes: writing it would put another character in its place. */
function wellFormed(value: Value, subject: string): Value {
	if (typeof value === 'string' && !value.isWellFormed()) {
		throw new JasmError(`${subject} holds half a character (a lone surrogate such as \\ud800)`, {
			code: 'PAYLOAD_MALFORMED',
		});
	}

	return value;
}

function refuse(message: string): never {
	throw new JasmError(message, { code: 'PAYLOAD_NOT_OBJECT' });
}

// Builds the Secret that JASM wants to exist from values and the request for them; pure, no clock.
import { createHash } from 'node:crypto';
import type { SecretSync } from './annotation.ts';
import { JasmError } from './errors.ts';
import type { SecretManifest } from './kubernetes/types.ts';
import { isSecretKey } from './kubernetes-names.ts';
import { printable } from './printable.ts';

export { ANNOTATION_KEY } from './annotation.ts';

/** The field manager of every write. */
export const FIELD_MANAGER = 'jasm';

/** The label that makes a Secret JASM's own. */
export const MANAGED_BY = { label: 'app.kubernetes.io/managed-by', value: 'jasm' } as const;

export const PROVIDER_LABEL = 'jasm.codnod.io/provider';
export const SOURCE_PATH_ANNOTATION = 'jasm.codnod.io/source-path';
/** The provider's own version id; never a hash of values, from which a weak one could be guessed. */
export const SOURCE_VERSION_ANNOTATION = 'jasm.codnod.io/source-version';
/** A hash of the request, so that a restarted controller knows what a Secret was made for. */
export const SPEC_HASH_ANNOTATION = 'jasm.codnod.io/spec-hash';

/** Kubernetes' limit for the sum of values; keys and base64 do not count. */
export const MAX_VALUE_BYTES = 1_048_576;
/** With keys of full length the object stays below etcd's 1.5 MiB. */
export const MAX_KEY_COUNT = 1_024;

export type DesiredSecretInput = {
	readonly namespace: string;
	readonly sync: SecretSync;
	/** Secret key -> bytes. */
	readonly values: ReadonlyMap<string, Buffer>;
	/** The provider's version id of the values. */
	readonly version: string;
};

/**
 * The whole Secret, the same for the same input. Throws a JasmError SECRET_TOO_LARGE, SECRET_KEY_INVALID or
 * SECRET_TYPE_INVALID that names keys (escaped and cut) and sizes, never values; nothing is ever left out.
 */
export function desiredSecret({ namespace, sync, values, version }: DesiredSecretInput): SecretManifest {
	checkSize(values);
	const data: Record<string, string> = Object.create(null);
	for (const key of [...values.keys()].sort()) {
		if (!isSecretKey(key)) {
			throw new JasmError(
				`key "${printable(key, 64)}" of the source cannot be a key of a Kubernetes Secret`,
				{ code: 'SECRET_KEY_INVALID' },
			);
		}

		data[key] = values.get(key)!.toString('base64');
	}

	checkType(sync.type, values);
	return {
		namespace,
		name: sync.secretName,
		type: sync.type,
		labels: { [MANAGED_BY.label]: MANAGED_BY.value, [PROVIDER_LABEL]: sync.provider },
		annotations: {
			[SOURCE_PATH_ANNOTATION]: sync.path,
			[SOURCE_VERSION_ANNOTATION]: printable(version),
			[SPEC_HASH_ANNOTATION]: specHash(sync),
		},
		data,
	};
}

/** 32 hexadecimal characters that stand for what the annotation asks for; no value goes into it. */
export const specHash = ({ spec }: SecretSync): string =>
	createHash('sha256').update(spec).digest('hex').slice(0, 32);

function checkSize(values: ReadonlyMap<string, Buffer>): void {
	if (values.size > MAX_KEY_COUNT) {
		throw new JasmError(`the source has ${values.size} keys, at most ${MAX_KEY_COUNT} are written`, {
			code: 'SECRET_TOO_LARGE',
		});
	}

	let bytes = 0;
	for (const value of values.values()) {
		bytes += value.length;
	}

	if (bytes > MAX_VALUE_BYTES) {
		throw new JasmError(`the values have ${bytes} bytes, a Secret holds at most ${MAX_VALUE_BYTES}`, {
			code: 'SECRET_TOO_LARGE',
		});
	}
}

/** What the API server requires of each type, asked before it is asked. */
function checkType(type: SecretSync['type'], values: ReadonlyMap<string, Buffer>): void {
	const demand = missingFor(type, values);
	if (demand !== undefined) {
		throw new JasmError(`type ${type} requires ${demand}`, { code: 'SECRET_TYPE_INVALID' });
	}
}

function missingFor(type: SecretSync['type'], values: ReadonlyMap<string, Buffer>): string | undefined {
	switch (type) {
		case 'kubernetes.io/dockerconfigjson':
			return isJsonObject(values.get('.dockerconfigjson'))
				? undefined
				: 'a JSON object in key ".dockerconfigjson"';
		case 'kubernetes.io/tls':
			return values.has('tls.crt') && values.has('tls.key') ? undefined : 'the keys "tls.crt" and "tls.key"';
		case 'kubernetes.io/basic-auth':
			return values.has('username') || values.has('password')
				? undefined
				: 'the key "username" or "password"';
		case 'kubernetes.io/ssh-auth':
			return values.get('ssh-privatekey')?.length ? undefined : 'a non-empty key "ssh-privatekey"';
		default:
			return undefined;
	}
}

function isJsonObject(value: Buffer | undefined): boolean {
	try {
		const parsed: unknown = JSON.parse(value?.toString('utf8') ?? '');
		return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
	} catch {
		// The error is dropped: its message quotes the value.
		return false;
	}
}

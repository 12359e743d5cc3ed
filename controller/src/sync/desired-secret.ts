// Builds the Secret that JASM wants to exist from values and the request for them; pure, no clock.
import { createHash } from 'node:crypto';
import { JasmError } from '../errors.ts';
import { isSecretKey } from '../kubernetes/names.ts';
import type { SecretManifest } from '../kubernetes/types.ts';
import type { SecretSync } from '../requests/annotation.ts';
import { printable } from '../util/printable.ts';
import { byteLength, encodeValues, type Value } from './encode-values.ts';
import { withOrderedChain } from './tls-secret.ts';

export { ANNOTATION_KEY } from '../requests/annotation.ts';

/** The field manager of every write. */
export const FIELD_MANAGER = 'jasm';

/** The label that marks a Secret as owned by JASM. */
export const MANAGED_BY = { label: 'app.kubernetes.io/managed-by', value: 'jasm' } as const;

export const PROVIDER_LABEL = 'jasm.codnod.io/provider';
export const SOURCE_PATH_ANNOTATION = 'jasm.codnod.io/source-path';
/** The provider's own version id; never a hash of values, from which a weak one could be guessed. */
export const SOURCE_VERSION_ANNOTATION = 'jasm.codnod.io/source-version';
/** A hash of the request: a restarted controller sees what a Secret was written for. */
export const SPEC_HASH_ANNOTATION = 'jasm.codnod.io/spec-hash';

/** Kubernetes' limit for the sum of values; keys and base64 do not count. */
export const MAX_VALUE_BYTES = 1_048_576;
/** With keys of full length the object stays below etcd's 1.5 MiB. */
export const MAX_KEY_COUNT = 1_024;

export type DesiredSecretInput = {
	readonly namespace: string;
	readonly sync: SecretSync;
	/** By Secret key. */
	readonly values: ReadonlyMap<string, Value>;
	/** The provider's version id of the values. */
	readonly version: string;
};

/**
 * The whole Secret, the same for the same input. Throws a JasmError SECRET_TOO_LARGE, SECRET_KEY_INVALID or
 * SECRET_TYPE_INVALID that names keys (escaped and cut) and sizes, never values; nothing is ever left out.
 */
export function desiredSecret({
	namespace,
	sync,
	values: source,
	version,
}: DesiredSecretInput): SecretManifest {
	checkSize(source);
	const values = valuesFor(sync.type, source);
	const entries = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
	for (const [key] of entries) {
		if (!isSecretKey(key)) {
			throw new JasmError(
				`key "${printable(key, 64)}" of the source cannot be a key of a Kubernetes Secret`,
				{ code: 'SECRET_KEY_INVALID' },
			);
		}
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
		data: encodeValues(entries),
	};
}

/** 32 hexadecimal characters that stand for what the annotation asks for; no value goes into it. */
export const specHash = ({ spec }: SecretSync): string =>
	createHash('sha256').update(spec).digest('hex').slice(0, 32);

function checkSize(values: ReadonlyMap<string, Value>): void {
	if (values.size > MAX_KEY_COUNT) {
		throw new JasmError(`the source has ${values.size} keys, at most ${MAX_KEY_COUNT} are written`, {
			code: 'SECRET_TOO_LARGE',
		});
	}

	let bytes = 0;
	for (const value of values.values()) {
		bytes += byteLength(value);
	}

	if (bytes > MAX_VALUE_BYTES) {
		throw new JasmError(`the values have ${bytes} bytes, a Secret holds at most ${MAX_VALUE_BYTES}`, {
			code: 'SECRET_TOO_LARGE',
		});
	}
}

/** The rules of the API server for each type, checked before the request. */
function checkType(type: SecretSync['type'], values: ReadonlyMap<string, Value>): void {
	const demand = missingFor(type, values);
	if (demand !== undefined) {
		throw new JasmError(`type ${type} requires ${demand}`, { code: 'SECRET_TYPE_INVALID' });
	}
}

function missingFor(type: SecretSync['type'], values: ReadonlyMap<string, Value>): string | undefined {
	switch (type) {
		case 'kubernetes.io/dockerconfigjson':
			return isJsonObject(values.get('.dockerconfigjson'))
				? undefined
				: 'a JSON object in key ".dockerconfigjson" (if the secret is the whole document, add `key: .dockerconfigjson`)';
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

/** The values in the form that the type needs. */
function valuesFor(type: SecretSync['type'], source: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
	if (type === 'kubernetes.io/tls') {
		return withOrderedChain(source);
	}

	const config = source.get(DOCKER_CONFIG);
	// Windows tools put a byte order mark before JSON, which neither the API server nor the kubelet reads.
	return type === 'kubernetes.io/dockerconfigjson' && config?.toString().startsWith('\ufeff')
		? new Map([...source, [DOCKER_CONFIG, config.toString().slice(1)]])
		: source;
}

const DOCKER_CONFIG = '.dockerconfigjson';

function isJsonObject(value: Value | undefined): boolean {
	try {
		const parsed: unknown = JSON.parse(value?.toString().replace(/^\ufeff/, '') ?? '');
		return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
	} catch {
		// The error is dropped: its message quotes the value.
		return false;
	}
}

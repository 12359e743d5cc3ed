// Turns the text of a pod's annotation into the Secrets that it asks for. Pure.
import { JasmError } from '../errors.ts';
import { isLabelValue, isSecretKey, isSecretName } from '../kubernetes/names.ts';
import { nearestName } from '../util/nearest-name.ts';
import { printable } from '../util/printable.ts';
import { parseStrictYaml, YamlFault } from '../util/strict-yaml.ts';

/** The annotation by which a pod asks for Secrets. */
export const ANNOTATION_KEY = 'jasm.codnod.io/secret-sync';

/** Size limit of the annotation in UTF-8 bytes, checked before parsing. */
export const MAX_ANNOTATION_BYTES = 8_192;
const MAX_DEPTH = 6;
const MAX_KEYS = 256;
const MAX_PATH_LENGTH = 2_048;
const MAX_VERSION_LENGTH = 256;

/** Types that carry no right and no token of the cluster; all others are refused. */
export const SECRET_TYPES = [
	'Opaque',
	'kubernetes.io/dockerconfigjson',
	'kubernetes.io/tls',
	'kubernetes.io/basic-auth',
	'kubernetes.io/ssh-auth',
] as const;

export type SecretType = (typeof SECRET_TYPES)[number];

const FIELDS = ['provider', 'path', 'secretName', 'keys', 'key', 'version', 'type', 'onChange'];

/** What follows a change of the source while the pod runs. */
const ON_CHANGE = ['update', 'restart', 'ignore'];

/** One secret that a pod asks for; immutable. */
export type SecretSync = {
	/** A provider that the operator configured, by name. */
	readonly provider: string;
	readonly path: string;
	/** The Secret to write, in the pod's namespace. */
	readonly secretName: string;
	/** Secret key -> source key; only these are written. Absent: all keys of the source. */
	readonly keys?: ReadonlyMap<string, string>;
	/** The Secret key under which the whole payload is written; excludes `keys`. */
	readonly key?: string;
	/** A pinned version or stage of the source. */
	readonly version?: string;
	readonly type: SecretType;
	/**
	 * `ignore`: the Secret does not follow the source for this pod. `restart`: it does, and the pod's workload is to be
	 * restarted. Without it the Secret follows.
	 */
	readonly onChange?: 'ignore' | 'restart';
	/** All fields but `secretName` and `onChange` as one text: two requests for one Secret agree where these are equal. */
	readonly spec: string;
};

/** A class, so that `spec` is computed: ten thousand syncs do not hold ten thousand texts. */
class ParsedSync implements SecretSync {
	readonly provider: string;
	readonly path: string;
	readonly secretName: string;
	readonly type: SecretType;
	declare readonly keys?: ReadonlyMap<string, string>;
	declare readonly key?: string;
	declare readonly version?: string;
	declare readonly onChange?: 'ignore' | 'restart';

	constructor(fields: Omit<SecretSync, 'spec'>) {
		this.provider = fields.provider;
		this.path = fields.path;
		this.secretName = fields.secretName;
		this.type = fields.type;
		Object.assign(this, {
			...(fields.keys && { keys: fields.keys }),
			...(fields.key && { key: fields.key }),
			...(fields.version && { version: fields.version }),
			...(fields.onChange && { onChange: fields.onChange }),
		});
		Object.freeze(this);
	}

	get spec(): string {
		const keys = this.keys && [...this.keys].sort(([a], [b]) => (a < b ? -1 : 1));
		return JSON.stringify([this.provider, this.path, this.version, this.type, this.key, keys]);
	}
}

/**
 * Parses the annotation's text: one mapping or a list of them. Throws only a JasmError ANNOTATION_INVALID.
 *
 * @example
 * ```ts
 * import { parseAnnotation } from '@jasm/controller';
 *
 * const [request] = parseAnnotation('{provider: vault, path: prod/db, secretName: db}');
 * console.log(request?.secretName, request?.type); // db Opaque
 * ```
 */
export function parseAnnotation(text: string): readonly SecretSync[] {
	if (text === '') {
		throw invalid('annotation value is empty');
	}

	// A character has at least one byte: a text that is too long needs no count.
	if (text.length > MAX_ANNOTATION_BYTES || Buffer.byteLength(text) > MAX_ANNOTATION_BYTES) {
		throw invalid(`annotation is larger than ${MAX_ANNOTATION_BYTES} bytes`);
	}

	const node = parseYaml(text) ?? new Map();
	if (!Array.isArray(node)) {
		return Object.freeze([toSync(node, '')]);
	}

	if (node.length === 0) {
		throw invalid('annotation lists nothing');
	}

	const syncs = node.map((item, index) => toSync(item, `item ${index + 1}: `));
	const names = new Set<string>();
	for (const { secretName } of syncs) {
		if (names.has(secretName)) {
			throw invalid(`secretName ${quote(secretName)} is listed twice`);
		}

		names.add(secretName);
	}

	return Object.freeze(syncs);
}

function parseYaml(text: string): unknown {
	try {
		return parseStrictYaml(text, { maxDepth: MAX_DEPTH });
	} catch (error) {
		// Only the position and a fixed reason: the message of the parser can quote the annotation.
		const fault = error instanceof YamlFault ? error.message : 'syntax error';
		throw invalid(`failed to parse annotation YAML: ${fault}`);
	}
}

function toSync(node: unknown, where: string): SecretSync {
	if (!(node instanceof Map)) {
		const expected = where === '' ? 'a mapping or a list of mappings' : 'a mapping';
		throw invalid(`failed to parse annotation YAML: ${where}expected ${expected}`);
	}

	try {
		return fieldsOf(node);
	} catch (error) {
		throw error instanceof JasmError && where !== '' ? invalid(`${where}${error.message}`) : error;
	}
}

function fieldsOf(node: ReadonlyMap<unknown, unknown>): SecretSync {
	for (const name of node.keys()) {
		if (typeof name !== 'string' || !FIELDS.includes(name)) {
			throw invalid(unknownField(typeof name === 'string' ? name : ''));
		}
	}

	const provider = requiredText(node, 'provider');
	const path = requiredText(node, 'path');
	const secretName = requiredText(node, 'secretName');
	const keys = keysOf(node.get('keys'));
	const key = textOf(node, 'key');
	const version = textOf(node, 'version');
	const type = textOf(node, 'type') || 'Opaque';
	const onChange = textOf(node, 'onChange');

	if (!isLabelValue(provider)) {
		throw invalid(`provider ${quote(provider)} is not a name of letters, digits, "-", "_" and "."`);
	}

	checkPlain('path', path, MAX_PATH_LENGTH);
	checkPlain('version', version, MAX_VERSION_LENGTH);
	if (!isSecretName(secretName)) {
		throw invalid(
			`secretName ${quote(secretName)} is not a DNS-1123 subdomain ` +
				'(lower-case letters, digits, "-" and ".", at most 253 characters)',
		);
	}

	if (key !== '' && keys !== undefined) {
		throw invalid('key and keys exclude each other');
	}

	if (key !== '') {
		checkSecretKey('key', key);
	}

	if (!isSecretType(type)) {
		throw invalid(`type ${quote(type)} is not allowed, allowed are ${SECRET_TYPES.join(', ')}`);
	}

	if (onChange !== '' && !ON_CHANGE.includes(onChange)) {
		throw invalid(`onChange ${quote(onChange)} is not supported, allowed are ${ON_CHANGE.join(', ')}`);
	}

	return new ParsedSync({
		provider,
		path,
		secretName,
		type,
		key,
		version,
		...(keys && { keys }),
		...((onChange === 'ignore' || onChange === 'restart') && { onChange }),
	});
}

/** The text of a scalar field; '' if it is absent, null or empty. */
function textOf(node: ReadonlyMap<unknown, unknown>, name: string): string {
	const value = node.get(name) ?? '';
	if (typeof value !== 'string') {
		throw invalid(`failed to parse annotation YAML: ${name} must be a string`);
	}

	return value;
}

function requiredText(node: ReadonlyMap<unknown, unknown>, name: string): string {
	const value = textOf(node, name);
	if (value === '') {
		throw invalid(`${name} field is required`);
	}

	return value;
}

/** An empty mapping asks for all keys, as an absent one does. A source key may be any text, even ''. */
function keysOf(value: unknown): ReadonlyMap<string, string> | undefined {
	if (value === undefined || value === null || value === '') {
		return undefined;
	}

	if (!(value instanceof Map)) {
		throw invalid('failed to parse annotation YAML: keys must be a mapping of Secret keys to source keys');
	}

	if (value.size > MAX_KEYS) {
		throw invalid(`keys has ${value.size} entries, at most ${MAX_KEYS} are allowed`);
	}

	const keys = new Map<string, string>();
	for (const [name, source] of value) {
		checkSecretKey('keys', typeof name === 'string' ? name : '');
		if (source !== null && typeof source !== 'string') {
			throw invalid(`failed to parse annotation YAML: keys: the source of ${quote(name)} must be a string`);
		}

		keys.set(name, source ?? '');
	}

	return keys.size === 0 ? undefined : keys;
}

function checkSecretKey(field: string, key: string): void {
	if (!isSecretKey(key)) {
		throw invalid(
			`${field}: ${quote(key)} is not a Secret key ` +
				'(letters, digits, "-", "_" and ".", at most 253 characters, not starting with "..")',
		);
	}
}

function checkPlain(field: string, text: string, maxLength: number): void {
	if (text.length > maxLength) {
		throw invalid(`${field} is longer than ${maxLength} characters`);
	}

	if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) {
		throw invalid(`${field} contains control or invisible characters`);
	}

	if (text.trim() !== text) {
		throw invalid(`${field} begins or ends with a blank`);
	}
}

const isSecretType = (type: string): type is SecretType => (SECRET_TYPES as readonly string[]).includes(type);

function unknownField(name: string): string {
	const nearest = nearestName(name, FIELDS);
	const hint = nearest === undefined ? `known are ${FIELDS.join(', ')}` : `did you mean "${nearest}"?`;
	return `unknown field ${quote(name)}, ${hint}`;
}

const quote = (text: string): string => `"${printable(text, 64)}"`;

const invalid = (message: string): JasmError => new JasmError(message, { code: 'ANNOTATION_INVALID' });

// Request bodies into stored objects: shape checks, unknown fields, conversion and defaults.
import { fillDefaults } from './defaults.ts';
import type { Kind, View } from './kinds.ts';
import { isRecord, type KubeObject } from './object.ts';
import { badRequest } from './status.ts';

export type Decoded = { readonly object: KubeObject; readonly unknownFields: readonly string[] };

const goType = (value: unknown): string =>
	value === null
		? 'null'
		: Array.isArray(value)
			? 'array'
			: typeof value === 'boolean'
				? 'bool'
				: typeof value;

const checkTextMap = (value: unknown, wrong: (why: string) => Error, path: string, type = 'string'): void => {
	if (value === undefined || value === null) return;
	if (!isRecord(value))
		throw wrong(
			`json: cannot unmarshal ${goType(value)} into Go struct field ${path} of type map[string]${type}`,
		);
	for (const text of Object.values(value)) {
		if (typeof text !== 'string' && text !== null) {
			throw wrong(`json: cannot unmarshal ${goType(text)} into Go struct field ${path} of type ${type}`);
		}
	}
};

const illegalBase64 = /[^A-Za-z0-9+/]/;

const decodeSecretData = (object: KubeObject, wrong: (why: string) => Error): void => {
	checkTextMap(object['data'], wrong, 'Secret.data', '[]uint8');
	checkTextMap(object['stringData'], wrong, 'Secret.stringData');
	// Without a prototype: `__proto__` is a legal key.
	const data: Record<string, string> = Object.create(null);
	for (const [key, value] of Object.entries((object['data'] ?? {}) as Record<string, string | null>)) {
		const text = (value ?? '').replace(/[\r\n]/g, '');
		const odd = illegalBase64.exec(text.replace(/={1,2}$/, ''));
		if (odd || text.length % 4 !== 0)
			throw wrong(`illegal base64 data at input byte ${odd?.index ?? text.length}`);
		// Decoded and encoded again, as in Go: trailing bits that no byte uses are cleared.
		data[key] = Buffer.from(text, 'base64').toString('base64');
	}
	for (const [key, value] of Object.entries((object['stringData'] ?? {}) as Record<string, string>)) {
		data[key] = Buffer.from(value).toString('base64');
	}
	delete object['stringData'];
	if (Object.keys(data).length > 0) object['data'] = data;
	else delete object['data'];
	object['type'] = object['type'] || 'Opaque';
};

/** Checks and converts a parsed body. The result is the caller's own: nothing of it is shared. Throws 400. */
export const decode = (kind: Kind, view: View, body: unknown): Decoded => {
	if (!isRecord(body)) {
		throw badRequest(
			`the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(body)} into Go value of type struct`,
		);
	}
	const given = { kind: body['kind'] ?? kind.kind, apiVersion: body['apiVersion'] ?? view.apiVersion };
	const wrong = (why: string): Error =>
		badRequest(
			`${String(given.kind)} in version "${String(given.apiVersion).replace(/^.*\//, '')}" cannot be handled as a ${kind.kind}: ${why}`,
		);
	if (given.kind !== kind.kind) {
		throw wrong(`converting (v1.${String(given.kind)}) to (core.${kind.kind}): unknown conversion`);
	}
	if (given.apiVersion !== view.apiVersion) {
		throw badRequest(
			`the API version in the data (${String(given.apiVersion)}) does not match the expected API version (${view.apiVersion})`,
		);
	}
	const metadata = structuredClone(body['metadata'] ?? {}) as KubeObject['metadata'];
	checkTextMap(metadata.labels, wrong, 'ObjectMeta.metadata.labels');
	checkTextMap(metadata.annotations, wrong, 'ObjectMeta.metadata.annotations');
	for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
		const value = metadata[field];
		// Go omits empty maps and lists when it encodes.
		if (value === null || (value !== undefined && Object.keys(value).length === 0)) delete metadata[field];
	}
	const object: KubeObject = { metadata };
	const unknownFields: string[] = [];
	for (const [field, value] of Object.entries(body)) {
		if (['kind', 'apiVersion', 'metadata'].includes(field)) continue;
		if (view.fields.includes(field) || view.inputFields?.includes(field)) {
			if (value !== null) object[field] = structuredClone(value);
		} else unknownFields.push(field);
	}
	const stored = view.toStorage ? view.toStorage(object) : object;
	if (kind.kind === 'Secret') decodeSecretData(stored, wrong);
	if (kind.kind === 'ConfigMap') checkTextMap(stored['data'], wrong, 'ConfigMap.data');
	fillDefaults(kind.kind, stored);
	return { object: stored, unknownFields };
};

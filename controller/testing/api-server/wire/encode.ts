// JSON in the order and with the escapes of Go's encoder, so that byte scanners meet what a real server sends.
import { isRecord, type KubeObject, type ObjectMeta } from '../objects/object.ts';

const metaOrder = [
	'name',
	'generateName',
	'namespace',
	'uid',
	'resourceVersion',
	'generation',
	'creationTimestamp',
	'deletionTimestamp',
	'deletionGracePeriodSeconds',
	'labels',
	'annotations',
	'ownerReferences',
	'finalizers',
	'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[];

// Go encodes these as maps, hence sorted; everything else keeps the client's order.
const sortedMaps: ReadonlySet<string> = new Set(['labels', 'annotations', 'data', 'matchLabels']);

const sorted = (value: unknown): unknown =>
	isRecord(value)
		? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
		: value;

const escapes: Readonly<Record<string, string>> = {
	'<': '\\u003c',
	'>': '\\u003e',
	'&': '\\u0026',
	'\u2028': '\\u2028',
	'\u2029': '\\u2029',
};

/** JSON text as Go writes it: `<`, `>`, `&` and the line separators are escaped, `/` is not. */
export const goJson = (value: unknown, indent?: number): string => {
	const text = JSON.stringify(value, undefined, indent);
	return /[<>&\u2028\u2029]/.test(text)
		? text.replace(/[<>&\u2028\u2029]/g, character => escapes[character] ?? character)
		: text;
};

const orderedMeta = (meta: ObjectMeta): Record<string, unknown> => {
	const out: Record<string, unknown> = {};
	for (const key of metaOrder) {
		const value = meta[key];
		if (value === undefined) continue;
		out[key] = sortedMaps.has(key) ? sorted(value) : value;
	}
	return out;
};

/** The whole object under a kind and version, top-level fields in the order of `fields`; other fields go. */
export const encodeObject = (
	kind: string,
	apiVersion: string,
	fields: readonly string[],
	object: KubeObject,
): string => {
	const out: Record<string, unknown> = { kind, apiVersion, metadata: orderedMeta(object.metadata) };
	for (const field of fields) {
		const value = object[field];
		if (value !== undefined) out[field] = sortedMaps.has(field) ? sorted(value) : value;
	}
	return goJson(out);
};

/** The object as `PartialObjectMetadata`. */
export const encodeMetadata = (meta: ObjectMeta): string =>
	goJson({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: orderedMeta(meta) });

// The shapes that the embedded API server stores and answers.

/** One entry of `metadata.managedFields`. */
export type ManagedFields = {
	manager: string;
	operation: 'Update';
	apiVersion: string;
	time: string;
	fieldsType: 'FieldsV1';
	fieldsV1: Record<string, unknown>;
	subresource?: string;
};

/** `metadata` of any object; times are RFC 3339 in UTC with whole seconds. */
export type ObjectMeta = {
	name?: string;
	generateName?: string;
	namespace?: string;
	uid?: string;
	resourceVersion?: string;
	generation?: number;
	creationTimestamp?: string;
	deletionTimestamp?: string;
	deletionGracePeriodSeconds?: number;
	labels?: Record<string, string>;
	annotations?: Record<string, string>;
	ownerReferences?: unknown[];
	finalizers?: string[];
	managedFields?: ManagedFields[];
};

/** Any Kubernetes object; everything beside the metadata is data of its kind. */
export type KubeObject = {
	kind?: string;
	apiVersion?: string;
	metadata: ObjectMeta;
	[field: string]: unknown;
};

/** One fault of a field, as `details.causes` of a Status carries it. */
export type Cause = { reason?: string; message: string; field?: string };

/** True for what JSON calls an object. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deep equality of JSON values; the order of keys does not matter, `undefined` is absence. */
export const sameJson = (a: unknown, b: unknown): boolean => {
	if (a === b) return true;
	if (Array.isArray(a)) {
		return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
	}
	if (!isRecord(a) || !isRecord(b)) return false;
	for (const key of Object.keys(a)) if (!sameJson(a[key], b[key])) return false;
	for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
	return true;
};

/** The text at a path of an object; absent and null are the empty string. */
export const textAt = (object: unknown, ...path: string[]): string => {
	let at: unknown = object;
	for (const step of path) {
		at = isRecord(at) ? at[step] : undefined;
	}
	return at === undefined || at === null ? '' : String(at);
};

/** The number at a path of an object; absent is 0. */
export const numberAt = (object: unknown, ...path: string[]): number => Number(textAt(object, ...path) || 0);

/** The records in the list at a path of an object. */
export const listAt = (object: unknown, ...path: string[]): readonly Record<string, unknown>[] => {
	let at: unknown = object;
	for (const step of path) {
		at = isRecord(at) ? at[step] : undefined;
	}
	return Array.isArray(at) ? at.filter(isRecord) : [];
};

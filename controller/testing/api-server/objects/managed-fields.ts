// `metadata.managedFields` as far as readers notice it: who wrote which label, annotation, data key or spec field.
import { isRecord, type KubeObject, type ManagedFields, sameJson } from './object.ts';

type Tree = Record<string, unknown>;

// The keys of `next` that differ from `last`, as a FieldsV1 set; `undefined` where none does.
const changedKeys = (last: unknown, next: unknown, dot: boolean): Tree | undefined => {
	if (!isRecord(next)) return undefined;
	const before = isRecord(last) ? last : undefined;
	const keys = Object.keys(next).filter(key => !sameJson(before?.[key], next[key]));
	if (keys.length === 0) return undefined;
	const tree: Tree = before === undefined && dot ? { '.': {} } : {};
	for (const key of keys.sort()) tree[`f:${key}`] = {};
	return tree;
};

const changedFields = (last: KubeObject | undefined, next: KubeObject): Tree => {
	const tree: Tree = {};
	const metadata: Tree = {};
	for (const field of ['annotations', 'labels'] as const) {
		const changed = changedKeys(last?.metadata[field], next.metadata[field], true);
		if (changed) metadata[`f:${field}`] = changed;
	}
	if (next.metadata.generateName !== undefined && last === undefined) metadata['f:generateName'] = {};
	for (const [field, value] of Object.entries(next)) {
		if (['kind', 'apiVersion', 'metadata'].includes(field) || sameJson(last?.[field], value)) continue;
		const changed = isRecord(value) ? changedKeys(last?.[field], value, field === 'data') : {};
		if (changed) tree[`f:${field}`] = changed;
	}
	return Object.keys(metadata).length === 0 ? tree : { 'f:metadata': metadata, ...tree };
};

const merge = (a: Tree, b: Tree): Tree => {
	const out: Tree = { ...a };
	for (const [key, value] of Object.entries(b)) {
		const existing = out[key];
		out[key] = isRecord(existing) && isRecord(value) ? merge(existing, value) : value;
	}
	return out;
};

/**
 * The entries after a write: the writer's own gains what it changed. Unlike the real server, an entry never loses
 * fields that another manager took over.
 */
export const managedFieldsAfter = (
	last: KubeObject | undefined,
	next: KubeObject,
	write: { manager: string; apiVersion: string; time: string; subresource: string },
): ManagedFields[] => {
	const entries = last?.metadata.managedFields ?? [];
	const changed = changedFields(last, next);
	if (Object.keys(changed).length === 0) return entries;
	const own = (entry: ManagedFields): boolean =>
		entry.manager === write.manager && (entry.subresource ?? '') === write.subresource;
	const entry: ManagedFields = {
		manager: write.manager,
		operation: 'Update',
		apiVersion: write.apiVersion,
		time: write.time,
		fieldsType: 'FieldsV1',
		fieldsV1: merge((entries.find(own)?.fieldsV1 ?? {}) as Tree, changed),
		...(write.subresource === '' ? {} : { subresource: write.subresource }),
	};
	return [...entries.filter(existing => !own(existing)), entry];
};

// The three patch kinds: JSON merge patch, JSON patch, and as much of strategic merge patch as kubectl needs.
import { isRecord } from './object.ts';
import { badRequest, StatusError } from './status.ts';

const mergeObjects = (target: unknown, patch: unknown, strategic: boolean): unknown => {
	if (!isRecord(patch)) {
		return strategic && Array.isArray(patch) ? mergeLists(target, patch) : patch;
	}
	const out: Record<string, unknown> = isRecord(target) ? { ...target } : {};
	for (const [key, value] of Object.entries(patch)) {
		if (strategic && key.startsWith('$')) continue;
		if (value === null) delete out[key];
		else {
			out[key] = mergeObjects(out[key], value, strategic);
			// Go leaves an empty list out.
			if (strategic && Array.isArray(value) && (out[key] as unknown[]).length === 0) delete out[key];
		}
	}
	return out;
};

// Strategic lists merge by `name` or `type` where their items have one (containers, volumes, conditions); others
// are replaced. The real server knows the merge key of each field.
const mergeLists = (target: unknown, patch: unknown[]): unknown => {
	const key = ['name', 'type'].find(candidate =>
		patch.every(item => isRecord(item) && typeof item[candidate] === 'string'),
	);
	if (key === undefined || patch.length === 0) return patch;
	const out: unknown[] = Array.isArray(target) ? [...target] : [];
	for (const item of patch as Record<string, unknown>[]) {
		const at = out.findIndex(existing => isRecord(existing) && existing[key] === item[key]);
		if (item['$patch'] === 'delete') {
			if (at >= 0) out.splice(at, 1);
		} else if (at >= 0) out[at] = mergeObjects(out[at], item, true);
		else out.push(item);
	}
	return out;
};

const rejected = (): StatusError =>
	new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

const steps = (pointer: string): string[] =>
	pointer
		.split('/')
		.slice(1)
		.map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'));

const read = (document: unknown, pointer: string): unknown => {
	let at: unknown = document;
	for (const step of steps(pointer)) {
		if (Array.isArray(at)) at = at[Number(step)];
		else if (isRecord(at)) at = at[step];
		else throw rejected();
	}
	return at;
};

const write = (
	document: unknown,
	pointer: string,
	value: unknown,
	mode: 'add' | 'replace' | 'remove',
): void => {
	const path = steps(pointer);
	const last = path.pop();
	if (last === undefined) throw rejected();
	const parent = read(
		document,
		path.map(step => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
	);
	if (Array.isArray(parent)) {
		const index = last === '-' ? parent.length : Number(last);
		if (!Number.isInteger(index) || index < 0 || index > parent.length) throw rejected();
		if (mode === 'add') parent.splice(index, 0, value);
		else if (index === parent.length) throw rejected();
		else if (mode === 'replace') parent[index] = value;
		else parent.splice(index, 1);
	} else if (isRecord(parent)) {
		if (mode === 'remove') {
			if (!(last in parent)) throw rejected();
			delete parent[last];
		} else parent[last] = value;
	} else throw rejected();
};

const applyOperations = (document: unknown, operations: unknown): unknown => {
	if (!Array.isArray(operations)) {
		throw badRequest(
			'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
		);
	}
	const out = structuredClone(document);
	for (const operation of operations as unknown[]) {
		if (!isRecord(operation)) throw rejected();
		const { op, path, from, value } = operation;
		if (typeof path !== 'string') throw rejected();
		if (op === 'test') {
			if (JSON.stringify(read(out, path)) !== JSON.stringify(value)) throw rejected();
		} else if (op === 'copy' || op === 'move') {
			const moved = structuredClone(read(out, String(from)));
			if (moved === undefined) throw rejected();
			if (op === 'move') write(out, String(from), undefined, 'remove');
			write(out, path, moved, 'add');
		} else if (op === 'add' || op === 'replace' || op === 'remove') write(out, path, value, op);
		else throw rejected();
	}
	return out;
};

/** Content types of the patches that are supported; server-side apply is not. */
export const patchTypes = [
	'application/json-patch+json',
	'application/merge-patch+json',
	'application/strategic-merge-patch+json',
];

/** The patched copy of a document. Throws 422 for a JSON patch that does not apply, 400 for a wrong shape. */
export const applyPatch = (contentType: string, document: unknown, patch: unknown): unknown => {
	if (contentType === 'application/json-patch+json') return applyOperations(document, patch);
	if (!isRecord(patch))
		throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type map');
	return mergeObjects(structuredClone(document), patch, contentType.includes('strategic'));
};

// Tables: what `kubectl get` asks for instead of objects, one row for each object.
import type { Kind } from '../objects/kinds.ts';
import { badRequest } from '../objects/status.ts';
import type { Form, StoredObject } from '../objects/stored-object.ts';
import { goJson } from '../wire/encode.ts';
import { columnsOf } from './columns.ts';

/** How much of its object each row carries: the query parameter `includeObject`. */
export type Included = 'Metadata' | 'Object' | 'None';

/** Reads `includeObject`; `view` is the whole object's form. Throws 400 for an unknown value. */
export const includedForm = (query: URLSearchParams, view: Form): Form | undefined => {
	switch (query.get('includeObject') ?? '') {
		case '':
		case 'Metadata':
			return 'metadata';
		case 'Object':
			return view;
		case 'None':
			return undefined;
		default:
			throw badRequest(
				`Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(query.get('includeObject'))}: must be 'Metadata', 'Object', 'None', or empty`,
			);
	}
};

export type TableOptions = {
	/** The form of the object in each row; none where it is left out. */
	readonly included: Form | undefined;
	readonly now: Date;
	/** Only the first event of a watch defines the columns. */
	readonly defineColumns?: boolean;
};

/** A Table of some objects under the metadata of the list, or of the one object. */
export const encodeTable = (
	kind: Kind,
	items: readonly StoredObject[],
	metadata: Record<string, unknown>,
	{ included, now, defineColumns = true }: TableOptions,
): string => {
	const columns = columnsOf(kind.kind);
	return goJson({
		kind: 'Table',
		apiVersion: 'meta.k8s.io/v1',
		metadata,
		columnDefinitions: defineColumns
			? columns.map(({ name, type, format, priority }) => ({
					name,
					type,
					format,
					description: name,
					priority,
				}))
			: null,
		rows: items.map(item => ({
			cells: columns.map(({ cell }) => cell(item.object, now)),
			object: included === undefined ? null : (JSON.parse(item.encode(included).toString()) as unknown),
		})),
	});
};

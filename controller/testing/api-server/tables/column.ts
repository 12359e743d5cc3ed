// What a column of a table is, and what the columns of several kinds share.
import { isRecord, type KubeObject, listAt } from '../objects/object.ts';
import { ageOf } from './ages.ts';

export type Cell = string | number;

export type Column = {
	readonly name: string;
	readonly type: 'string' | 'integer' | 'date';
	/** `name` for the one column that `-o name` and the shell's completion read. */
	readonly format: 'name' | '';
	/** 1: printed by `-o wide`. */
	readonly priority: 0 | 1;
	readonly cell: (object: KubeObject, now: Date) => Cell;
};

export const column = (name: string, cell: Column['cell'], more: Partial<Column> = {}): Column => ({
	name,
	type: 'string',
	format: '',
	priority: 0,
	...more,
	cell,
});

export const wide = (name: string, cell: Column['cell']): Column => column(name, cell, { priority: 1 });

export const nameColumn = column('Name', ({ metadata }) => metadata.name ?? '', { format: 'name' });
export const ageColumn = column('Age', ({ metadata }, now) => ageOf(metadata.creationTimestamp, now));

export const orNone = (text: string): string => text || '<none>';

/** A label selector as people write it: `app=web,tier in (a,b)`. */
export const selectorText = (selector: unknown): string => {
	if (!isRecord(selector)) {
		return '<none>';
	}
	const pairs = isRecord(selector['matchLabels'])
		? Object.entries(selector['matchLabels']).map(([key, value]) => `${key}=${value}`)
		: [];
	const expressions = listAt(selector, 'matchExpressions').map(({ key, operator, values }) => {
		const listed = Array.isArray(values) ? ` (${values.join(',')})` : '';
		return operator === 'Exists'
			? `${key}`
			: operator === 'DoesNotExist'
				? `!${key}`
				: `${key} ${String(operator).toLowerCase()}${listed}`;
	});
	return orNone([...pairs.sort(), ...expressions].join(','));
};

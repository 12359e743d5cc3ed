// Says in words what is wrong with a configuration file: each fault with its path and what to write instead.
import type * as z from 'zod/mini';
import { nearestName } from './nearest-name.ts';
import { printable } from './printable.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** All faults that the schema finds in the value, as `path: what is wrong`, in the order of the schema. */
export function schemaFaults(schema: z.core.$ZodType, value: unknown, issues: readonly Issue[]): string[] {
	return issues.flatMap(issue => faultsOf(schema, value, issue));
}

function faultsOf(schema: z.core.$ZodType, value: unknown, issue: Issue): string[] {
	const at = issue.path;
	switch (issue.code) {
		case 'unrecognized_keys':
			return issue.keys.map(key => fault([...at, key], unknownField(key, fieldsAt(schema, at))));
		case 'invalid_key':
			return issue.issues.map(({ message }) => fault(at, message));
		case 'invalid_type':
			return [fault(at, typeFault(issue.expected, valueAt(value, at)))];
		case 'invalid_value':
			return [fault(at, choiceFault(issue.values.map(String), valueAt(value, at)))];
		case 'invalid_union':
			// A union by `kind` says which kinds there are; the type of an issue does not know it.
			return [fault(at, choiceFault((issue as { options?: string[] }).options ?? [], valueAt(value, at)))];
		case 'too_small':
			return [
				fault(at, issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`),
			];
		case 'too_big':
			return [fault(at, `must be at most ${issue.maximum}`)];
		default:
			return [fault(at, `${shown(valueAt(value, at))} ${issue.message}`)];
	}
}

/** `path: what is wrong`, as `policy[0].paths[1]: …`. */
export const fault = (path: Path, message: string): string => `${pathText(path)}: ${message}`;

function pathText(path: Path): string {
	if (path.length === 0) {
		return 'file';
	}

	return path
		.map(part => (typeof part === 'number' ? `[${part}]` : `.${printable(String(part), 64)}`))
		.join('')
		.replace(/^\./, '');
}

/** The value that an issue is about; the schema never leads through anything but own properties. */
function valueAt(value: unknown, path: Path): unknown {
	return path.reduce<unknown>(
		(current, part) =>
			typeof current === 'object' && current !== null && Object.hasOwn(current, part)
				? (current as Record<PropertyKey, unknown>)[part]
				: undefined,
		value,
	);
}

function typeFault(expected: string, value: unknown): string {
	if (value === undefined) {
		return 'is required';
	}

	const nouns: Record<string, string> = {
		object: 'a mapping',
		record: 'a mapping',
		array: 'a list',
		string: 'text',
		int: 'a whole number',
		number: 'a whole number',
	};
	const quote = expected === 'string' && typeof value !== 'object' ? ' (quote it)' : '';
	return `${shown(value)} is not ${nouns[expected] ?? expected}${quote}`;
}

function choiceFault(choices: readonly string[], value: unknown): string {
	if (value === undefined) {
		return `is required (${choices.join(', ')})`;
	}

	const nearest = typeof value === 'string' ? nearestName(value, choices) : undefined;
	const hint = nearest === undefined ? `allowed are ${choices.join(', ')}` : `did you mean "${nearest}"?`;
	return `${shown(value)} is not allowed, ${hint}`;
}

function shown(value: unknown): string {
	if (typeof value === 'object') {
		return Array.isArray(value) ? 'a list' : value === null ? 'nothing' : 'a mapping';
	}

	return `"${printable(String(value), 64)}"`;
}

export function unknownField(name: string, known: readonly string[]): string {
	if (known.length === 0) {
		return 'is not allowed as a name';
	}

	const nearest = nearestName(name, known);
	return nearest === undefined
		? `unknown field, known are ${known.join(', ')}`
		: `unknown field, did you mean "${nearest}"?`;
}

/** The names of the fields that the schema knows at this place. */
export function fieldsAt(schema: z.core.$ZodType, path: Path): string[] {
	const { def } = (schema as z.core.$ZodTypes)._zod;
	const [part, ...rest] = path;
	switch (def.type) {
		case 'default':
		case 'prefault':
		case 'optional':
			return fieldsAt(def.innerType, path);
		case 'union':
			return [...new Set(def.options.flatMap(option => fieldsAt(option, path)))];
		case 'record':
			return part === undefined ? [] : fieldsAt(def.valueType, rest);
		case 'array':
			return part === undefined ? [] : fieldsAt(def.element, rest);
		case 'object': {
			if (part === undefined) {
				return Object.keys(def.shape);
			}

			const field = Object.hasOwn(def.shape, part) ? def.shape[part as string] : undefined;
			return field === undefined ? [] : fieldsAt(field, rest);
		}

		default:
			return [];
	}
}

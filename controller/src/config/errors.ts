// Says in words what is wrong with a configuration file: each fault with its path and what to write instead.
import * as z from 'zod/mini';
import { absences } from '../providers/shared/schema-fields.ts';
import { nearestName } from '../util/nearest-name.ts';
import { printable } from '../util/printable.ts';
import {
	type Fields,
	fieldNames,
	fieldOf,
	formOf,
	formsOf,
	KIND,
	nameOf,
	type Path,
	schemaAt,
	valueAt,
} from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

type Fault = {
	readonly path: Path;
	readonly message: string;
	/** For an unknown field: the known one that was probably meant. */
	readonly meant?: string | undefined;
};

/** What tells the forms of one kind apart. */
const CREDENTIALS = 'credentials';

/**
 * All faults that the schema finds in the value, as `path: what is wrong`, in the order of the schema.
 *
 * @param origin says where the value of a field comes from, if not from the file
 */
export const schemaFaults = (
	schema: z.core.$ZodType,
	value: unknown,
	origin: (path: Path) => string | undefined = () => undefined,
): string[] =>
	faultsIn(schema, value, []).map(({ path, message }) => {
		const from = origin(path);
		return fault(path, from === undefined ? message : `${message} (from ${from})`);
	});

function faultsIn(schema: z.core.$ZodType, value: unknown, base: Path): Fault[] {
	const { error } = z.safeParse(schema, value);
	const faults = (error?.issues ?? []).flatMap(issue => faultsOf({ schema, value, issue }));
	return faults
		.filter(({ path }) => !isConsequence(path, value, faults))
		.map(found => ({ ...found, path: [...base, ...found.path] }));
}

/** The field is missing only because it is misspelt, which has a fault of its own. */
function isConsequence(path: Path, value: unknown, faults: readonly Fault[]): boolean {
	return (
		valueAt(value, path) === undefined &&
		faults.some(
			({ path: other, meant }) => meant !== undefined && samePath(path, [...other.slice(0, -1), meant]),
		)
	);
}

const samePath = (one: Path, other: Path) =>
	one.length === other.length && one.every((part, index) => part === other[index]);

type Found = { readonly schema: z.core.$ZodType; readonly value: unknown; readonly issue: Issue };

function faultsOf(found: Found): Fault[] {
	const { schema, value, issue } = found;
	const at = issue.path;
	const here = (message: string): Fault[] => [{ path: at, message }];
	switch (issue.code) {
		case 'unrecognized_keys':
			return issue.keys.map(key => unknownFault(schemaAt(schema, at, value), at, key, valueAt(value, at)));
		case 'invalid_key':
			return issue.issues.flatMap(({ message }) => here(message));
		case 'invalid_type':
			return here(
				valueAt(value, at) === undefined
					? missingFault(found)
					: typeFault(issue.expected, valueAt(value, at)),
			);
		case 'invalid_value':
			return here(choiceFault(issue.values.map(String), valueAt(value, at)));
		case 'invalid_union':
			return unionFaults(found, issue);
		case 'too_small':
			return here(issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`);
		case 'too_big':
			return here(`must be at most ${issue.maximum}`);
		default:
			// A rule about several fields is a sentence of its own.
			return here(
				issue.code === 'custom' && issue.params?.['sentence'] === true
					? issue.message
					: `${shown(valueAt(value, at))} ${issue.message}`,
			);
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

/** Where the schema itself is not known, nothing can have been meant. */
function unknownFault(schema: z.core.$ZodType | undefined, at: Path, name: string, around: unknown): Fault {
	const path = [...at, name];
	const forms = schema === undefined ? [] : formsOf(schema, around);
	const others = forms.filter(form => fieldOf(form, name) !== undefined);
	if (others.length > 0) {
		const names = others.map(form => nameOf(form, CREDENTIALS));
		return { path, message: `has an effect only with credentials ${names.join(', ')}` };
	}

	const chosen = schema === undefined ? undefined : formOf(schema, around);
	const known = fieldNames(forms);
	const meant =
		nearestName(name, chosen === undefined ? known : fieldNames([chosen])) ?? nearestName(name, known);
	return { path, message: unknownField(known, meant), meant };
}

function unknownField(known: readonly string[], meant: string | undefined): string {
	if (known.length === 0) {
		return 'is not allowed as a name';
	}

	return meant === undefined
		? `unknown field, known are ${known.join(', ')}`
		: `unknown field, did you mean "${meant}"?`;
}

/** As of an unknown field, for names that the schema never gets to see. */
export function nameFault(schema: z.core.$ZodType, path: Path, name: string, value: unknown): string {
	const { message } = unknownFault(schemaAt(schema, path, value), path, name, valueAt(value, path));
	return fault([...path, name], message);
}

function missingFault({ schema, value, issue: { path } }: Found): string {
	const [parent, name] = [path.slice(0, -1), path.at(-1)];
	const around = valueAt(value, parent);
	const parentSchema = schemaAt(schema, parent, value) ?? schema;
	const forms = formsOf(parentSchema, around);
	const form = formOf(parentSchema, around);
	const field = fieldOf(form, name);
	if (
		form !== undefined &&
		!forms.every(each => fieldOf(each, name)?._zod.optin === undefined && fieldOf(each, name))
	) {
		return `is required with credentials ${nameOf(form, CREDENTIALS)}`;
	}

	const [variable] = (field && absences.get(field)?.variables) ?? [];
	return variable === undefined ? 'is required' : `is required, here or as ${variable} in the environment`;
}

function typeFault(expected: string, value: unknown): string {
	const nouns: Record<string, string> = {
		object: 'a mapping',
		record: 'a mapping',
		array: 'a list',
		string: 'text',
		boolean: 'true or false',
		int: 'a whole number',
		number: 'a whole number',
	};
	const quote = expected === 'string' && typeof value !== 'object' ? ' (quote it)' : '';
	return `${shown(value)} is not ${nouns[expected] ?? expected}${quote}`;
}

/** A discriminator that allows no form. Beside it only the faults count that every form would have. */
function unionFaults({ schema, value, issue: { path } }: Found, issue: Issue): Fault[] {
	const { discriminator = '', options = [] } = issue as { discriminator?: string; options?: unknown[] };
	const choices = options.filter(option => option !== undefined).map(String);
	const own = { path, message: choiceFault(choices, valueAt(value, path)) };
	const at = path.slice(0, -1);
	const around = valueAt(value, at);
	const union = schemaAt(schema, at, value);
	if (discriminator === KIND || union === undefined) {
		return [own];
	}

	const [first = [], ...others] = choices.map(choice =>
		faultsIn(union, { ...(around as Fields), [discriminator]: choice }, at),
	);
	const same = (one: Fault) => (other: Fault) =>
		samePath(one.path, other.path) && one.message === other.message;
	return [own, ...first.filter(each => others.every(faults => faults.some(same(each))))];
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

	// A number whose digits would be lost is shown as it is written.
	const text = typeof value === 'symbol' ? (value.description ?? '') : String(value);
	// The credentials of a URL stay out.
	return `"${printable(text.replace(/(?<=\/\/)[^/\s]*@/, '…@'), 64)}"`;
}

// Finds its way through a zod schema by a value: which form of a union is meant, which field stands where; pure.
import type * as z from 'zod/mini';

type Schema = z.core.$ZodType;
export type ObjectSchema = z.core.$ZodObject;
export type Path = readonly PropertyKey[];
export type Fields = Readonly<Record<string, unknown>>;

const defOf = (schema: Schema) => (schema as z.core.$ZodTypes)._zod.def;

/** The schema below defaults and the like. */
function unwrapped(schema: Schema): Schema {
	const def = defOf(schema);
	return def.type === 'default' || def.type === 'prefault' || def.type === 'optional'
		? unwrapped(def.innerType)
		: schema;
}

export const isFlag = (schema: Schema): boolean => defOf(unwrapped(schema)).type === 'boolean';

/** What tells the kinds of providers apart: fields of an unknown kind are not judged. */
export const KIND = 'kind';

/**
 * The forms that a value can have: one object, or those of a union. For a provider these are all forms of its
 * kind, whatever its `credentials` say.
 */
export function formsOf(schema: Schema, value: unknown): ObjectSchema[] {
	const inner = unwrapped(schema);
	const def = defOf(inner);
	if (def.type === 'object') {
		return [inner as ObjectSchema];
	}

	if (def.type !== 'union') {
		return [];
	}

	const kinds = (def as { discriminator?: string }).discriminator === KIND;
	const options = kinds ? def.options.filter(option => allows(inner, option, value)) : def.options;
	return options.flatMap(option => formsOf(option, value));
}

/** The form that all discriminators of the value choose; undefined where they choose none. */
export function formOf(schema: Schema, value: unknown): ObjectSchema | undefined {
	const inner = unwrapped(schema);
	const def = defOf(inner);
	if (def.type === 'object') {
		return inner as ObjectSchema;
	}

	const chosen = def.type === 'union' ? def.options.find(option => allows(inner, option, value)) : undefined;
	return chosen === undefined ? undefined : formOf(chosen, value);
}

function allows(union: Schema, option: Schema, value: unknown): boolean {
	const { discriminator = '' } = defOf(union) as { discriminator?: string };
	const chosen = ownProperty(value, discriminator) as z.core.util.Primitive;
	return option._zod.propValues?.[discriminator]?.has(chosen) ?? false;
}

/** The value of a form's discriminator, such as the name of its credentials. */
export function nameOf(form: ObjectSchema, discriminator: string): string {
	const values = form._zod.propValues[discriminator] ?? [];
	return String([...values].find(value => value !== undefined) ?? '');
}

/** Fields of the forms, by name, each once. */
export const fieldNames = (forms: readonly ObjectSchema[]): string[] => [
	...new Set(forms.flatMap(form => Object.keys(form._zod.def.shape))),
];

export const fieldOf = (form: ObjectSchema | undefined, name: PropertyKey | undefined): Schema | undefined =>
	ownProperty(form?._zod.def.shape, name ?? '') as Schema | undefined;

/** The schema at a path; undefined where it knows no such place. */
export function schemaAt(schema: Schema, path: Path, value: unknown): Schema | undefined {
	const [part, ...rest] = path;
	if (part === undefined) {
		return schema;
	}

	const inner = unwrapped(schema);
	const def = defOf(inner);
	const below = ownProperty(value, part);
	switch (def.type) {
		case 'record':
			return schemaAt(def.valueType, rest, below);
		case 'array':
			return schemaAt(def.element, rest, below);
		default: {
			const form = formOf(inner, value) ?? formsOf(inner, value).find(each => fieldOf(each, part));
			const field = fieldOf(form, part);
			return field === undefined ? undefined : schemaAt(field, rest, below);
		}
	}
}

/** The value at a path; never through anything but own properties. */
export const valueAt = (value: unknown, path: Path): unknown => path.reduce(ownProperty, value);

function ownProperty(value: unknown, name: PropertyKey): unknown {
	return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
		? (value as Record<PropertyKey, unknown>)[name]
		: undefined;
}

// Turns the texts that Pulumi hands to a program into the values that its stack file has; pure.
import type * as z from 'zod/mini';
import { stackKeys } from './schema.ts';

/** Values by key, without the project's prefix, as Pulumi hands them over. */
export type StackValues = Readonly<Record<string, string>>;

const TEXTS = ['string', 'enum'];

/**
 * The values with their types. Empty texts count as absent: Pulumi wants a default for every declared key. A text
 * that is not of its type stays as it is, and the schema says what is wrong with it.
 */
export function decode(values: StackValues): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(values).flatMap(([key, value]) => {
			if (value === '') return [];
			const schema = (stackKeys._zod.def.shape as Record<string, z.core.$ZodType>)[key];
			return [[key, schema === undefined || isText(schema) ? value : structureOf(value)]];
		}),
	);
}

function isText(schema: z.core.$ZodType): boolean {
	const { def } = (schema as z.core.$ZodTypes)._zod;
	return def.type === 'default' || def.type === 'optional' ? isText(def.innerType) : TEXTS.includes(def.type);
}

function structureOf(value: string): unknown {
	try {
		return JSON.parse(value);
	} catch {
		return value;
	}
}

// The keys of a stack are declared to Pulumi and described in the manual, each as in the schema.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { load } from 'js-yaml';
import * as z from 'zod/mini';
import { stackKeys } from '../../src/config/schema.ts';

const describe = (schema: z.core.$ZodType) => z.globalRegistry.get(schema)?.description;

test('Pulumi.yaml declares every key with the type, default and description of the schema', t => {
	const project = load(readFileSync(new URL('../../../Pulumi.yaml', import.meta.url), 'utf8')) as {
		config: Record<string, { type: string; default: unknown; description: string }>;
	};
	const TYPES: Record<string, string> = {
		string: 'string',
		enum: 'string',
		boolean: 'boolean',
		number: 'integer',
		record: 'object',
		object: 'object',
		array: 'array',
	};
	const described = Object.entries(stackKeys._zod.def.shape as Record<string, z.core.$ZodType>).map(
		([key, schema]) => {
			const { def } = (schema as z.core.$ZodDefault)._zod;
			const { type } = (def.innerType as z.core.$ZodTypes)._zod.def;
			return [key, { type: TYPES[type], default: def.defaultValue, description: describe(def.innerType) }];
		},
	);
	t.deepEqual(
		Object.entries(project.config).map(([key, { type, default: fallback, description }]) => [
			key,
			{ type, default: fallback, description },
		]),
		described,
	);
});

test('docs/install.md describes every key', t => {
	const docs = readFileSync(new URL('../../../docs/install.md', import.meta.url), 'utf8');
	const section = docs.split('### The keys of a stack')[1]?.split(/^##/m)[0] ?? '';
	// The table of identities has two columns, those of keys have three.
	const named = [...section.matchAll(/^\|([^|]*)\|[^|]*\|[^|]*\|$/gm)].flatMap(([, cell = '']) =>
		[...cell.matchAll(/`(\w+)`/g)].map(([, key]) => key),
	);
	t.deepEqual(named.sort(), Object.keys(stackKeys._zod.def.shape).sort());
});

// Renders the parts of docs/ that say what the code says: the JSON Schema and tables of its pages.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { changeSource } from '../src/config/changes-schema.ts';
import { ENVIRONMENT } from '../src/config/environment.ts';
import { configFile, configJsonSchema, providerSchema } from '../src/config/schema.ts';
import { formsOf, nameOf, type ObjectSchema } from '../src/config/schema-walk.ts';
import { PARTITIONS } from '../src/providers/aws/partitions.ts';
import { KINDS, nameOfKind } from '../src/providers/registry.ts';
import { absences } from '../src/providers/shared/schema-fields.ts';

const provider = providerSchema();
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));

type Field = z.core.$ZodType;

/** What a table says about a field in one form of its kind. */
type Row = { readonly field: string; readonly default: string; readonly meaning: string };

type Facts = { readonly description?: string; readonly default?: unknown };

const factsOf = (field: Field): Facts =>
	z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as Facts;

function rowOf(field: string, schema: Field): Row {
	const { description = '', default: fixed } = factsOf(schema);
	const { variables = [], words } = absences.get(schema) ?? {};
	const value = isEmpty(fixed) ? 'none' : fixed === undefined ? undefined : code(String(fixed));
	const optional = schema._zod.optin !== undefined;
	const parts = [...variables.map(code), words ?? value].filter(part => part !== undefined && part !== '');
	return {
		field: code(field),
		default: parts.length > 0 ? parts.join(', else ') : optional ? '' : 'required',
		meaning: description,
	};
}

/** An empty list or mapping as a default. */
const isEmpty = (value: unknown): boolean =>
	typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const code = (text: string) => `\`${text}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) =>
		`| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The fields of a kind; those that depend on the credentials say on which. */
function fieldTable(kind: string): string {
	const forms = formsOf(provider, { kind });
	const names = [...new Set(forms.flatMap(form => Object.keys(form._zod.def.shape)))];
	const rows = names
		.filter(name => name !== 'kind' && name !== 'credentials')
		.flatMap(name => rowsOf(name, forms));
	return table(['field', 'with credentials', 'default', 'meaning'], rows);
}

function rowsOf(name: string, forms: readonly ObjectSchema[]): string[][] {
	const byMeaning = new Map<string, { credentials: string[]; defaults: Set<string> }>();
	for (const form of forms) {
		const schema = form._zod.def.shape[name];
		if (schema !== undefined) {
			const { default: value, meaning } = rowOf(name, schema);
			const row = byMeaning.get(meaning) ?? { credentials: [], defaults: new Set() };
			row.credentials.push(code(nameOf(form, 'credentials')));
			row.defaults.add(value);
			byMeaning.set(meaning, row);
		}
	}

	return Array.from(byMeaning, ([meaning, { credentials, defaults }]) => [
		code(name),
		credentials.length === forms.length ? 'all' : credentials.join(', '),
		[...defaults].join(' or '),
		meaning,
	]);
}

function credentialsTable(kind: string): string {
	const rows = formsOf(provider, { kind }).map(form => {
		const schema = form._zod.def.shape['credentials'] as Field;
		const isDefault = schema._zod.optin !== undefined;
		return [
			code(nameOf(form, 'credentials')) + (isDefault ? ' (default)' : ''),
			factsOf(schema).description ?? '',
		];
	});
	return table(['`credentials`', 'identity'], rows);
}

/** The fields of the file, but for those of a provider and of a rule. */
function fileTable(): string {
	const rows = Object.entries(configFile()._zod.def.shape).flatMap(([name, schema]) => {
		const inner = innerOf(schema).flatMap(([field, each]) => [
			rowOf(`${name}.${field}`, each),
			...innerOf(each).map(([part, schema]) => rowOf(`${name}.${field}.${part}`, schema)),
		]);
		return inner.length > 0 ? inner : [rowOf(name, schema)];
	});
	return table(
		['field', 'default', 'meaning'],
		rows.map(row => [row.field, row.default, row.meaning]),
	);
}

/** The fields of a field that is a mapping of one form. */
const innerOf = (schema: z.core.$ZodType) =>
	Object.entries(formsOf(schema, undefined)[0]?._zod.def.shape ?? {});

/** The fields of the sources of change notices, by kind. */
function sourceTable(): string {
	const rows = changeSource._zod.def.options.flatMap(form => {
		const { kind, ...fields } = form._zod.def.shape;
		return Object.entries(fields).flatMap(([name, schema]) => {
			const inner = innerOf(schema).map(([field, each]) => rowOf(`${name}.${field}`, each));
			return [rowOf(name, schema), ...inner].map(row => [
				code(nameOf(form, 'kind')),
				row.field,
				row.default,
				row.meaning,
			]);
		});
	});
	return table(['`kind`', 'field', 'default', 'meaning'], rows);
}

const environmentTable = (): string =>
	table(
		['variable', 'used for'],
		Object.entries(ENVIRONMENT).map(([name, use]) => [code(name), use]),
	);

/** Patterns as a person writes them: `cn-…`. */
const partitionTable = (): string =>
	table(
		['partition of AWS', 'regions', 'SUFFIX', 'with `dualStack`'],
		PARTITIONS.map(({ id, regions, dnsSuffix, dualStackDnsSuffix }) => [
			code(id),
			code(
				regions.source
					.replace('^', '')
					.replace(/\\w.*$/, '…')
					.replaceAll(/[()]/g, '')
					.replaceAll('|', ', '),
			),
			code(dnsSuffix),
			code(dualStackDnsSuffix),
		]),
	);

const PARTS: Readonly<Record<string, () => string>> = {
	file: fileTable,
	'sources of changes': sourceTable,
	environment: environmentTable,
	partitions: partitionTable,
	...Object.fromEntries(
		KINDS.map(nameOfKind).flatMap(kind => [
			[`fields of ${kind}`, () => fieldTable(kind)],
			[`credentials of ${kind}`, () => credentialsTable(kind)],
		]),
	),
};

/** Fills what stands between `<!-- rendered: NAME -->` and `<!-- end -->`; an unknown name is an error. */
export function rendered(page: string): string {
	return page.replace(/(<!-- rendered: (.+?) -->\n).*?(<!-- end -->)/gs, (_, begin, name, end) => {
		const part = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
		if (part === undefined) {
			throw new Error(`rendering docs: no table is named "${name}"`);
		}

		return `${begin}\n${part()}\n\n${end}`;
	});
}

/** The names of all tables; each has to stand on a page. */
export const TABLES: readonly string[] = Object.keys(PARTS);

/** What each file of docs/ has to say, by its name. */
export const documents = (): ReadonlyMap<string, string> =>
	new Map([
		...['configuration.md', 'network.md'].map(
			name => [name, rendered(readFileSync(`${DOCS}${name}`, 'utf8'))] as const,
		),
		['config.schema.json', `${JSON.stringify(configJsonSchema(), undefined, '\t')}\n`],
	]);

if (import.meta.main) {
	for (const [name, content] of documents()) {
		writeFileSync(`${DOCS}${name}`, content);
	}
}

// The user pages: every example is valid, and nothing that can be configured is missing.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { load } from 'js-yaml';
import { ENVIRONMENT, FLAGS, loadConfig } from '../../src/config/config.ts';
import { configJsonSchema } from '../../src/config/schema.ts';
import { ERROR_CODES, JasmError } from '../../src/errors.ts';
import { compilePolicy, decide } from '../../src/policy/policy.ts';
import { ANNOTATION_KEY, parseAnnotation, SECRET_TYPES } from '../../src/requests/annotation.ts';
import {
	MANAGED_BY,
	MAX_KEY_COUNT,
	MAX_VALUE_BYTES,
	PROVIDER_LABEL,
	SOURCE_PATH_ANNOTATION,
	SOURCE_VERSION_ANNOTATION,
	SPEC_HASH_ANNOTATION,
} from '../../src/sync/desired-secret.ts';

const pageOf = (name: string): string =>
	readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');

/** Blocks of one language, without the indentation of a list around them. */
function blocksOf(page: string, language: string): string[] {
	const blocks = page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms'));
	return Array.from(blocks, ([, indentation, text]) =>
		text!.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
	);
}

/** The names of all fields of the file, but those of a rule, which have their own page. */
function fieldsOf(node: unknown): string[] {
	if (typeof node !== 'object' || node === null) {
		return [];
	}

	return Object.entries(node).flatMap(([name, value]) => [
		...(name === 'properties' && !('paths' in value) ? Object.keys(value) : []),
		...fieldsOf(value),
	]);
}

type Json = { [name: string]: Json } & readonly Json[];

/** Annotations are inside of workloads or stand alone; what has a field of the file is a configuration. */
function check(block: string): 'annotation' | 'config' {
	const document = load(block) as Json;
	if (document['kind'] !== undefined) {
		const { metadata, spec } = document;
		const { annotations } = spec?.['template']?.['metadata'] ?? metadata!;
		parseAnnotation(String(annotations![ANNOTATION_KEY]));
		return 'annotation';
	}

	if (['providers', 'policy', 'profile', 'limits', 'watch'].some(field => document[field] !== undefined)) {
		loadConfig({ argv: ['--config=x'], env: {}, readFile: path => (path === 'x' ? block : '') });
		return 'config';
	}

	// Keys of a stack. The test of infra/ knows them all; those of the controller are read here.
	if (Object.keys(document).every(key => key.startsWith('jasm:'))) {
		const own = Object.entries(document).filter(([key]) => CONTROLLER_KEYS.includes(key));
		return check(JSON.stringify(Object.fromEntries(own.map(([key, value]) => [key.slice(5), value]))));
	}

	parseAnnotation(block);
	return 'annotation';
}

const CONTROLLER_KEYS = ['jasm:providers', 'jasm:policy', 'jasm:changes', 'jasm:limits', 'jasm:watch'];

const pages: Record<string, 'annotation' | 'config' | 'both'> = {
	annotation: 'annotation',
	configuration: 'config',
	network: 'config',
	policy: 'config',
	migration: 'config',
	rotation: 'both',
};

for (const [name, kind] of Object.entries(pages)) {
	const blocks = blocksOf(pageOf(name), 'yaml');
	for (const [index, block] of blocks.entries()) {
		test(`example ${index + 1} of docs/${name}.md is valid`, t => {
			const found = check(block);
			t.true(kind === 'both' || kind === found, found);
		});
	}

	test(`docs/${name}.md has an example`, t => {
		t.true(blocks.length > 0);
	});
}

test('an example with a mistake would be noticed', t => {
	t.throws(() => check('provider: a\npaht: b\nsecretName: c'), { instanceOf: JasmError });
	t.throws(() => check('polciy: []\npolicy: []'), { instanceOf: JasmError });
});

test('the command lines of docs/configuration.md are read as they stand', t => {
	const lines = Array.from(pageOf('configuration').matchAll(/`(controller [^`]+)`/g), ([, line]) => line!);
	t.true(lines.length > 0);
	for (const line of lines) {
		const [, ...argv] = line.split(' ');
		t.notThrows(() => loadConfig({ argv, env: {}, readFile: () => '' }), line);
	}
});

test('docs/configuration.md names every flag, every variable and every field of the file', t => {
	const page = pageOf('configuration');
	const fields = fieldsOf(configJsonSchema());
	t.true(['providers', 'stsEndpoint', 'silenceSeconds'].every(field => fields.includes(field)));
	for (const field of fields) {
		t.regex(page, new RegExp(`(?:[\`.]|### )${field.replace('$', '\\$')}[\`.:]`), field);
	}

	for (const flag of Object.keys(FLAGS)) {
		t.true(page.includes(`\`--${flag}\``), flag);
	}

	for (const variable of Object.keys(ENVIRONMENT)) {
		t.true(page.includes(`\`${variable}\``), variable);
	}
});

test('docs/annotation.md names every type, every reason and what a written Secret carries', t => {
	const page = pageOf('annotation');
	const reasons = Object.values(ERROR_CODES).flatMap(facts => ('reason' in facts ? [facts.reason] : []));
	for (const text of [
		...SECRET_TYPES,
		...new Set(reasons),
		ANNOTATION_KEY,
		`${MANAGED_BY.label}: ${MANAGED_BY.value}`,
		PROVIDER_LABEL,
		SOURCE_PATH_ANNOTATION,
		SOURCE_VERSION_ANNOTATION,
		SPEC_HASH_ANNOTATION,
	]) {
		t.true(page.includes(`\`${text}\``), text);
	}

	t.true(page.includes(MAX_VALUE_BYTES.toLocaleString('en')));
	t.true(page.includes(`${MAX_KEY_COUNT.toLocaleString('en')} keys`));
});

test('the messages that docs/annotation.md quotes are the words that are said', t => {
	const texts: Record<string, string> = {
		'': 'annotation value is empty',
		'provider: aws\n  path: x':
			'failed to parse annotation YAML: line 2, column 7: bad indentation of a mapping entry',
		'path: x': 'provider field is required',
		'provider: x': 'path field is required',
		'{provider: x, path: y}': 'secretName field is required',
		'{provider: x, path: y, secretname: z}': 'unknown field "secretname", did you mean "secretName"?',
		'{provider: x, path: y, secretName: Db_Creds}':
			'secretName "Db_Creds" is not a DNS-1123 subdomain ' +
			'(lower-case letters, digits, "-" and ".", at most 253 characters)',
		'{provider: x, path: y, secretName: z, key: a, keys: {b: c}}': 'key and keys exclude each other',
		'[{provider: x, path: y, secretName: z}, {provider: x}]': 'item 2: path field is required',
	};
	const quoted = blocksOf(pageOf('annotation'), 'text').join('').trim().split('\n');
	t.deepEqual(quoted, Object.values(texts));
	for (const [text, message] of Object.entries(texts)) {
		t.throws(() => parseAnnotation(text), { message });
	}
});

test('the patterns of docs/policy.md match what its table says', t => {
	const rows = [...pageOf('policy').matchAll(/^\| `([^`]+)` \| (`\/.+?) \| (`.+?) \|$/gm)];
	t.is(rows.length, 4);
	for (const [, pattern, matching, other] of rows) {
		const rule = { namespaces: ['*'], provider: 'aws', paths: [pattern!] };
		const policy = compilePolicy([rule], { ownNamespace: 'jasm' });
		const allowed = (path: string) => decide(policy, { namespace: 'team-a', provider: 'aws', path }).allowed;
		for (const [, path] of matching!.matchAll(/`(\/[^`]+)`/g)) {
			t.true(allowed(path!), `${pattern} matches ${path}`);
		}

		for (const [, path] of other!.matchAll(/`([^`]+)`/g)) {
			t.false(allowed(path!), `${pattern} does not match ${path}`);
		}
	}
});

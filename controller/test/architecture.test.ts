// The architecture as a test: import directions, one home per hazard, file sizes.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

const ROOT = resolve(import.meta.dirname, '..');
const REPOSITORY = resolve(ROOT, '..');

type Source = { readonly path: string; readonly text: string; readonly imports: readonly Import[] };
type Import = { readonly target: string; readonly typeOnly: boolean };

const IMPORT =
	/(?:^|\n)\s*(import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;

function sourcesUnder(folder: string): Source[] {
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter(name => name.endsWith('.ts') && !name.includes('node_modules') && !name.startsWith('dist/'))
		.map(name => {
			const file = join(folder, name);
			const text = readFileSync(file, 'utf8');
			const imports = [...text.matchAll(IMPORT)].map(match => {
				const target = match[3] ?? match[4]!;
				return {
					target: target.startsWith('.') ? relative(ROOT, resolve(dirname(file), target)) : target,
					typeOnly: match[2] !== undefined,
				};
			});
			return { path: relative(ROOT, file), text, imports };
		});
}

const src = sourcesUnder(join(ROOT, 'src'));
const testing = sourcesUnder(join(ROOT, 'testing'));
const everything = [
	'controller/src',
	'controller/testing',
	'controller/test',
	'controller/bench',
	'infra',
	'e2e',
]
	.map(folder => join(REPOSITORY, folder))
	.flatMap(sourcesUnder);

const withoutComments = (text: string) =>
	text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** Files outside `homes` whose code matches. */
const strays = (pattern: RegExp, homes: readonly string[]) =>
	src
		.filter(({ path, text }) => !homes.includes(path) && pattern.test(withoutComments(text)))
		.map(({ path }) => path);

test('the engine knows neither JASM nor HTTP: runtime/ imports nothing outside itself but timers', t => {
	const outside = src
		.filter(({ path }) => path.startsWith('src/runtime/'))
		.flatMap(({ path, imports }) => imports.map(({ target }) => `${path} -> ${target}`))
		.filter(edge => !/ -> (src\/runtime\/|node:timers)/.test(edge));
	t.deepEqual(outside, []);
});

test('the embedded servers share no code with the controller, so they share no bugs', t => {
	const edges = testing.flatMap(({ path, imports }) => imports.map(({ target }) => `${path} -> ${target}`));
	t.deepEqual(
		edges.filter(edge => edge.includes(' -> src/')),
		[],
	);
});

test('the running controller never loads the embedded servers', t => {
	t.deepEqual(
		src
			.filter(({ imports }) => imports.some(({ target }) => target.startsWith('testing/')))
			.map(({ path }) => path),
		[],
	);
});

test('imports of the controller form no cycle', t => {
	const graph = new Map(
		src.map(({ path, imports }) => [path, imports.filter(i => !i.typeOnly).map(({ target }) => target)]),
	);
	const cycles: string[] = [];
	const done = new Set<string>();
	const walk = (path: string, trail: readonly string[]) => {
		if (trail.includes(path)) {
			cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
			return;
		}

		if (!done.has(path)) {
			for (const next of graph.get(path) ?? []) {
				walk(next, [...trail, path]);
			}

			done.add(path);
		}
	};
	for (const path of graph.keys()) {
		walk(path, []);
	}

	t.deepEqual(cycles, []);
});

test('@kubernetes/client-node is a value in the kubeconfig loader alone, and a type within kubernetes/', t => {
	const uses = src.flatMap(({ path, imports }) =>
		imports.filter(({ target }) => target.startsWith('@kubernetes/client-node')).map(i => ({ path, ...i })),
	);
	t.deepEqual(
		uses.filter(({ path, typeOnly }) =>
			typeOnly ? !path.startsWith('src/kubernetes/') : path !== 'src/kubernetes/kubeconfig.ts',
		),
		[],
	);
	t.true(uses.some(({ path }) => path === 'src/kubernetes/kubeconfig.ts'));
});

test('only kubernetes/ and the providers open connections to anybody', t => {
	const wire = /^node:(https?|http2|net|tls|dgram)$/;
	const addressesOnly = /import \{ (BlockList|isIP)(, (BlockList|isIP))* \} from 'node:net';/;
	const users = src
		.filter(({ imports }) => imports.some(({ target, typeOnly }) => !typeOnly && wire.test(target)))
		.filter(({ text }) => !addressesOnly.test(text))
		.map(({ path }) => path)
		.filter(path => !path.startsWith('src/kubernetes/') && !path.startsWith('src/providers/'));
	t.deepEqual(users, ['src/server.ts']);
});

test('a cloud SDK is loaded by its own provider alone', t => {
	const users = src
		.filter(({ imports }) => imports.some(({ target }) => /^@(aws-sdk|smithy|azure)\//.test(target)))
		.map(({ path }) => path);
	t.true(users.length > 0);
	t.deepEqual(
		users.filter(path => !/^src\/providers\/(aws|azure)-/.test(path)),
		[],
	);
});

test('the process and its environment are read at the edge alone', t => {
	t.deepEqual(strays(/\bprocess\s*\./, ['src/main.ts', 'src/config.ts']), []);
});

test('timers and clocks live in one file', t => {
	t.deepEqual(
		strays(/\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now)\b/, ['src/runtime/clock.ts']),
		[],
	);
});

test('nothing prints, fetches or patches', t => {
	t.deepEqual(strays(/\bconsole\./, []), []);
	t.deepEqual(strays(/\bfetch\(|undici/, []), []);
	t.deepEqual(strays(/['"]PATCH['"]/, []), []);
});

test('every file says its purpose first and stays under 300 lines', t => {
	const faults = everything.flatMap(({ path, text }) => [
		...(text.startsWith('// ') || text.startsWith('#!') ? [] : [`${path}: no header`]),
		...(text.split('\n').length > 301 ? [`${path}: ${text.split('\n').length} lines`] : []),
	]);
	t.deepEqual(faults, []);
});

// The architecture as a test: what each room may import, one home per hazard, file sizes.
import test from 'ava';
import { KINDS } from '../src/providers/registry.ts';
import { isIn, MAY_IMPORT, roomOf } from './helpers/architecture/rooms.ts';
import { sourcesUnder } from './helpers/architecture/sources.ts';

const src = sourcesUnder('controller/src');
const testing = sourcesUnder('controller/testing');
const everything = [
	...src,
	...testing,
	...['controller/test', 'controller/bench', 'infra', 'e2e', 'scripts'].flatMap(sourcesUnder),
];

const withoutComments = (text: string) =>
	text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** Files outside `homes` whose code matches. */
const strays = (pattern: RegExp, homes: readonly string[]) =>
	src
		.filter(({ path, text }) => !homes.includes(path) && pattern.test(withoutComments(text)))
		.map(({ path }) => path);

/** Imports within src, types too, as `from -> to`. */
const edges = src.flatMap(({ path, imports }) =>
	imports
		.filter(({ target }) => target.startsWith('src/'))
		.map(({ target }) => [path.slice('src/'.length), target.slice('src/'.length)] as const),
);

test('every file of src belongs to a room of the table, and no room is empty', t => {
	const rooms = src.map(({ path }) => [path, roomOf(path.slice('src/'.length))] as const);
	t.deepEqual(
		rooms.filter(([, room]) => room === undefined),
		[],
	);
	t.deepEqual([...new Set(rooms.map(([, room]) => room))].sort(), Object.keys(MAY_IMPORT).sort());
});

test('each room imports only the rooms that the table allows, types included', t => {
	t.deepEqual(
		edges
			.filter(([from, to]) => {
				const room = roomOf(from)!;
				return ![room, ...MAY_IMPORT[room]!].some(entry => isIn(to, entry));
			})
			.map(edge => edge.join(' -> ')),
		[],
	);
});

test('runtime/ imports no package and nothing of Node but timers', t => {
	const outside = src
		.filter(({ path }) => path.startsWith('src/runtime/'))
		.flatMap(({ path, imports }) => imports.map(({ target }) => `${path} -> ${target}`))
		.filter(edge => !/ -> (src\/runtime\/|node:timers)/.test(edge));
	t.deepEqual(outside, []);
});

test('runtime/, util/ and kubernetes/ know no product: its names occur in none of their files', t => {
	const named = src
		.filter(({ path }) => /^src\/(runtime|util|kubernetes)\//.test(path))
		.filter(({ text }) => /jasm|codnod/i.test(text))
		.map(({ path }) => path);
	t.deepEqual(named, []);
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

test('imports of the controller form no cycle, types included', t => {
	const graph = new Map(src.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
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

test('the running controller uses no other client for Kubernetes than its own', t => {
	t.deepEqual(
		src
			.filter(({ imports }) => imports.some(({ target }) => target.startsWith('@kubernetes/client-node')))
			.map(({ path }) => path),
		[],
	);
});

test('only kubernetes/ and the providers open connections to anybody', t => {
	const wire = /^node:(https?|http2|net|tls|dgram)$/;
	const addressesOnly = /import \{ (BlockList|isIP)(, (BlockList|isIP))* \} from 'node:net';/;
	const users = src
		.filter(({ imports }) => imports.some(({ target, typeOnly }) => !typeOnly && wire.test(target)))
		.filter(({ text }) => !addressesOnly.test(text))
		.map(({ path }) => path)
		.filter(path => !path.startsWith('src/kubernetes/') && !path.startsWith('src/providers/'));
	t.deepEqual(users, ['src/observability/endpoints.ts', 'src/changes/webhook/server.ts']);
});

test('a cloud SDK is loaded by its own provider alone', t => {
	const users = src
		.filter(({ imports }) => imports.some(({ target }) => /^@(aws-sdk|smithy|azure)\//.test(target)))
		.map(({ path }) => path);
	t.true(users.length > 0);
	t.deepEqual(
		users.filter(path => !/^src\/providers\/(aws|azure)\//.test(path)),
		[],
	);
});

test('a kind of provider is one folder, which only the registry and the needs of an installation reach into', t => {
	const kinds = /^src\/providers\/(?!shared\/)([a-z]+)\//;
	const strangers = src.flatMap(({ path, imports }) =>
		imports
			.filter(({ target }) => kinds.test(target) && kinds.exec(target)?.[1] !== kinds.exec(path)?.[1])
			.map(({ target }) => `${path} -> ${target}`),
	);
	const byRegistry = strangers.filter(edge => /^src\/providers\/registry\.ts -> .*\/kind\.ts$/.test(edge));
	t.is(byRegistry.length, KINDS.length);
	t.deepEqual(
		strangers.filter(edge => !byRegistry.includes(edge) && !edge.startsWith('src/installation.ts -> ')),
		[],
	);
});

test('the process and its environment are read at the edge alone', t => {
	t.deepEqual(strays(/\bprocess\s*\./, ['src/main.ts', 'src/config/config.ts']), []);
});

test('timers and clocks live in one file', t => {
	t.deepEqual(
		strays(/\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now)\b/, ['src/runtime/clock.ts']),
		[],
	);
});

test('nothing prints or fetches, and nothing but pods is patched', t => {
	t.deepEqual(strays(/\bconsole\./, []), []);
	t.deepEqual(strays(/\bfetch\(|undici/, []), []);
	t.deepEqual(
		strays(/['"](PATCH|patch)['"]/, [
			'src/kubernetes/http/connection.ts',
			'src/kubernetes/http/rest.ts',
			'src/kubernetes/client.ts',
			// Leaves out what the response to a patch says.
			'src/kubernetes/status.ts',
			'src/manager/rights.ts',
		]),
		[],
	);
	const client = src.find(({ path }) => path === 'src/kubernetes/client.ts')!.text;
	t.deepEqual(
		client.match(/verb: 'patch',\s*resource: '[a-z]+'/g)?.map(text => text.replace(/\s+/g, ' ')),
		["verb: 'patch', resource: 'pods'"],
	);
});

test('every file says its purpose first and stays under 300 lines', t => {
	const faults = everything.flatMap(({ path, text }) => [
		...(text.startsWith('// ') || text.startsWith('#!') ? [] : [`${path}: no header`]),
		...(text.split('\n').length > 301 ? [`${path}: ${text.split('\n').length} lines`] : []),
	]);
	t.deepEqual(faults, []);
});

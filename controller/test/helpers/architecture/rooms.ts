// The rooms of the controller and what each may import from the others.
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folders of the provider kinds. */
const kinds = readdirSync(resolve(import.meta.dirname, '../../../src/providers'), { withFileTypes: true })
	.filter(entry => entry.isDirectory() && entry.name !== 'shared')
	.map(({ name }) => `providers/${name}/`);

/** Rooms that know no product: every room above may import them. */
const BASE = ['runtime/', 'util/'];

const KIND = [
	...BASE,
	'certificates/',
	'errors.ts',
	'providers/shared/',
	'providers/notice.ts',
	'providers/provider.ts',
	'providers/secret-value.ts',
];

/**
 * What each room of src may import from other rooms, lowest room first. An entry is a folder (with its slash) or a
 * file; a room may always import itself. If two rooms match a file, the longer one counts. The reasons are in
 * docs/decisions, "What each room may import".
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
	'version.ts': [],
	'error-codes.ts': [],
	'errors.ts': ['error-codes.ts'],
	'runtime/': [],
	'util/': [],
	'certificates/': [],
	'kubernetes/': BASE,
	'policy/': ['errors.ts', 'util/', 'kubernetes/names.ts'],
	'providers/secret-value.ts': [],
	'providers/notice.ts': [],
	'providers/provider.ts': ['runtime/', 'providers/notice.ts', 'providers/secret-value.ts'],
	'providers/shared/': [...BASE, 'errors.ts', 'providers/provider.ts', 'providers/secret-value.ts'],
	...Object.fromEntries(kinds.map(kind => [kind, KIND])),
	'providers/registry.ts': [
		...BASE,
		'errors.ts',
		'providers/notice.ts',
		'providers/provider.ts',
		'providers/secret-value.ts',
		...kinds,
	],
	'requests/': [...BASE, 'errors.ts', 'kubernetes/names.ts', 'kubernetes/types.ts'],
	'config/': ['errors.ts', 'util/', 'kubernetes/names.ts', 'policy/', 'providers/'],
	'observability/': [
		'errors.ts',
		'runtime/object-ref.ts',
		'util/',
		'kubernetes/event-recorder.ts',
		'kubernetes/types.ts',
		'requests/',
	],
	'gates/': [...BASE, 'errors.ts', 'kubernetes/client.ts', 'requests/', 'observability/'],
	'sync/': [
		'gates/',
		...BASE,
		'certificates/',
		'errors.ts',
		'kubernetes/client.ts',
		'kubernetes/encoded-json.ts',
		'kubernetes/errors.ts',
		'kubernetes/names.ts',
		'kubernetes/reviews.ts',
		'kubernetes/types.ts',
		'policy/',
		'providers/provider.ts',
		'providers/secret-value.ts',
		'requests/',
		'observability/',
	],
	'restarts/': [...BASE, 'errors.ts', 'kubernetes/client.ts', 'requests/', 'observability/'],
	'changes/': [
		...BASE,
		'errors.ts',
		'providers/notice.ts',
		'providers/provider.ts',
		'providers/shared/',
		'requests/',
		'observability/',
		'sync/',
	],
	'manager/': [
		'changes/',
		...BASE,
		'errors.ts',
		'kubernetes/',
		'policy/',
		'providers/provider.ts',
		'providers/registry.ts',
		'requests/',
		'config/',
		'observability/',
		'gates/',
		'restarts/',
		'sync/',
	],
	// The edges of the package: what runs it, what embeds it, what installs it.
	'main.ts': ['version.ts', 'errors.ts', 'config/', 'observability/', 'manager/'],
	'index.ts': [''],
	'installation.ts': [''],
};

/** Whether an entry of the table covers the file. */
export const isIn = (path: string, entry: string) =>
	path === entry || (/^$|\/$/.test(entry) && path.startsWith(entry));

/** The room of a file of src, by its path within src. */
export const roomOf = (path: string) =>
	Object.keys(MAY_IMPORT)
		.filter(room => isIn(path, room))
		.sort((a, b) => b.length - a.length)[0];

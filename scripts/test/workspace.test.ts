// Facts that stand in two files of the workspace.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { currentVersion, placesOf, versionedFiles, withVersion } from '../versions.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const root = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };

test('engines are checked against the Node that the workspace installs', t => {
	const checked = /^nodeVersion: (.*)$/m.exec(read('pnpm-workspace.yaml'))?.[1];
	t.deepEqual(new Set(Object.values(root.optionalDependencies)), new Set([checked]));
});

test('every place that carries the version of JASM has that of the root', t => {
	const places = versionedFiles().flatMap(file => placesOf(file, read(file)));
	t.deepEqual(
		places.filter(({ version }) => version !== currentVersion()),
		[],
	);
	const files = new Set(places.map(({ file }) => file));
	for (const file of [
		'package.json',
		'controller/package.json',
		'infra/package.json',
		'controller/src/version.ts',
		'deploy/write-only.yaml',
		'docs/install.md',
	]) {
		t.true(files.has(file), file);
	}
});

test('a new version is written into packages, sources, manifests and the manual, and nowhere else', t => {
	const cases: [file: string, before: string, after: string][] = [
		[
			'infra/package.json',
			'\t"version": "0.1.0",\n\t"zod": "0.1.0"',
			'\t"version": "1.2.0-rc.1",\n\t"zod": "0.1.0"',
		],
		['controller/src/version.ts', "export const VERSION = '0.1.0';", "export const VERSION = '1.2.0-rc.1';"],
		[
			'deploy/a.yaml',
			'image: REGISTRY/jasm-controller:0.1.0 # EDIT',
			'image: REGISTRY/jasm-controller:1.2.0-rc.1 # EDIT',
		],
		['docs/a.md', 'newTag: 0.1.0}, node 0.1.0', 'newTag: 1.2.0-rc.1}, node 0.1.0'],
	];
	for (const [file, before, after] of cases) {
		t.is(withVersion(file, before, '1.2.0-rc.1'), after);
	}
});

test('the changelog has a heading for the version', t => {
	t.regex(read('CHANGELOG.md'), new RegExp(`^## ${currentVersion().replaceAll('.', '\\.')}`, 'm'));
});

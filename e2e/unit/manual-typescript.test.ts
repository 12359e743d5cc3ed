// TypeScript of the manual: compiles as pasted, under `strict`, in a folder outside of the workspace.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ROOT } from '../cluster/workspace.ts';
import { fileNames, manual, place } from '../users/manual.ts';

/** Packages that a program of a reader has installed, and the workspace's folder that has them. */
const PACKAGES: Readonly<Record<string, string>> = {
	'@jasm/controller': 'controller',
	'@jasm/infra': 'infra',
	'@pulumi/aws': 'infra/node_modules/@pulumi/aws',
	'@pulumi/kubernetes': 'infra/node_modules/@pulumi/kubernetes',
	'@pulumi/pulumi': 'infra/node_modules/@pulumi/pulumi',
	'@types/node': 'node_modules/@types/node',
	zod: 'controller/node_modules/zod',
};

test('every TypeScript block of the manual compiles as it stands', async t => {
	t.timeout(240_000, 'the compiler reads the types of two SDKs');
	const folder = mkdtempSync(join(tmpdir(), 'jasm-manual-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	for (const [name, source] of Object.entries(PACKAGES)) {
		const link = join(folder, 'node_modules', name);
		mkdirSync(join(link, '..'), { recursive: true });
		symlinkSync(join(ROOT, source), link);
	}
	const blocks = manual().filter(({ language }) => language === 'ts');
	t.true(blocks.length >= 3);
	const pages = Object.entries(Object.groupBy(blocks, ({ page }) => page));
	for (const [page, found = []] of pages) {
		// The blocks of one page are the files of one program, and import each other by the names that the page gives them.
		const own = join(folder, page.replaceAll(/\W/g, '-'));
		mkdirSync(own);
		const names = fileNames(found);
		for (const [index, block] of found.entries()) writeFileSync(join(own, names[index] ?? ''), block.text);
	}
	const options = {
		target: 'es2024',
		module: 'nodenext',
		strict: true,
		noEmit: true,
		skipLibCheck: true,
		types: ['node'],
		allowImportingTsExtensions: true,
	};
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
	writeFileSync(
		join(folder, 'tsconfig.json'),
		JSON.stringify({ compilerOptions: options, include: ['*/*.ts'] }),
	);
	const tsc = join(ROOT, 'node_modules/.bin/tsc');
	const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch(
		error => error as { stdout: string },
	);
	t.is(stdout, '', blocks.map(place).join(', '));
});

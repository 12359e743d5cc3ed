// Copies what controller/Dockerfile needs into an empty folder: a build must not send the whole workspace.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the Dockerfile copies. */
export const SOURCES = [
	'package.json',
	'pnpm-workspace.yaml',
	'pnpm-lock.yaml',
	'tsconfig.base.json',
	'scripts',
	'controller',
	'infra/package.json',
	'e2e/package.json',
];

const LEFT_OUT = ['node_modules', 'dist', 'lib', 'coverage'];

/** Makes `target` the build context; whatever was there is gone. */
export function stageContext(target: string): void {
	rmSync(target, { recursive: true, force: true });
	mkdirSync(target, { recursive: true });
	for (const source of SOURCES) {
		cpSync(join(ROOT, source), join(target, source), {
			recursive: true,
			filter: path => !LEFT_OUT.includes(basename(path)),
		});
	}
}

if (import.meta.main) {
	const [target] = process.argv.slice(2);
	if (target === undefined) throw new Error('usage: node context.ts FOLDER');
	stageContext(resolve(target));
}

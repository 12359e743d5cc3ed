// The name of the controller's image: its tag follows the content of the sources, so a change rolls the pods.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository: the context of the build. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// Everything that the image is made of. A change of any other file must not roll the pods.
const SOURCES = [
	'controller/src',
	'controller/build.ts',
	'controller/package.json',
	'controller/Dockerfile',
	'infra/image',
	'pnpm-lock.yaml',
];

/** Name and content tag of the image that the sources under `root` make, such as `jasm-controller:0123456789ab`. */
export function imageName(root = ROOT): string {
	const files = SOURCES.flatMap(source => filesOf(join(root, source)));
	const entries = files.map(file => [relative(root, file).split(sep).join('/'), readFileSync(file)] as const);
	return `jasm-controller:${contentHash(entries)}`;
}

/** Twelve hex digits over names and contents, independent of the order in which they are listed; pure. */
export function contentHash(entries: readonly (readonly [path: string, content: Uint8Array])[]): string {
	const hash = createHash('sha256');
	for (const [path, content] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
		hash.update(`${path.length}:${path}:${content.length}:`).update(content);
	}
	return hash.digest('hex').slice(0, 12);
}

function filesOf(path: string): string[] {
	let entries: string[];
	try {
		entries = readdirSync(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
		throw error;
	}
	return entries.flatMap(entry => filesOf(join(path, entry)));
}

// A folder of a test's own, gone with it; files in it are swapped in one step, as the kubelet swaps them.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

export type Folder = {
	readonly path: string;
	/** Creates or replaces a file; returns its path. */
	write(name: string, text: string): string;
};

export function folder(t: ExecutionContext): Folder {
	const path = mkdtempSync(join(tmpdir(), 'jasm-'));
	t.teardown(() => rmSync(path, { recursive: true, force: true }));
	return {
		path,
		write(name, text) {
			const file = join(path, name);
			mkdirSync(dirname(file), { recursive: true });
			writeFileSync(`${file}.new`, text);
			renameSync(`${file}.new`, file);
			return file;
		},
	};
}

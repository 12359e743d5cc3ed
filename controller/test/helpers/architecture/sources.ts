// The TypeScript sources of the repository, with what each imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const CONTROLLER = resolve(import.meta.dirname, '../../..');
const REPOSITORY = resolve(CONTROLLER, '..');

export type Source = {
	/** Relative to the controller's folder. */
	readonly path: string;
	readonly text: string;
	readonly imports: readonly Import[];
};
/** `target` is a path like that of a source, or the name of a package. */
export type Import = { readonly target: string; readonly typeOnly: boolean };

const IMPORT =
	/(?:^|\n)\s*(import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;

/** `folder` is relative to the repository. */
export function sourcesUnder(folder: string): Source[] {
	const root = join(REPOSITORY, folder);
	return readdirSync(root, { recursive: true, encoding: 'utf8' })
		.filter(name => name.endsWith('.ts') && !name.includes('node_modules') && !/^(dist|lib)\//.test(name))
		.map(name => {
			const file = join(root, name);
			const text = readFileSync(file, 'utf8');
			const imports = [...text.matchAll(IMPORT)].map(match => {
				const target = match[3] ?? match[4]!;
				return {
					target: target.startsWith('.') ? relative(CONTROLLER, resolve(dirname(file), target)) : target,
					typeOnly: match[2] !== undefined,
				};
			});
			return { path: relative(CONTROLLER, file), text, imports };
		});
}

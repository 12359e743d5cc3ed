// The configurations that the manual shows, wherever in a page they stand: alone, in a stack file, inside of a patch.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { configJsonSchema } from '../../src/config/schema.ts';

const ROOT = join(import.meta.dirname, '../../..');

export type DocumentedConfig = {
	/** Page and line. */
	readonly place: string;
	readonly config: Readonly<Record<string, unknown>>;
};

/** A block of YAML in a page. */
type Block = { readonly place: string; readonly text: string };

export function yamlBlocks(): Block[] {
	return globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).flatMap(page => {
		const text = readFileSync(join(ROOT, page), 'utf8');
		return Array.from(text.matchAll(/^( *)```ya?ml\n(.*?)^\1```/gms), match => {
			const line = text.slice(0, match.index).split('\n').length;
			const lines = match[2]!.replaceAll(new RegExp(`^${match[1]}`, 'gm'), '');
			return { place: `${page}:${line}`, text: lines };
		});
	});
}

/** The same configuration may stand in several places. */
export const documentedConfigs = (): DocumentedConfig[] =>
	yamlBlocks().flatMap(({ place, text }) => configsIn(load(text)).map(config => ({ place, config })));

const FIELDS = Object.keys((configJsonSchema() as { readonly properties: object }).properties);

/** Fields of a stack file that become the configuration of the controller. */
const STACK = { 'jasm:providers': 'providers', 'jasm:policy': 'policy', 'jasm:limits': 'limits' } as const;

export function configsIn(node: unknown): Readonly<Record<string, unknown>>[] {
	if (typeof node === 'string') {
		// A text that is a document by itself: a patch, or the file inside of one.
		return /^ *(providers|policy|profile):/m.test(node) ? configsIn(load(node)) : [];
	}

	if (typeof node !== 'object' || node === null) {
		return [];
	}

	// The resources of a container have limits too, which are not those of a configuration.
	const entries = Object.entries(node).filter(([field]) => field !== 'resources');
	if (!Array.isArray(node) && entries.length > 0 && entries.every(([field]) => FIELDS.includes(field))) {
		return [Object.fromEntries(entries)];
	}

	const stack = Object.entries(STACK).flatMap(([field, name]) =>
		field in node ? [[name, (node as Record<string, unknown>)[field]] as const] : [],
	);
	return stack.length > 0 ? [Object.fromEntries(stack)] : entries.flatMap(([, value]) => configsIn(value));
}

// The manual as its reader sees it: the fenced blocks of README.md and docs/, with their section and their marker.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../cluster/workspace.ts';

export type Block = {
	/** Path of the page from the repository's root. */
	readonly page: string;
	/** Line of the opening fence, from 1. */
	readonly line: number;
	/** Text of the nearest heading above. */
	readonly section: string;
	/** Language after the fence, such as `sh`; empty if none is named. */
	readonly language: string;
	/** The block's text without the indentation of its fence. */
	readonly text: string;
	/** Reason of a comment `<!-- not run: reason -->` right above the block. */
	readonly notRun: string | undefined;
};

const FENCE = /^( *)```(\S*)\s*$/;
const HEADING = /^#+ +(.*\S)\s*$/;
const NOT_RUN = /^ *<!-- not run: (.*\S) -->\s*$/;

/** Where a block stands, such as `docs/install.md:42`. */
export function place({ page, line }: Pick<Block, 'page' | 'line'>): string {
	return `${page}:${line}`;
}

/** The fenced blocks of one page, from top to bottom. Throws if a fence is not closed. */
export function fencedBlocks(page: string, text: string): Block[] {
	const lines = text.split('\n');
	const blocks: Block[] = [];
	let section = '';
	let notRun: string | undefined;
	for (let index = 0; index < lines.length; index++) {
		const line = lines[index] ?? '';
		const [, indent, language] = FENCE.exec(line) ?? [];
		if (indent === undefined || language === undefined) {
			section = HEADING.exec(line)?.[1] ?? section;
			// Only an empty line may stand between the marker and its block.
			notRun = NOT_RUN.exec(line)?.[1] ?? (line.trim() === '' ? notRun : undefined);
			continue;
		}
		const end = lines.findIndex((other, at) => at > index && other.trim() === '```');
		if (end === -1) throw new Error(`${page}:${index + 1}: the fence is not closed`);
		const inside = lines.slice(index + 1, end);
		const body = inside.map(row => (row.startsWith(indent) ? row.slice(indent.length) : row.trimStart()));
		blocks.push({ page, line: index + 1, section, language, text: body.join('\n'), notRun });
		notRun = undefined;
		index = end;
	}
	return blocks;
}

/** Paths of the pages that the manual consists of. */
export function pages(root = ROOT): string[] {
	const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
	const own = docs.filter(name => name.endsWith('.md')).map(name => join('docs', name).replaceAll('\\', '/'));
	return ['README.md', ...own.sort()];
}

/** Every fenced block of the manual. */
export function manual(root = ROOT): Block[] {
	return pages(root).flatMap(page => fencedBlocks(page, readFileSync(join(root, page), 'utf8')));
}

/**
 * Names of the files that the TypeScript blocks of one page are. A block that imports another one is `main.ts`; the
 * others have the names that it imports, in the same order.
 */
export function fileNames(blocks: readonly Block[]): string[] {
	const imports = /from '\.\/([\w-]+\.ts)'/g;
	const names = blocks.flatMap(({ text }) => [...text.matchAll(imports)].map(match => match[1] ?? ''));
	return blocks.map(({ text }) => (text.search(imports) === -1 ? names.shift() : undefined) ?? 'main.ts');
}

/** The blocks that a reader pastes into a shell. */
export function shellBlocks(blocks: readonly Block[]): Block[] {
	return blocks.filter(({ language }) => language === 'sh');
}

// A reader who follows the manual: pastes its blocks, in order and as they stand, and keeps account of them.

import type { Environment } from '../cluster/workspace.ts';
import { type Block, manual, place, shellBlocks } from './manual.ts';
import { Terminal } from './terminal.ts';

/** Where the blocks of a page, or of one section of it, are run. */
export type Reading = {
	readonly page: string;
	/** Absent: every block of the page. */
	readonly section?: string;
	readonly where: 'pnpm test' | 'pnpm e2e';
};

const INSTALL = 'docs/install.md';
const inInstall = (section: string): Reading => ({ page: INSTALL, section, where: 'pnpm e2e' });

/** Every section with blocks that are run. A block that is in none of them needs the marker `not run`. */
export const READINGS: readonly Reading[] = [
	{ page: 'README.md', where: 'pnpm e2e' },
	inInstall('What you need'),
	inInstall('The workspace'),
	inInstall('On minikube, with AWS'),
	inInstall('Your own pod'),
	inInstall('What is checked before anything is touched'),
	inInstall('Where no image can be pulled'),
	inInstall('Uninstall'),
	inInstall('Without AWS: an emulator'),
	inInstall('Without AWS: Vault only'),
	inInstall('With Vault or OpenBao'),
	inInstall('On EKS'),
	inInstall('With kubectl only'),
	{ page: 'docs/providers/vault.md', section: 'Set-up: Kubernetes auth', where: 'pnpm e2e' },
	{ page: 'docs/operations.md', section: 'Tasks', where: 'pnpm e2e' },
	{ page: 'docs/errors.md', where: 'pnpm e2e' },
	{ page: 'docs/start.md', section: 'For the operator', where: 'pnpm e2e' },
	{ page: 'docs/providers/custom.md', where: 'pnpm test' },
];

/** The reading that a block belongs to; undefined if it is run nowhere. */
export function readingOf({ page, section }: Block): Reading | undefined {
	return READINGS.find(reading => reading.page === page && (reading.section ?? section) === section);
}

export class Reader {
	readonly #blocks: readonly Block[];
	readonly #env: Environment;
	readonly #words: ReadonlyMap<string, string>;
	/** The last line of each section that a terminal got. */
	readonly #lines = new WeakMap<Terminal, Map<string, number>>();
	/** Places of the blocks that were pasted. */
	#pasted = new Set<string>();

	/** `words`: names of the manual that this machine knows by another name, such as the host as pods see it. */
	constructor({ env, words = {} }: { env: Environment; words?: Record<string, string> }) {
		this.#blocks = manual();
		this.#env = env;
		this.#words = new Map(Object.entries(words));
	}

	/** The same reader, who has learnt names of this machine. Both keep one account of pasted blocks. */
	with(words: Record<string, string>): Reader {
		const next = new Reader({ env: this.#env, words });
		next.#pasted = this.#pasted;
		return next;
	}

	/** Opens a terminal. `path` goes before the other folders with commands. */
	open(
		name: string,
		cwd: string,
		{ path, env = {} }: { path?: string | undefined; env?: Environment } = {},
	): Terminal {
		const PATH = [path, this.#env['PATH']].filter(Boolean).join(':');
		return new Terminal({ name, cwd, env: { ...this.#env, ...env, PATH } });
	}

	/** The shell blocks of a section that are run, from top to bottom. Throws if the manual has none. */
	section(page: string, section?: string): Block[] {
		const found = shellBlocks(this.#blocks).filter(
			block =>
				block.page === page && block.notRun === undefined && (section ?? block.section) === block.section,
		);
		if (found.length === 0) throw new Error(`${page} has no block to run in section "${section}"`);
		return found;
	}

	/** The blocks of another language in a section, with the words of this machine. */
	snippets(page: string, section: string, language: string): string[] {
		return this.#blocks
			.filter(block => block.page === page && block.section === section && block.language === language)
			.map(({ text }) => this.#said(text));
	}

	/** Pastes blocks one after the other and returns what they printed. Throws if a command fails, or out of order. */
	async paste(terminal: Terminal, ...blocks: readonly Block[]): Promise<string> {
		let said = '';
		for (const block of blocks) {
			this.#inOrder(terminal, block);
			const { output, failed } = await terminal.paste(this.#said(block.text));
			this.#pasted.add(place(block));
			if (failed.length > 0)
				throw new Error(`${place(block)}: failed: ${failed.join('; ')}\n${output.trim().slice(-1500)}`);
			said += output;
		}
		return said;
	}

	/** Pastes a block whose last command stays until the terminal closes; returns what `ready` captures. */
	async start(terminal: Terminal, block: Block, ready: RegExp): Promise<string> {
		this.#inOrder(terminal, block);
		const captured = await terminal.start(this.#said(block.text), ready);
		this.#pasted.add(place(block));
		return captured;
	}

	/** Blocks that this run had to paste and did not. */
	unread(): Block[] {
		return shellBlocks(this.#blocks).filter(
			block =>
				block.notRun === undefined &&
				readingOf(block)?.where === 'pnpm e2e' &&
				!this.#pasted.has(place(block)),
		);
	}

	/** Blocks that no run pastes, with the reason that the manual's source gives. */
	notRun(): Block[] {
		return shellBlocks(this.#blocks).filter(({ notRun }) => notRun !== undefined);
	}

	get count(): number {
		return this.#pasted.size;
	}

	/** A section is read from top to bottom: a terminal gets none of its blocks after a later one. */
	#inOrder(terminal: Terminal, block: Block): void {
		const lines = this.#lines.get(terminal) ?? new Map<string, number>();
		this.#lines.set(terminal, lines);
		const section = `${block.page}#${block.section}`;
		if (block.line <= (lines.get(section) ?? 0)) throw new Error(`${place(block)} is pasted out of order`);
		lines.set(section, block.line);
	}

	#said(text: string): string {
		return [...this.#words].reduce((said, [word, own]) => said.replaceAll(word, own), text);
	}
}

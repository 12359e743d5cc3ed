// A terminal into which a reader pastes blocks: one bash that keeps its variables, its folder and its jobs.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onEnd } from '../cluster/cleanup.ts';
import { endGroup, logFile } from '../cluster/processes.ts';
import { type Environment, PATHS } from '../cluster/workspace.ts';

/** What one pasted block did. */
export type Pasted = {
	/** Standard output and standard error as they came. */
	readonly output: string;
	/** The commands that failed. Later commands of the block run nevertheless, as in a person's terminal. */
	readonly failed: readonly string[];
};

// A reader's shell goes on after a failed command; the trap notes it. Conditions (`||`, `if`) do not trigger it.
const PRELUDE = `
set -E
trap '__failed+=("$BASH_COMMAND")' ERR
`;

export class Terminal {
	readonly #name: string;
	readonly #shell: ChildProcess;
	readonly #log: ReturnType<typeof logFile>;
	readonly #ended: Promise<void>;
	#said = '';
	#count = 0;
	#heard: () => void = () => {};

	/** Opens a terminal in a folder; it ends with the run at the latest. */
	constructor({ name, cwd, env }: { name: string; cwd: string; env: Environment }) {
		this.#name = name;
		mkdirSync(PATHS.blocks, { recursive: true });
		this.#shell = spawn('bash', ['--noprofile', '--norc'], { cwd, env, detached: true });
		this.#log = logFile(`terminal-${name}`);
		this.#ended = new Promise(resolve => this.#shell.once('close', () => resolve()));
		for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
			stream?.setEncoding('utf8').on('data', (text: string) => {
				this.#said += text;
				this.#log.write(text);
				this.#heard();
			});
		}
		this.#shell.stdin?.on('error', () => {}).write(PRELUDE);
		onEnd(`terminal ${name}`, () => endGroup(this.#shell, this.#ended));
	}

	/** Pastes a block and waits for its last command. Commands find an empty standard input. */
	async paste(text: string, { timeoutMs = 600_000 } = {}): Promise<Pasted> {
		const { end, from } = this.#send(text);
		await this.#until(() => end.exec(this.#said.slice(from)) !== null, timeoutMs, `the end of\n${text}`);
		const said = this.#said.slice(from);
		const match = end.exec(said);
		const failed = (match?.[1] ?? '').split('\u001f').filter(command => command !== '');
		return { output: said.slice(0, match?.index), failed };
	}

	/** Pastes a block whose last command stays, and waits for what it prints. Ends with `interrupt`. */
	async start(text: string, ready: RegExp, timeoutMs = 300_000): Promise<string> {
		const { from } = this.#send(text);
		await this.#until(() => ready.test(this.#said.slice(from)), timeoutMs, `${ready} from\n${text}`);
		return ready.exec(this.#said.slice(from))?.[1] ?? '';
	}

	/** Ends the terminal with everything that runs in it, as closing its window does. */
	close(): Promise<void> {
		return endGroup(this.#shell, this.#ended);
	}

	/** The variables that the terminal exports now. */
	async environment(): Promise<Environment> {
		const { output } = await this.paste('env -0');
		const pairs = output.split('\0').map(pair => pair.trimStart().split(/=(.*)/s) as [string, string]);
		return Object.fromEntries(pairs.filter(([name]) => /^\w+$/.test(name) && name !== '_'));
	}

	#send(text: string): { end: RegExp; from: number } {
		const block = ++this.#count;
		const file = join(PATHS.blocks, `${this.#name}-${block}.sh`);
		writeFileSync(file, `${text}\n`);
		this.#log.write(`$ # block ${block}\n${text.replace(/^/gm, '$ ')}\n`);
		const from = this.#said.length;
		const failed = `"$(IFS=$'\\037'; printf %s "\${__failed[*]}" | tr '\\n' ' ')"`;
		this.#shell.stdin?.write(
			`__failed=(); source '${file}' </dev/null; printf '\\n--- end of block ${block}: %s ---\\n' ${failed}\n`,
		);
		return { end: new RegExp(`\\n--- end of block ${block}: (.*) ---\\n`), from };
	}

	#until(done: () => boolean, timeoutMs: number, what: string): Promise<void> {
		return new Promise((resolve, reject) => {
			const look = () => {
				if (!done()) return;
				clearTimeout(timer);
				resolve();
			};
			const fail = (why: string) =>
				reject(
					new Error(`terminal ${this.#name}: ${why} before ${what}\nlast lines:\n${this.#said.slice(-1500)}`),
				);
			const timer = setTimeout(() => fail(`${timeoutMs / 1000} s passed`), timeoutMs);
			void this.#ended.then(() => done() || fail('it ended'));
			this.#heard = look;
			look();
		});
	}
}

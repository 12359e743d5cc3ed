// The controller as a process of its own, from its sources or as it is built.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { LogSink } from './log-sink.ts';

const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;

export type ControllerProcessOptions = {
	readonly argv: readonly string[];
	/** The whole environment. */
	readonly env: Readonly<Record<string, string>>;
	/** A module that runs in the process before it starts. */
	readonly preload?: string;
	/** What is run. Default: the sources. */
	readonly main?: string;
	/** Flags of Node. Default: none. */
	readonly nodeFlags?: readonly string[];
};

export type Exit = { readonly code: number | null; readonly signal: string | null };

export class ControllerProcess {
	/** Standard output, line by line. */
	readonly log = new LogSink();
	/** Whatever came out at standard error. */
	stderr = '';
	readonly exited: Promise<Exit>;
	readonly #child: ChildProcess;

	constructor({ argv, env, preload, main = MAIN, nodeFlags = [] }: ControllerProcessOptions) {
		const node = preload === undefined ? [] : ['--import', preload];
		this.#child = spawn(process.execPath, [...nodeFlags, ...node, main, ...argv], {
			env,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let rest = '';
		this.#child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
			const lines = (rest + chunk).split('\n');
			rest = lines.pop()!;
			this.log.write(lines.join('\n'));
		});
		this.#child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
			this.stderr += chunk;
		});
		this.exited = once(this.#child, 'close').then(([code, signal]) => {
			this.log.write(rest);
			return { code, signal };
		});
	}

	get running(): boolean {
		return this.#child.exitCode === null && this.#child.signalCode === null;
	}

	signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGUSR2'): void {
		this.#child.kill(name);
	}

	/** Resolves when it says that it leads: it writes from here on, once every live pod is known. */
	async leading(): Promise<this> {
		await this.log.waitFor({ message: 'leading' });
		return this;
	}

	/** Status and text of a page of the probe port. */
	async probe(path: string): Promise<{ readonly status: number; readonly text: string }> {
		const { healthPort } = await this.log.waitFor({ message: 'starting' });
		const [response] = await once(
			get({ host: '127.0.0.1', port: healthPort as number, path, agent: false }),
			'response',
		);
		const chunks: Buffer[] = await response.toArray();
		return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
	}
}

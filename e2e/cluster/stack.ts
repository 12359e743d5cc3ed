// A Pulumi stack of the clone: the repository's own program under the real CLI, in its own folder.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpYaml, loadYaml } from '@kubernetes/client-node';
import { must, run } from './processes.ts';
import { type Environment, PATHS } from './workspace.ts';

/** The stack of the manual's main path, made from the committed file of the stack `minikube`. */
export const STACK = 'dev';
export const TEMPLATE = 'Pulumi.minikube.yaml';

/** What became of the stack's resources: `created`, `updated`, `replaced`, `deleted`, `unchanged`. */
export type Outcome = {
	readonly ok: boolean;
	readonly output: string;
	readonly counts: Readonly<Record<string, number>>;
	readonly tookMs: number;
};

export type Config = Readonly<Record<string, unknown>>;
type Verb = 'up' | 'preview' | 'refresh' | 'destroy';

export class Stack {
	readonly #env: Environment;
	readonly #name: string;

	/** A stack of the clone, in the environment that its reader has. */
	constructor({ env, name = STACK }: { env: Environment; name?: string }) {
		this.#env = env;
		this.#name = name;
	}

	/** Pastes YAML of the manual into the stack's file: each key replaces the present one. */
	paste(yaml: string): void {
		const settings = this.#read();
		const config = { ...(settings['config'] as object), ...loadYaml<object>(yaml) };
		this.#write({ ...settings, config });
	}

	/** Sets keys of the project's own namespace in the stack's file; undefined removes one. */
	configure(values: Config): void {
		const settings = this.#read();
		const config = { ...(settings['config'] as Record<string, unknown>) };
		for (const [key, value] of Object.entries(values)) {
			if (value === undefined) delete config[`jasm:${key}`];
			else config[`jasm:${key}`] = value;
		}
		this.#write({ ...settings, config });
	}

	/** A configured value of the project's own namespace. */
	setting(key: string): unknown {
		return this.config[`jasm:${key}`];
	}

	/** Runs a verb to its end; `env` is added to the environment, to try a guard. */
	async apply(verb: Verb, options: { args?: string[]; env?: Environment } = {}): Promise<Outcome> {
		const always = ['--non-interactive', '--color', 'never', '--stack', this.#name];
		const confirmed = verb === 'preview' ? [] : ['--yes', '--skip-preview'];
		const began = Date.now();
		const { code, stdout, stderr } = await run(
			'pulumi',
			[verb, ...always, ...confirmed, ...(options.args ?? [])],
			{
				env: { ...this.#env, ...options.env },
				cwd: PATHS.clone,
				log: 'pulumi',
				timeoutMs: 600_000,
			},
		);
		const output = `${stdout}\n${stderr}`;
		return { ok: code === 0, output, counts: counts(output), tookMs: Date.now() - began };
	}

	async outputs(): Promise<Record<string, unknown>> {
		return JSON.parse(await this.#must('stack', 'output', '--json', '--stack', STACK));
	}

	/** The state as it lies on disk. */
	export(): Promise<string> {
		return this.#must('stack', 'export', '--stack', STACK);
	}

	#must(...args: string[]): Promise<string> {
		return must('pulumi', [...args, '--non-interactive'], {
			env: this.#env,
			cwd: PATHS.clone,
			log: 'pulumi',
		});
	}

	get #file(): string {
		return join(PATHS.clone, `Pulumi.${this.#name}.yaml`);
	}

	/** What the stack's file says. */
	get config(): Record<string, unknown> {
		return (this.#read()['config'] ?? {}) as Record<string, unknown>;
	}

	#read(): Record<string, unknown> {
		return loadYaml<Record<string, unknown>>(readFileSync(this.#file, 'utf8'));
	}

	#write(settings: object): void {
		writeFileSync(this.#file, dumpYaml(settings));
	}
}

/** The counts of the summary that the CLI ends with, such as `+ 12 created`. */
export function counts(output: string): Record<string, number> {
	// A preview before an update has a summary as well.
	const [, ...summaries] = output.split(/^Resources:$/m);
	const summary = summaries.at(-1) ?? '';
	const lines = summary.matchAll(/^ +(?:[+~-]+ ?)?(\d+) (?:to )?([a-z]+)$/gm);
	return Object.fromEntries([...lines].map(([, count, what]) => [what ?? '', Number(count)]));
}

// The Pulumi stack of a run: the repository's own program under the real CLI, with its state in the workspace.
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpYaml, loadYaml } from '@kubernetes/client-node';
import { must, run } from './processes.ts';
import { find } from './tools.ts';
import { type Environment, PATHS, ROOT } from './workspace.ts';

export const STACK = 'minikube';

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

	/** `awsPort` is where our AWS provider listens. */
	constructor({ env, awsPort }: { env: Environment; awsPort: number }) {
		// A CLI that brings its own plugins fetches no other ones.
		const complete = find('pulumi-resource-kubernetes', env['PATH']) !== undefined;
		this.#env = {
			...env,
			PULUMI_DEBUG_PROVIDERS: `aws:${awsPort}`,
			...(complete ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true' } : {}),
		};
	}

	/** Makes the stack from the committed project and stack files; they themselves stay as they are. */
	async init(): Promise<void> {
		rmSync(PATHS.project, { recursive: true, force: true });
		mkdirSync(PATHS.project, { recursive: true });
		copyFileSync(join(ROOT, 'Pulumi.yaml'), join(PATHS.project, 'Pulumi.yaml'));
		symlinkSync(join(ROOT, 'infra'), join(PATHS.project, 'infra'));
		await this.#must('stack', 'init', STACK);
		const committed = loadYaml<object>(readFileSync(join(ROOT, `Pulumi.${STACK}.yaml`), 'utf8'));
		this.#write({ ...this.#read(), ...committed });
	}

	/** Sets keys of the project's own namespace; undefined removes one. */
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
		return (this.#read()['config'] as Record<string, unknown>)[`jasm:${key}`];
	}

	/** Runs a verb to its end, in whatever environment a guard is to be tried with. */
	async apply(verb: Verb, options: { args?: string[]; env?: Environment } = {}): Promise<Outcome> {
		const always = ['--non-interactive', '--color', 'never', '--stack', STACK];
		const confirmed = verb === 'preview' ? [] : ['--yes', '--skip-preview'];
		const began = Date.now();
		const { code, stdout, stderr } = await run(
			'pulumi',
			[verb, ...always, ...confirmed, ...(options.args ?? [])],
			{
				env: { ...this.#env, ...options.env },
				cwd: PATHS.project,
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

	async remove(): Promise<void> {
		await this.#must('stack', 'rm', '--yes', STACK);
	}

	#must(...args: string[]): Promise<string> {
		return must('pulumi', [...args, '--non-interactive'], {
			env: this.#env,
			cwd: PATHS.project,
			log: 'pulumi',
		});
	}

	get #file(): string {
		return join(PATHS.project, `Pulumi.${STACK}.yaml`);
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
	const [, summary = ''] = output.split(/^Resources:$/m);
	const lines = summary.matchAll(/^ +(?:[+~-]+ ?)?(\d+) (?:to )?([a-z]+)$/gm);
	return Object.fromEntries([...lines].map(([, count, what]) => [what ?? '', Number(count)]));
}

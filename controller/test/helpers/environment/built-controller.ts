// The controller as it is shipped: the bundle that the image holds, under the flags that the image gives to Node.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ControllerProcess } from './controller-process.ts';
import type { Teardown } from './file-teardown.ts';
import type { StartOptions, TestEnvironment } from './test-environment.ts';

const PACKAGE = new URL('../../../', import.meta.url).pathname;
const BUNDLE = join(PACKAGE, 'dist/controller.js');
const ANY_PORTS = ['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'];

/** Node's flags in the entry point of the Dockerfile; a test of infra holds the archive's to the same. */
export const IMAGE_FLAGS: readonly string[] = (() => {
	const [, entrypoint = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(
		readFileSync(join(PACKAGE, 'Dockerfile'), 'utf8'),
	) ?? [''];
	const [, ...args] = JSON.parse(entrypoint) as string[];
	const flags = args.filter(arg => arg.startsWith('--'));
	if (!flags.includes('--lite-mode')) {
		throw new Error('the entry point of controller/Dockerfile has no flag --lite-mode');
	}

	return flags;
})();

/** The path of a bundle that is as new as its sources; `pnpm test` has built it already. */
function bundle(): string {
	if (isStale()) {
		inTurn(() => isStale() && build());
	}

	return BUNDLE;
}

function isStale(): boolean {
	if (!existsSync(BUNDLE)) {
		return true;
	}

	const builtAt = statSync(BUNDLE).mtimeMs;
	const sources = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' });
	return ['build.ts', 'package.json', ...sources.map(name => join('src', name))].some(
		name => statSync(join(PACKAGE, name)).mtimeMs > builtAt,
	);
}

function build(): void {
	const { status, stderr } = spawnSync(process.execPath, ['build.ts'], { cwd: PACKAGE, encoding: 'utf8' });
	if (status !== 0) {
		throw new Error(`building the controller: ${stderr}`);
	}
}

/** Test files run in several processes: one of them builds, and the others wait for it. */
function inTurn(action: () => void): void {
	const lock = join(PACKAGE, 'node_modules/.jasm-build-lock');
	const sleeper = new Int32Array(new SharedArrayBuffer(4));
	for (let tries = 0; ; tries++) {
		try {
			mkdirSync(lock);
			break;
		} catch (error) {
			if (tries === 600) {
				throw new Error(`building the controller: ${lock} is taken; remove it`, { cause: error });
			}

			Atomics.wait(sleeper, 0, 0, 100);
		}
	}

	try {
		action();
	} finally {
		rmdirSync(lock);
	}
}

/** Runs the bundle with these flags and nothing of this process' environment; it is gone with the test. */
export function runBuilt(
	t: Teardown,
	argv: readonly string[],
	env: Readonly<Record<string, string>> = {},
): ControllerProcess {
	const options = { main: bundle(), nodeFlags: IMAGE_FLAGS, argv: [...ANY_PORTS, ...argv], env };
	const controller = new ControllerProcess(options);
	t.teardown(() => {
		controller.signal('SIGKILL');
		return controller.exited;
	});
	return controller;
}

/** Runs the bundle in a test environment, with a configuration file of these fields or of this text. */
export async function startBuilt(
	t: Teardown,
	environment: TestEnvironment,
	{ config, argv = [], env }: BuiltOptions = {},
): Promise<ControllerProcess> {
	const kubeconfig = environment.cluster.kubeconfigFor(await environment.cluster.createToken());
	const text = typeof config === 'string' ? config : JSON.stringify(environment.configFile(config));
	const files = [`--kubeconfig=${environment.file(kubeconfig)}`, `--config=${environment.file(text)}`];
	return runBuilt(t, [...files, ...argv], { ...environment.processEnvironment(), ...env });
}

export type BuiltOptions = Pick<StartOptions, 'argv'> & {
	readonly config?: object | string;
	readonly env?: Readonly<Record<string, string>>;
};

// The controller as it is built: the bundle that the image holds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { ControllerProcess } from './controller-process.ts';
import type { Stage, StartOptions } from './stage.ts';

const PACKAGE = new URL('../..', import.meta.url).pathname;
const BUNDLE = `${PACKAGE}dist/controller.js`;
const ANY_PORTS = ['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'];

/** Built now where nobody has done so before. */
function bundle(): string {
	if (!existsSync(BUNDLE)) {
		const { status, stderr } = spawnSync(process.execPath, ['build.ts'], { cwd: PACKAGE, encoding: 'utf8' });
		if (status !== 0) {
			throw new Error(`building the controller: ${stderr}`);
		}
	}

	return BUNDLE;
}

/** Runs the bundle with these flags and nothing of this process' environment; it is gone with the test. */
export function runBuilt(
	t: ExecutionContext,
	argv: readonly string[],
	env: Readonly<Record<string, string>> = {},
): ControllerProcess {
	const controller = new ControllerProcess({ main: bundle(), argv: [...ANY_PORTS, ...argv], env });
	t.teardown(() => {
		controller.signal('SIGKILL');
		return controller.exited;
	});
	return controller;
}

/** Runs the bundle on a stage. */
export async function startBuilt(
	t: ExecutionContext,
	stage: Stage,
	{ config, argv = [] }: Pick<StartOptions, 'config' | 'argv'> = {},
): Promise<ControllerProcess> {
	const kubeconfig = stage.cluster.kubeconfigFor(await stage.cluster.createToken());
	const files = [
		`--kubeconfig=${stage.file(kubeconfig)}`,
		`--config=${stage.file(JSON.stringify(stage.configFile(config)))}`,
	];
	return runBuilt(t, [...files, ...argv], stage.environment());
}

// The parts of the guards: local commands without a shell, refusals, the one cluster that is asked.
import { execFile } from 'node:child_process';
import * as pulumi from '@pulumi/pulumi';
import { MINIKUBE } from '../config/config.ts';

/** The exit code of a command that is not installed, as in a shell. */
export const NOT_INSTALLED = 127;

export type Finished = { readonly code: number; readonly stdout: string; readonly stderr: string };

/**
 * Runs a command to its end, without a shell. A command that is not installed answers code 127. A command that
 * exceeds its deadline is ended and answers code 124.
 */
export type Run = (
	command: string,
	args: readonly string[],
	options?: { readonly env?: Record<string, string>; readonly timeoutMs?: number; readonly cwd?: string },
) => Promise<Finished>;

export type GuardPorts = {
	readonly run: Run;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** A preview changes nothing, and so builds no image. */
	readonly preview: boolean;
	/** Reports what takes long and what was found. */
	readonly say: (message: string) => void;
};

/** Where commands find the cluster. */
export type Cluster = { readonly kubeconfig: string; readonly context: string };

/** A guard's refusal: what is wrong, and what to do. RunError, because a stack trace would only hide it. */
export function refuse(problem: string, remedy: string): never {
	throw new pulumi.RunError(`refused before anything was touched: ${problem}. ${remedy}`);
}

/** kubectl against exactly this cluster. The ambient context never counts. minikube brings a kubectl of its own. */
export async function askCluster(cluster: Cluster, run: Run, ...args: string[]): Promise<Finished> {
	const { kubeconfig, context } = cluster;
	const kubectl = ['--kubeconfig', kubeconfig, '--context', context, '--request-timeout', '10s', ...args];
	const finished = await run('kubectl', kubectl);
	if (finished.code !== NOT_INSTALLED || context !== MINIKUBE) return finished;
	return run('minikube', ['-p', context, 'kubectl', '--', ...kubectl]);
}

/** The JSON object that a command printed; empty where it printed something else. */
export function parse(text: string): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
	} catch {
		return {};
	}
}

/** The last line of what a command complained about. */
export function lastLine(text: string): string {
	return text.trim().split('\n').at(-1)?.slice(0, 200) || 'it did not say why';
}

/** The real runner. */
export const run: Run = (command, args, options = {}) =>
	new Promise(resolve => {
		const env = { ...process.env, ...options.env };
		const limits = { timeout: options.timeoutMs ?? 30_000, maxBuffer: 64 * 1024 * 1024, cwd: options.cwd };
		execFile(command, args, { env, ...limits }, (error, stdout, stderr) => {
			if (error === null) return resolve({ code: 0, stdout, stderr });
			if (error.code === 'ENOENT')
				return resolve({ code: NOT_INSTALLED, stdout, stderr: `${command} is not installed` });
			const code = error.killed === true ? 124 : typeof error.code === 'number' ? error.code : 1;
			resolve({ code, stdout, stderr });
		});
	});

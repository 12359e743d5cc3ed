// What the guards are made of: local commands without a shell, refusals, the one cluster they ask.
import { execFile } from 'node:child_process';
import * as pulumi from '@pulumi/pulumi';

export type Finished = { readonly code: number; readonly stdout: string; readonly stderr: string };

/**
 * Runs a command to its end, without a shell. A command that cannot be started answers code 127; one that
 * outlives its deadline is ended and answers code 124.
 */
export type Run = (
	command: string,
	args: readonly string[],
	options?: { readonly env?: Record<string, string>; readonly timeoutMs?: number },
) => Promise<Finished>;

export type GuardPorts = {
	readonly run: Run;
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** Told what takes long and what was found. */
	readonly say: (message: string) => void;
};

/** Where commands find the cluster. */
export type Cluster = { readonly kubeconfig: string; readonly context: string };

/** A guard's refusal: what is wrong, and what to do. RunError, because a stack trace would only hide it. */
export function refuse(problem: string, remedy: string): never {
	throw new pulumi.RunError(`refused before anything was touched: ${problem}. ${remedy}`);
}

/** kubectl against exactly this cluster; the ambient context never counts. */
export function kubectl({ kubeconfig, context }: Cluster, ...args: string[]): [string, string[]] {
	return ['kubectl', ['--kubeconfig', kubeconfig, '--context', context, '--request-timeout', '10s', ...args]];
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
		const limits = { timeout: options.timeoutMs ?? 30_000, maxBuffer: 8 * 1024 * 1024 };
		execFile(command, args, { env, ...limits }, (error, stdout, stderr) => {
			if (error === null) return resolve({ code: 0, stdout, stderr });
			if (error.code === 'ENOENT')
				return resolve({ code: 127, stdout, stderr: `${command} is not installed` });
			const code = error.killed === true ? 124 : typeof error.code === 'number' ? error.code : 1;
			resolve({ code, stdout, stderr });
		});
	});

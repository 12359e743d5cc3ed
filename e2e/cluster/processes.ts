// Runs commands and keeps what they said; starts servers and ends them with everything they started.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onEnd } from './cleanup.ts';
import { type Environment, PATHS, ROOT } from './workspace.ts';

export type Result = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type RunOptions = {
	readonly env: Environment;
	readonly cwd?: string;
	/** Name of the log file that the output is added to as well. */
	readonly log?: string;
	/** Default: five minutes. */
	readonly timeoutMs?: number;
	readonly input?: string;
};

/** Runs a command to its end. Only a command that cannot be started throws; 124 is the code of one that was too slow. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Result> {
	const { env, cwd = ROOT, timeoutMs = 300_000, input } = options;
	const child = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
	const forget = onEnd(`${command} ${args[0] ?? ''}`, () => endGroup(child));
	const said = { stdout: '', stderr: '' };
	const log = options.log === undefined ? undefined : logFile(options.log);
	log?.write(`$ ${command} ${args.join(' ')}\n`);
	for (const stream of ['stdout', 'stderr'] as const) {
		child[stream].setEncoding('utf8').on('data', (text: string) => {
			said[stream] += text;
			log?.write(text);
		});
	}
	child.stdin.on('error', () => {}).end(input ?? '');
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		kill(child, 'SIGKILL');
	}, timeoutMs);
	try {
		const code = await new Promise<number>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', exit => resolve(late ? 124 : (exit ?? 1)));
		});
		return { code, ...said };
	} finally {
		clearTimeout(timer);
		log?.end();
		await forget();
	}
}

/** Runs a command that must succeed; returns its standard output. */
export async function must(command: string, args: readonly string[], options: RunOptions): Promise<string> {
	const { code, stdout, stderr } = await run(command, args, options);
	if (code === 0) return stdout;
	const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
	throw new Error(`running ${command} ${args.join(' ')} ended with ${code}:\n${last}`);
}

export type Started = {
	/** What `ready` captured first. */
	readonly captured: string;
	readonly pid: number;
	/** Kills the process itself with SIGKILL and waits for its end. */
	readonly crash: () => Promise<void>;
	readonly stop: () => Promise<void>;
};

/** Starts a server and waits until its output matches `ready`; it ends with the run at the latest. */
export async function start(
	name: string,
	command: string,
	args: readonly string[],
	{
		env,
		ready,
		cwd = ROOT,
		timeoutMs = 30_000,
	}: { env: Environment; ready: RegExp; cwd?: string; timeoutMs?: number },
): Promise<Started> {
	const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
	const log = logFile(name);
	const stop = onEnd(name, () => endGroup(child, ended));
	let said = '';
	let timer: NodeJS.Timeout | undefined;
	const captured = await new Promise<string>((resolve, reject) => {
		const fail = (why: string) =>
			reject(new Error(`starting ${name}: ${why}; see ${join(PATHS.logs, name)}.log`));
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => {
				log.write(text);
				if (said.length < 100_000) said += text;
				const match = ready.exec(said);
				if (match !== null) resolve(match[1] ?? match[0]);
			});
		}
		child.once('error', error => fail(error.message));
		child.once('close', code => fail(`it ended with ${code}`));
		timer = setTimeout(() => fail(`not ready in ${timeoutMs / 1000} s`), timeoutMs);
	}).finally(() => clearTimeout(timer));
	const crash = async () => {
		kill(child, 'SIGKILL');
		await ended;
	};
	return { captured, pid: child.pid ?? 0, crash, stop };
}

/** Ends a process with everything that it started: SIGTERM first, SIGKILL after five seconds. */
export async function endGroup(child: ChildProcess, ended?: Promise<void>): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	kill(child, 'SIGTERM');
	const gone = ended ?? new Promise<void>(resolve => child.once('close', () => resolve()));
	const timer = setTimeout(() => kill(child, 'SIGKILL'), 5000);
	await gone;
	clearTimeout(timer);
}

// Each child leads a process group, so that what it started ends with it and Ctrl-C reaches only this process.
function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
	try {
		if (pid !== undefined) process.kill(-pid, signal);
	} catch {
		// Gone already.
	}
}

/** The log of a command or server, to be added to. */
export function logFile(name: string) {
	mkdirSync(PATHS.logs, { recursive: true });
	return createWriteStream(join(PATHS.logs, `${name}.log`), { flags: 'a' });
}

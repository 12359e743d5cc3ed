// Runs the credential plugin of a kubeconfig (client.authentication.k8s.io), and keeps its result until it expires.
import { spawn } from 'node:child_process';
import { load } from 'js-yaml';
import type { Clock } from '../../runtime/clock.ts';
import { printable } from '../../util/printable.ts';
import {
	EXEC,
	EXEC_VARIABLE,
	type ExecEntry,
	KubeconfigFault,
	list,
	mapping,
	readFields,
} from './kubeconfig-fields.ts';

export type ExecCredential = { readonly token?: string; readonly cert?: string; readonly key?: string };

export type ExecPluginOptions = {
	/** The entry `exec` of the user. */
	readonly written: unknown;
	/** Begins each message, such as `user "dev"`. */
	readonly at: string;
	/** Resolves a command that is a path. */
	readonly resolve: (path: string) => string;
	/** What the plugin learns of the cluster, if it asks for it; read at each run. */
	readonly cluster: () => Readonly<Record<string, unknown>>;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
};

const API = 'client.authentication.k8s.io';
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 1024 * 1024;

export class ExecPlugin {
	readonly #options: ExecPluginOptions;
	readonly #entry: ExecEntry;
	readonly #variables: Readonly<Record<string, string>>;
	#kept: { readonly credential: ExecCredential; readonly expiresAt: number } | undefined;
	#running: Promise<ExecCredential> | undefined;

	/** @throws KubeconfigFault if the entry is not one that kubectl runs without a terminal */
	constructor(options: ExecPluginOptions) {
		const { written, resolve } = options;
		const at = `${options.at}: exec`;
		this.#options = { ...options, at };
		this.#entry = readFields(EXEC, written, at, resolve);
		check(this.#entry, at);
		this.#variables = Object.fromEntries(
			list(this.#entry.env, `${at}: env`).map((item, index) => {
				const { name, value = '' } = readFields(EXEC_VARIABLE, item, `${at}: env[${index}]`);
				if (name === undefined) throw new KubeconfigFault(`${at}: env[${index}]: name is required`);
				return [name, value];
			}),
		);
	}

	/** Callers share one run. Rejects with a KubeconfigFault that repeats nothing of the plugin's output. */
	get(): Promise<ExecCredential> {
		if (this.#kept !== undefined && this.#options.clock.now() < this.#kept.expiresAt) {
			return Promise.resolve(this.#kept.credential);
		}
		this.#running ??= this.#run().finally(() => {
			this.#running = undefined;
		});
		return this.#running;
	}

	/** The next `get` runs the plugin again. */
	invalidate(): void {
		this.#kept = undefined;
	}

	async #run(): Promise<ExecCredential> {
		const { at, cluster } = this.#options;
		const { apiVersion, provideClusterInfo } = this.#entry;
		const spec = { ...(provideClusterInfo && { cluster: cluster() }), interactive: false };
		const info = `${JSON.stringify({ kind: 'ExecCredential', apiVersion, spec })}\n`;
		const { credential, expiresAt } = credentialOf(await this.#output(info), apiVersion!, at);
		this.#kept = { credential, expiresAt };
		return credential;
	}

	#output(info: string): Promise<string> {
		const { at, env, clock } = this.#options;
		const { command, args = [], installHint } = this.#entry;
		const { promise, resolve, reject } = Promise.withResolvers<string>();
		const fail = (why: string) => reject(new KubeconfigFault(`${at}: ${why}`));
		const shown = `"${printable(command!)}"`;
		// Standard error stays out: a plugin can print a token there.
		const child = spawn(command!, args, {
			env: { ...env, ...this.#variables, KUBERNETES_EXEC_INFO: info },
			stdio: ['ignore', 'pipe', 'ignore'],
		});
		const timer = clock.schedule(TIMEOUT_MS, () => {
			fail(`${shown} did not end within ${TIMEOUT_MS / 1000} s`);
			child.kill('SIGKILL');
		});
		let output = '';
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
			output += chunk;
			if (output.length > MAX_OUTPUT) child.kill('SIGKILL');
		});
		child.on('error', ({ code }: NodeJS.ErrnoException) => {
			const hint = installHint === undefined ? '' : `; installHint: ${printable(installHint, 512)}`;
			fail(code === 'ENOENT' ? `${shown} is not installed${hint}` : `${shown} cannot be run (${code})`);
		});
		child.on('close', (code, signal) => {
			if (code === 0) resolve(output);
			else fail(`${shown} ended with ${signal ?? `exit code ${code}`}: run it by hand to see why`);
		});
		return promise.finally(() => timer.cancel());
	}
}

function check({ command, apiVersion, interactiveMode }: ExecEntry, at: string): void {
	const fault = (text: string) => new KubeconfigFault(`${at}: ${text}`);
	if (command === undefined) throw fault('command is required');
	if (apiVersion === undefined) throw fault('apiVersion is required');
	if (apiVersion !== `${API}/v1` && apiVersion !== `${API}/v1beta1`) {
		throw fault(`apiVersion must be ${API}/v1 or ${API}/v1beta1`);
	}
	if (interactiveMode === undefined && apiVersion === `${API}/v1`) {
		throw fault('interactiveMode is required (Never, IfAvailable)');
	}
	if (interactiveMode === 'Always') {
		throw fault('interactiveMode Always is not supported: a controller has no terminal');
	}
	if (interactiveMode !== undefined && interactiveMode !== 'Never' && interactiveMode !== 'IfAvailable') {
		throw fault('interactiveMode must be Never or IfAvailable');
	}
}

/** What the plugin printed; no message quotes it. */
function credentialOf(output: string, apiVersion: string, at: string) {
	const fault = (text: string) => new KubeconfigFault(`${at}: the plugin's output ${text}`);
	let printed: Readonly<Record<string, unknown>>;
	try {
		printed = mapping(load(output), at);
	} catch {
		throw fault('is not an ExecCredential');
	}
	if ((printed['kind'] ?? 'ExecCredential') !== 'ExecCredential') throw fault('is not an ExecCredential');
	if (printed['apiVersion'] !== apiVersion) throw fault(`is not of apiVersion ${apiVersion}`);
	if (printed['status'] === undefined || printed['status'] === null) throw fault('has no status');
	const status = mapping(printed['status'], at);
	const read = (name: string) => {
		const value = status[name] ?? '';
		if (typeof value !== 'string') throw fault(`has a status.${name} that is not text`);
		return value === '' ? undefined : value;
	};
	const token = read('token');
	const cert = read('clientCertificateData');
	const key = read('clientKeyData');
	if ((cert === undefined) !== (key === undefined)) throw fault('has a certificate or a key, and not both');
	if (token === undefined && cert === undefined) throw fault('has neither a token nor a certificate');
	const expires = status['expirationTimestamp'] ?? undefined;
	const expiresAt = expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(expires));
	if (Number.isNaN(expiresAt)) throw fault('has an expirationTimestamp that is not a time');
	return {
		credential: {
			...(token !== undefined && { token }),
			...(cert !== undefined && { cert, key: key! }),
		} satisfies ExecCredential,
		expiresAt,
	};
}

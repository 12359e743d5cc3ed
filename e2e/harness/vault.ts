// A Vault server of the `vault` command on PATH, reached by pods over TLS and by the run over its HTTP API.
//
// That command is HashiCorp's, or one that starts a server at once: `vault -address HOST:PORT -root-token TOKEN
// -tls-cert FILE -tls-key FILE`, in memory and unsealed. The run is tried with the latter alone.
import { writeFileSync } from 'node:fs';
import { request as send } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from './certificate.ts';
import { Door } from './door.ts';
import { run, type Started, start } from './processes.ts';
import { until } from './until.ts';
import { type Environment, PATHS } from './workspace.ts';

const ROOT_TOKEN = 'root';

export type VaultAnswer = { readonly status: number; readonly json: Readonly<Record<string, unknown>> };

export type VaultRequest = {
	readonly method: 'GET' | 'LIST' | 'POST' | 'PUT';
	/** Below /v1/. */
	readonly path: string;
	readonly body?: object;
	/** Default: the root token. */
	readonly token?: string;
};

export class VaultServer {
	/** Where pods reach it, while it is open. */
	readonly door: Door;
	readonly #port: number;
	readonly #env: Environment;
	readonly #tls: Certificate;
	#server: Started | undefined;

	private constructor(env: Environment, tls: Certificate, [door, port]: readonly [number, number]) {
		this.#env = env;
		this.#tls = tls;
		this.#port = port;
		this.door = new Door(door, port);
	}

	/** Starts it empty and unsealed, for nobody else yet; it ends with the run at the latest. */
	static async start(env: Environment, tls: Certificate): Promise<VaultServer> {
		const vault = new VaultServer(env, tls, [await freePort(), await freePort()]);
		await vault.restart();
		return vault;
	}

	/** Starts it anew: what it held is gone, and the door is shut until it is set up. */
	async restart(): Promise<void> {
		await this.door.shut();
		await this.#server?.stop();
		// Asked for help both answer and end; asked for its version, one that only serves would serve.
		const { stdout, stderr } = await run('vault', ['-h'], { env: this.#env, timeoutMs: 10_000 });
		const args = /-root-token/.test(stdout + stderr) ? this.#serverAlone : this.#developmentServer;
		const ready = /vault on |Root Token/;
		this.#server = await start('vault', 'vault', args, { env: this.#env, ready });
		await until('Vault to be unsealed', async () => {
			const { status } = await this.request({ method: 'GET', path: 'sys/health' });
			return status === 200;
		});
	}

	/** Any answer is returned, refusals too. */
	request({ method, path, body, token = ROOT_TOKEN }: VaultRequest): Promise<VaultAnswer> {
		const headers = { 'x-vault-token': token };
		const options = { host: '127.0.0.1', port: this.#port, method, ca: this.#tls.cert, headers };
		return new Promise((resolve, reject) => {
			send({ ...options, path: `/v1/${path}`, agent: false }, async response => {
				let text = '';
				for await (const chunk of response.setEncoding('utf8')) text += chunk;
				resolve({ status: response.statusCode ?? 0, json: text === '' ? {} : JSON.parse(text) });
			})
				.on('error', reject)
				.end(body === undefined ? undefined : JSON.stringify(body));
		});
	}

	/** Asks for what Vault must do; answers what it says. */
	async must(request: VaultRequest): Promise<VaultAnswer['json']> {
		const { status, json } = await this.request(request);
		if (status < 300) return json;
		throw new Error(`asking Vault for ${request.method} ${request.path}: ${status} ${json['errors'] ?? ''}`);
	}

	/** Signs in by Kubernetes auth; the token that it gives, or undefined where it refuses. */
	async signIn(role: string, jwt: string): Promise<string | undefined> {
		const { json } = await this.request({
			method: 'POST',
			path: 'auth/kubernetes/login',
			body: { role, jwt },
		});
		return (json['auth'] as { client_token?: string } | undefined)?.client_token;
	}

	/** Accessors of the tokens that Kubernetes auth gave out to a ServiceAccount of a name and that are in force. */
	async sessions(serviceAccount: string): Promise<string[]> {
		const { data } = await this.must({ method: 'LIST', path: 'auth/token/accessors' });
		const sessions: string[] = [];
		for (const accessor of (data as { keys: string[] }).keys) {
			// Those that ended in between are not found.
			const { json } = await this.request({
				method: 'POST',
				path: 'auth/token/lookup-accessor',
				body: { accessor },
			});
			const { path, meta } = (json['data'] ?? {}) as { path?: string; meta?: Record<string, string> };
			const theirs = meta?.['service_account_name'] === serviceAccount;
			if (path === 'auth/kubernetes/login' && theirs) sessions.push(accessor);
		}
		return sessions;
	}

	async seal(): Promise<void> {
		await this.must({ method: 'PUT', path: 'sys/seal' });
	}

	get #serverAlone(): string[] {
		const { certFile, keyFile } = this.#tls;
		const address = ['-address', `127.0.0.1:${this.#port}`, '-root-token', ROOT_TOKEN];
		return [...address, '-tls-cert', certFile, '-tls-key', keyFile];
	}

	get #developmentServer(): string[] {
		const { certFile, keyFile } = this.#tls;
		const listener = { address: `127.0.0.1:${this.#port}`, tls_cert_file: certFile, tls_key_file: keyFile };
		const file = join(PATHS.tls, 'vault.json');
		writeFileSync(file, JSON.stringify({ listener: [{ tcp: listener }], disable_mlock: true }));
		const own = ['-dev-listen-address=127.0.0.1:0', '-dev-no-store-token'];
		return ['server', '-dev', `-dev-root-token-id=${ROOT_TOKEN}`, ...own, `-config=${file}`];
	}
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise(resolve => server.close(resolve));
	return port;
}

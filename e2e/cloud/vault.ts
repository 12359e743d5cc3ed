// A Vault server of the `vault` command on PATH, reached by pods over TLS and by the run over its HTTP API.
import { writeFileSync } from 'node:fs';
import { request as send } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { vaultIsServerOnly } from '../cluster/adapter.ts';
import { type Started, start } from '../cluster/processes.ts';
import { until } from '../cluster/until.ts';
import { type Environment, PATHS } from '../cluster/workspace.ts';
import type { Certificate } from './certificate.ts';
import { TcpProxy } from './tcp-proxy.ts';

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
	readonly tcpProxy: TcpProxy;
	readonly #port: number;
	readonly #env: Environment;
	readonly #tls: Certificate;
	#server: Started | undefined;

	private constructor(env: Environment, tls: Certificate, [tcpProxy, port]: readonly [number, number]) {
		this.#env = env;
		this.#tls = tls;
		this.#port = port;
		this.tcpProxy = new TcpProxy(tcpProxy, port);
	}

	/** Starts an empty, unsealed server that pods cannot reach yet. It ends with the run at the latest. */
	static async start(env: Environment, tls: Certificate): Promise<VaultServer> {
		const vault = new VaultServer(env, tls, [await freePort(), await freePort()]);
		await vault.restart();
		return vault;
	}

	/** Starts an empty server; pods cannot reach it before it is set up. */
	async restart(): Promise<void> {
		await this.tcpProxy.shut();
		await this.#server?.stop();
		const args = (await vaultIsServerOnly(this.#env)) ? this.#serverOnly : this.#developmentServer;
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

	/** Asks for what Vault must do; returns what it says. */
	async must(request: VaultRequest): Promise<VaultAnswer['json']> {
		const { status, json } = await this.request(request);
		if (status < 300) return json;
		throw new Error(`asking Vault for ${request.method} ${request.path}: ${status} ${json['errors'] ?? ''}`);
	}

	/** Signs in by Kubernetes auth; the token that it gives, or undefined if it refuses. */
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
			// A session that has ended meanwhile is not found.
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

	get #serverOnly(): string[] {
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

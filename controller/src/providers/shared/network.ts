// The agents by which a provider reaches the network: keep-alive, its authorities, its proxy.
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Environment } from '../provider.ts';
import { CallError } from './call-error.ts';
import { type ProxyRules, type ProxyServer, proxyRules } from './proxy.ts';

/** The fields of every kind that decide how the network is reached. */
export type NetworkConfig = {
	readonly caFile?: string | undefined;
	readonly proxy?: string | undefined;
	readonly proxyCredentialsFile?: string | undefined;
	/** Of one request, in milliseconds. */
	readonly timeoutMs: number;
};

export type Route = {
	readonly agent: HttpAgent;
	/** Undefined: a direct connection. */
	readonly proxy: ProxyServer | undefined;
};

export class Network {
	readonly #config: NetworkConfig;
	readonly #proxyOf: ProxyRules;
	readonly #routes = new Map<string, Promise<Route>>();

	constructor(config: NetworkConfig, env: Environment) {
		this.#config = config;
		this.#proxyOf = proxyRules(config.proxy, env);
	}

	/** Fails with CallError where a file of the configuration cannot be read. */
	async route(target: URL): Promise<Route> {
		const proxy = this.#proxyOf(target);
		const key = `${target.protocol} ${proxy?.name ?? ''}`;
		let route = this.#routes.get(key);
		if (route === undefined) {
			route = this.#open(target.protocol === 'http:', proxy);
			this.#routes.set(key, route);
			// The next request tries again to read the files.
			route.catch(() => this.#routes.delete(key));
		}

		return route;
	}

	/** Files of the configuration may have been replaced: they are read again after what they could have caused. */
	failed({ untrusted, options }: CallError): void {
		if (untrusted || options.proxyStatus === 407) {
			this.close();
		}
	}

	/** Requests in flight fail; later ones connect again. */
	close(): void {
		for (const route of this.#routes.values()) {
			route.then(
				({ agent }) => agent.destroy(),
				() => {},
			);
		}

		this.#routes.clear();
	}

	async #open(insecure: boolean, proxy: ProxyServer | undefined): Promise<Route> {
		const { caFile, proxyCredentialsFile, timeoutMs } = this.#config;
		const credentials =
			proxy &&
			proxyCredentialsFile &&
			(await fileText(proxyCredentialsFile, 'UNABLE_TO_READ_PROXY_CREDENTIALS'));
		const address = proxy?.address(credentials?.trim());
		const options = {
			keepAlive: true,
			maxSockets: Number.POSITIVE_INFINITY,
			maxFreeSockets: 16,
			// Node bounds the time for a tunnel by nothing else. Half of it, so that the error names the proxy.
			...(address !== undefined && {
				proxyEnv: { HTTPS_PROXY: address, HTTP_PROXY: address },
				timeout: timeoutMs / 2,
			}),
		};
		if (insecure) {
			return { agent: new HttpAgent(options), proxy };
		}

		const ca = caFile && (await fileText(caFile, 'UNABLE_TO_READ_CA_FILE'));
		return { agent: new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) }), proxy };
	}
}

async function fileText(path: string, errno: string): Promise<string> {
	try {
		return await readFile(path, 'utf8');
	} catch {
		throw new CallError(errno, { file: path });
	}
}

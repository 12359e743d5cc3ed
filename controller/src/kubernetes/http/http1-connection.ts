// The same requests over a few HTTP/1.1 connections, for proxies that refuse h2.
import { Agent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { ProxyConfig } from '../auth/cluster-config.ts';
import {
	bodyLength,
	type Connection,
	ConnectionLostError,
	MAX_RESPONSE,
	sendBody,
	type WireRequest,
	type WireResponse,
} from './connection.ts';
import { TunnelAgent } from './tunnel.ts';

const SOCKETS = 16;

export type Http1ConnectionOptions = {
	/** Host, port and TLS material. */
	readonly endpoint: ConnectionOptions;
	readonly authority: string;
	/** Default: connections are direct. */
	readonly proxy?: ProxyConfig | undefined;
};

export class Http1Connection implements Connection {
	readonly #agent: Agent;
	readonly #options: Http1ConnectionOptions;
	#inFlight = 0;
	#usable = true;

	constructor(options: Http1ConnectionOptions) {
		this.#options = options;
		const pooling = { keepAlive: true, keepAliveMsecs: 10_000, maxSockets: SOCKETS };
		this.#agent = options.proxy ? new TunnelAgent(options.proxy, pooling) : new Agent(pooling);
	}

	get usable(): boolean {
		return this.#usable;
	}

	get closed(): boolean {
		return !this.#usable && this.#inFlight === 0;
	}

	async request(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
		this.#inFlight++;
		try {
			return await this.#send(request, signal);
		} finally {
			this.#inFlight--;
			if (!this.#usable && this.#inFlight === 0) this.#agent.destroy();
		}
	}

	retire(): void {
		this.#usable = false;
		if (this.#inFlight === 0) this.#agent.destroy();
	}

	destroy(): void {
		this.#usable = false;
		this.#agent.destroy();
	}

	#send({ method, path, headers, body }: WireRequest, signal: AbortSignal): Promise<WireResponse> {
		const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
		if (signal.aborted) return Promise.reject(signal.reason);
		const { endpoint, authority } = this.#options;
		const options = {
			...endpoint,
			agent: this.#agent,
			ALPNProtocols: ['http/1.1'],
			method,
			path,
			headers: {
				...headers,
				host: authority,
				...(body !== undefined && { 'content-length': bodyLength(body) }),
			},
		};
		const lost = (cause: Error) =>
			reject(new ConnectionLostError(`the connection was lost (${cause.message})`, { cause }));
		const request = httpsRequest(options, response => {
			const chunks: Buffer[] = [];
			let size = 0;
			response.on('data', (chunk: Buffer) => {
				size += chunk.length;
				if (size <= MAX_RESPONSE) chunks.push(chunk);
				else {
					reject(new Error(`the answer is larger than ${MAX_RESPONSE} bytes`));
					request.destroy();
				}
			});
			response.on('error', lost);
			response.on('end', () => {
				const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
				resolve({
					status: response.statusCode ?? 0,
					headers: Object.fromEntries(flat),
					body: Buffer.concat(chunks),
				});
			});
		});
		request.on('error', lost);
		const onAbort = () => {
			reject(signal.reason);
			request.destroy();
		};
		signal.addEventListener('abort', onAbort, { once: true });
		sendBody(request, body);
		return promise.finally(() => signal.removeEventListener('abort', onAbort));
	}
}

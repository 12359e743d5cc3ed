// One request over HTTP/1.1 with everything bounded: connecting, the size of the answer, who may be trusted.
import {
	type ClientRequest,
	request as httpRequest,
	type IncomingHttpHeaders,
	type OutgoingHttpHeaders,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment, Room } from '../provider.ts';
import { CallError, isRefusal } from './call-error.ts';
import { Network, type NetworkConfig, type Route } from './network.ts';
import { readBody } from './read-body.ts';

export type HttpCall = {
	readonly url: URL;
	readonly method: string;
	readonly headers: OutgoingHttpHeaders;
	readonly body?: string | Uint8Array | undefined;
	/** Memory for the body of the answer. Default: it is not counted. */
	readonly room?: Room | undefined;
};

/** Values of one header, joined as HTTP allows it. */
export const singleHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
	Object.fromEntries(
		Object.entries(headers).flatMap(([name, value]) =>
			value === undefined ? [] : [[name, [value].flat().join(', ')]],
		),
	);

export type HttpAnswer = {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
};

export type HttpsCallerOptions = {
	/** `timeoutMs` bounds connecting, TLS included, unless `connectTimeoutMs` does. */
	readonly config: NetworkConfig;
	/** Of a connection without a proxy, in milliseconds. */
	readonly connectTimeoutMs?: number;
	readonly env: Environment;
	readonly clock: Clock;
};

export class HttpsCaller {
	readonly #options: HttpsCallerOptions;
	readonly #network: Network;
	#closed = false;

	constructor(options: HttpsCallerOptions) {
		this.#options = options;
		this.#network = new Network(options.config, options.env);
	}

	/**
	 * Follows no redirect. The signal ends it, and is its only deadline. Fails with CallError; with a room also with
	 * what that throws, and with ProviderFailure SECRET_TOO_LARGE.
	 */
	async call(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
		try {
			return await this.#attempt(call, signal);
		} catch (error) {
			if (error instanceof CallError && error.stale && !signal.aborted) {
				return this.#attempt(call, signal);
			}

			throw error;
		}
	}

	close(): void {
		this.#closed = true;
		this.#network.close();
	}

	async #attempt(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
		const route = await this.#network.route(call.url);
		if (this.#closed || signal.aborted) {
			throw new CallError('ABORTED');
		}

		const send = call.url.protocol === 'http:' ? httpRequest : httpsRequest;
		try {
			return await this.#exchange(send, route, call, signal);
		} catch (error) {
			if (error instanceof CallError) {
				this.#network.failed(error);
			}

			throw error;
		}
	}

	#exchange(
		send: typeof httpRequest | typeof httpsRequest,
		{ agent, proxy }: Route,
		call: HttpCall,
		signal: AbortSignal,
	): Promise<HttpAnswer> {
		const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
		const { url, method, headers, body, room } = call;
		let outgoing: ClientRequest;
		try {
			outgoing = send(url, { agent, method, headers });
		} catch (error) {
			// Node reads authorities when it connects first, and refuses what it cannot send, at once.
			throw CallError.of(error, { proxy });
		}

		let answered = false;
		// Node tells nothing of a request that is destroyed before it has a socket.
		const fail = (error: unknown) => {
			outgoing.destroy();
			if (isRefusal(error)) {
				reject(error);
				return;
			}

			const failure = CallError.of(error, { proxy });
			const stale = outgoing.reusedSocket && !answered && /^(ECONNRESET|EPIPE)$/.test(failure.code);
			reject(stale ? new CallError(failure.code, { proxy, stale }) : failure);
		};
		const abort = () => fail(new CallError('ABORTED'));
		signal.addEventListener('abort', abort, { once: true });
		const { clock, config, connectTimeoutMs = config.timeoutMs } = this.#options;
		// Through a proxy connecting takes longer: it waits for the proxy, which waits for the store.
		const connecting = clock.schedule(proxy === undefined ? connectTimeoutMs : config.timeoutMs, () =>
			fail(new CallError('CONNECT_TIMEOUT', { proxy })),
		);
		onConnected(outgoing, () => connecting.cancel());
		outgoing.on('error', fail);
		outgoing.on('response', response => {
			answered = true;
			const { statusCode: status = 0, headers } = response;
			if (status === 407 && proxy !== undefined) {
				fail(new CallError('PROXY_REFUSED', { proxy, atProxy: true, proxyStatus: status }));
				return;
			}

			readBody(response, room).then(body => resolve({ status, headers, body }), fail);
		});
		outgoing.end(body);
		return promise.finally(() => {
			connecting.cancel();
			signal.removeEventListener('abort', abort);
		});
	}
}

/** Once the request has a connection that stands, TLS included; at once for one that is used again. */
function onConnected(outgoing: ClientRequest, callback: () => void): void {
	outgoing.on('socket', socket => {
		const { encrypted, secureConnecting } = socket as TLSSocket & { secureConnecting?: boolean };
		if (outgoing.reusedSocket || (encrypted ? secureConnecting === false : !socket.connecting)) {
			callback();
			return;
		}

		socket.once(encrypted ? 'secureConnect' : 'connect', callback);
	});
}

// One request over HTTPS with everything bounded: connecting, the size of the answer, who may be trusted.
import { readFile } from 'node:fs/promises';
import type { ClientRequest, Agent as HttpAgent, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../runtime/clock.ts';

export type HttpCall = {
	readonly url: URL;
	readonly method: string;
	readonly headers: OutgoingHttpHeaders;
	readonly body?: string | undefined;
};

export type HttpAnswer = {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
};

/** No usable answer; nothing of the call or of Node's error is kept but Node's code for it. */
export class CallError extends Error {
	override readonly name = 'CallError';
	readonly errno: string;
	/** The connection was an old one, which the other side may just have closed. */
	readonly stale: boolean;

	constructor(errno: string, stale = false) {
		super('no usable answer');
		this.errno = errno;
		this.stale = stale;
	}

	/** The certificate of the other side is not one that we trust for its name. */
	get untrusted(): boolean {
		return /^(CERT_|DEPTH_|SELF_|UNABLE_|ERR_TLS_CERT)/.test(this.errno);
	}
}

export type HttpsCallerOptions = {
	readonly clock: Clock;
	/** Until the connection stands, TLS included, in milliseconds. */
	readonly connectMs: number;
	/** PEM; instead of the authorities that Node knows. Read anew after a certificate was not trusted. */
	readonly caFile?: string | undefined;
};

/** Far above what any provider stores, far below what hurts. */
const MAX_BYTES = 2 * 1_048_576;

type Transport = {
	readonly agent: HttpAgent;
	readonly send: typeof httpsRequest;
};

export class HttpsCaller {
	readonly #options: HttpsCallerOptions;
	#transport: Promise<Transport> | undefined;
	#closed = false;

	constructor(options: HttpsCallerOptions) {
		this.#options = options;
	}

	/** Follows no redirect. Fails with CallError; the signal ends it, that is its only deadline. */
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
		this.#forgetTransport();
	}

	async #attempt(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
		this.#transport ??= this.#open(call.url.protocol === 'http:');
		const transport = await this.#transport;
		if (this.#closed || signal.aborted) {
			throw new CallError('ABORTED');
		}

		try {
			return await this.#exchange(transport, call, signal);
		} catch (error) {
			if (error instanceof CallError && error.untrusted) {
				this.#forgetTransport();
			}

			throw error;
		}
	}

	async #open(insecure: boolean): Promise<Transport> {
		const options = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 16 };
		if (insecure) {
			// By itself node:http makes Node load undici (11 MB), which only development servers are worth.
			const http = await import('node:http');
			return { agent: new http.Agent(options), send: http.request as typeof httpsRequest };
		}

		const { caFile } = this.#options;
		if (caFile === undefined) {
			return { agent: new Agent(options), send: httpsRequest };
		}

		try {
			return { agent: new Agent({ ...options, ca: await readFile(caFile) }), send: httpsRequest };
		} catch {
			this.#transport = undefined;
			throw new CallError('UNABLE_TO_READ_CA_FILE');
		}
	}

	#forgetTransport(): void {
		this.#transport?.then(
			({ agent }) => agent.destroy(),
			() => {},
		);
		this.#transport = undefined;
	}

	#exchange({ agent, send }: Transport, call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
		const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
		const { url, method, headers, body } = call;
		const outgoing = send(url, { agent, method, headers, signal });
		const connecting = this.#boundConnecting(outgoing);
		let answered = false;
		const fail = (error: unknown) => {
			connecting.cancel();
			const errno = error instanceof CallError ? error.errno : String(Object(error).code ?? 'UNKNOWN');
			reject(new CallError(errno, outgoing.reusedSocket && !answered && /^(ECONNRESET|EPIPE)$/.test(errno)));
			outgoing.destroy();
		};
		outgoing.on('error', fail);
		outgoing.on('response', response => {
			answered = true;
			const chunks: Buffer[] = [];
			let size = 0;
			response.on('error', fail);
			response.on('data', (chunk: Buffer) => {
				chunks.push(chunk);
				size += chunk.length;
				if (size > MAX_BYTES) {
					fail(new CallError('ANSWER_TOO_LARGE'));
				}
			});
			response.on('end', () => {
				const { statusCode: status = 0, headers } = response;
				resolve({ status, headers, body: Buffer.concat(chunks) });
			});
			response.on('close', () => reject(new CallError('ECONNRESET')));
		});
		outgoing.end(body);
		return promise;
	}

	#boundConnecting(outgoing: ClientRequest): Timer {
		const { clock, connectMs } = this.#options;
		let timer: Timer | undefined;
		outgoing.on('socket', socket => {
			if (outgoing.reusedSocket) {
				return;
			}

			timer = clock.schedule(connectMs, () => outgoing.destroy(new CallError('CONNECT_TIMEOUT')));
			const cancel = () => timer?.cancel();
			socket.once((socket as TLSSocket).encrypted ? 'secureConnect' : 'connect', cancel);
			socket.once('close', cancel);
		});
		return { cancel: () => timer?.cancel() };
	}
}

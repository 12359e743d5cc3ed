// Carries one streaming response from the API server to a sink and never hangs: every wait has an end.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { Clock, Timer } from '../../runtime/clock.ts';
import type { ClusterConfig } from '../auth/cluster-config.ts';
import type { TlsMaterial } from '../auth/credentials.ts';
import { endpointOf } from '../http/connection.ts';
import { TunnelAgent } from '../http/tunnel.ts';

export type WatchSink = {
	/** Names are lower case. */
	onHeaders(status: number, headers: Readonly<Record<string, string>>): void;
	/** A view, valid only during the call: copy what must outlive it. */
	onChunk(chunk: Uint8Array): void;
	/** Exactly once, also after an abort; nothing follows. No error: the server ended it, or the signal did. */
	onEnd(error?: Error): void;
};

export type WatchRequest = {
	/** Path and query, without the cluster's base path. */
	readonly path: string;
	readonly accept: string;
	/** Milliseconds from the request to the response's header; 10 s by default. */
	readonly headerTimeoutMs?: number;
};

export type WatchTransport = {
	/** Never throws; what a sink throws ends the stream with that error. */
	open(request: WatchRequest, sink: WatchSink, signal: AbortSignal): void;
};

export type WatchTransportOptions = {
	readonly cluster: ClusterConfig;
	readonly clock: Clock;
	/** Must not begin like a browser or curl: the API server would pretty-print. */
	readonly userAgent: string;
	/** Longest silence of an open stream in milliseconds; bookmarks come every 60 s. */
	readonly silenceMs?: number;
};

const CREDENTIALS_MS = 30_000;
const CONNECT_MS = 5_000;
const HEADER_MS = 10_000;
const SILENCE_MS = 70_000;
const KEEPALIVE_MS = 10_000;
/** Of a response that is not 200 no more is kept. */
const MAX_ERROR_BODY = 64 * 1024;

/** A transport over Node's own HTTP/1.1: one connection per stream, nothing shared with other requests. */
export function createWatchTransport(options: WatchTransportOptions): WatchTransport {
	return {
		open(request, sink, signal) {
			void new Stream(options, request, sink, signal).run();
		},
	};
}

class Stream {
	readonly #options: WatchTransportOptions;
	readonly #wanted: WatchRequest;
	readonly #sink: WatchSink;
	readonly #signal: AbortSignal;
	readonly #onAbort = () => this.#end();
	#request: ClientRequest | undefined;
	#timer: Timer | undefined;
	#lastByteAt = 0;
	#ended = false;

	constructor(options: WatchTransportOptions, wanted: WatchRequest, sink: WatchSink, signal: AbortSignal) {
		this.#options = options;
		this.#wanted = wanted;
		this.#sink = sink;
		this.#signal = signal;
	}

	async run(): Promise<void> {
		if (this.#signal.aborted) {
			this.#end();
			return;
		}
		this.#signal.addEventListener('abort', this.#onAbort, { once: true });
		this.#within(CREDENTIALS_MS, 'reading credentials');
		const { credentials } = this.#options.cluster;
		try {
			const [tls, authorization] = await Promise.all([credentials.tls(), credentials.authorization()]);
			if (!this.#ended) this.#connect(tls, authorization);
		} catch (error) {
			this.#end(error as Error);
		}
	}

	#connect(tls: TlsMaterial, authorization: string | undefined): void {
		const { cluster, userAgent } = this.#options;
		const options: RequestOptions & ConnectionOptions = {
			...endpointOf(cluster, tls).options,
			path: cluster.basePath + this.#wanted.path,
			agent: cluster.proxy ? new TunnelAgent(cluster.proxy) : false,
			ALPNProtocols: ['http/1.1'],
			headers: {
				accept: this.#wanted.accept,
				'user-agent': userAgent,
				...(authorization !== undefined && { authorization }),
				...cluster.credentials.impersonation?.(),
			},
		};
		const request = httpsRequest(options);
		this.#request = request;
		this.#within(CONNECT_MS, 'connecting');
		request.once('socket', socket => {
			socket.setKeepAlive(true, KEEPALIVE_MS);
			socket.setNoDelay(true);
			socket.once('secureConnect', () =>
				this.#within(this.#wanted.headerTimeoutMs ?? HEADER_MS, 'waiting for an answer'),
			);
		});
		request.once('response', response => this.#respond(response));
		request.on('error', error => this.#end(error));
		request.end();
	}

	#respond(response: IncomingMessage): void {
		const { statusCode: status = 0, headers } = response;
		response.on('error', error => this.#end(error));
		response.once('end', () => this.#end());
		if (this.#ended) return;
		if (status === 401) this.#options.cluster.credentials.invalidate();
		const encoding = headers['content-encoding'];
		if (encoding !== undefined && encoding !== 'identity') {
			this.#end(new Error(`the answer is encoded as ${JSON.stringify(encoding)}`));
			return;
		}
		this.#lastByteAt = this.#options.clock.monotonic();
		this.#watchSilence();
		let room = status === 200 ? Number.POSITIVE_INFINITY : MAX_ERROR_BODY;
		this.#guarded(() => this.#sink.onHeaders(status, flatten(headers)));
		response.on('data', (chunk: Buffer) => {
			if (this.#ended) return;
			this.#lastByteAt = this.#options.clock.monotonic();
			const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
			room -= kept.length;
			this.#guarded(() => this.#sink.onChunk(kept));
			if (room === 0) this.#end();
		});
	}

	#guarded(call: () => void): void {
		try {
			call();
		} catch (error) {
			this.#end(error as Error);
		}
	}

	/** One timer, re-armed for what is left: a busy stream schedules nothing per chunk. */
	#watchSilence(): void {
		const { clock, silenceMs = SILENCE_MS } = this.#options;
		const left = this.#lastByteAt + silenceMs - clock.monotonic();
		if (left <= 0) {
			this.#end(new Error(`the stream was silent for ${silenceMs} ms`));
			return;
		}
		this.#timer?.cancel();
		this.#timer = clock.schedule(left, () => this.#watchSilence());
	}

	#within(ms: number, what: string): void {
		if (this.#ended) return;
		this.#timer?.cancel();
		this.#timer = this.#options.clock.schedule(ms, () =>
			this.#end(new Error(`${what} took longer than ${ms} ms`)),
		);
	}

	#end(error?: Error): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#timer?.cancel();
		this.#signal.removeEventListener('abort', this.#onAbort);
		this.#request?.destroy();
		this.#sink.onEnd(error);
	}
}

function flatten(headers: IncomingMessage['headers']): Record<string, string> {
	const flat: Record<string, string> = {};
	for (const [name, value] of Object.entries(headers)) {
		if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
	}
	return flat;
}

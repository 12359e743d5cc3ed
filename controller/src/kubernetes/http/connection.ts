// What one connection to the API server offers, in either version of HTTP, and how it is opened.
import { isIP, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import type { ClusterConfig } from '../auth/cluster-config.ts';
import type { TlsMaterial } from '../auth/credentials.ts';
import { authorityOf, openTunnel } from './tunnel.ts';

export type WireRequest = {
	readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	/** Path and query, without the cluster's base path. */
	readonly path: string;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string | readonly string[]>>;
	/** A text, or the bytes of one in pieces, which are sent without a copy. */
	readonly body?: string | readonly Buffer[] | undefined;
};

export type WireResponse = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer;
};

/** The connection went away under a request: whether the server has seen it is unknown. */
export class ConnectionLostError extends Error {
	override readonly name = 'ConnectionLostError';
}

/** The request's time is over. A connection that lets one pass may be dead: it gets no more. */
export class DeadlineError extends Error {
	override readonly name = 'DeadlineError';
}

export type Connection = {
	/**
	 * Rejects with ConnectionLostError, with the signal's reason when it aborts, or with another error for an
	 * answer that breaks the limits.
	 */
	request(request: WireRequest, signal: AbortSignal): Promise<WireResponse>;
	/** Takes no new requests; what is in flight may finish, then it closes. */
	retire(): void;
	/** Closes at once; what is in flight is lost. */
	destroy(): void;
	/** Whether new requests may still be given to it. */
	readonly usable: boolean;
	/** Nothing of it is left. */
	readonly closed: boolean;
};

/** Answers to metadata-only requests are small; the largest is 256 KiB of annotations and their managers. */
export const MAX_RESPONSE = 4 * 1024 * 1024;
const CONNECT_MS = 5_000;
const KEEPALIVE_MS = 10_000;

/** Authority and TLS options of the cluster's address. No server name is sent for a plain address. */
export function endpointOf({ host, port }: ClusterConfig, { ca, ...tls }: TlsMaterial) {
	return {
		authority: authorityOf({ host, port }),
		options: {
			...(isIP(host) === 0 && { servername: host }),
			...tls,
			...(ca !== undefined && { ca: ca as string | string[] }),
			host,
			port,
		},
	};
}

/** A TLS socket that offers h2 and HTTP/1.1; rejects after 5 s or when the signal aborts. */
export async function openSocket(
	cluster: ClusterConfig,
	tls: TlsMaterial,
	clock: Clock,
	signal: AbortSignal,
): Promise<TLSSocket> {
	signal.throwIfAborted();
	const late = new AbortController();
	const timer = clock.schedule(CONNECT_MS, () =>
		late.abort(new Error(`connecting took longer than ${CONNECT_MS} ms`)),
	);
	const stop = AbortSignal.any([signal, late.signal]);
	try {
		const tunnel = cluster.proxy && (await untilAborted(openTunnel(cluster.proxy, cluster, tls, stop), stop));
		return await handshake(cluster, tls, tunnel, stop);
	} finally {
		timer.cancel();
	}
}

function handshake(
	cluster: ClusterConfig,
	tls: TlsMaterial,
	tunnel: Socket | undefined,
	signal: AbortSignal,
): Promise<TLSSocket> {
	return new Promise((resolve, reject) => {
		const socket = tlsConnect({
			...endpointOf(cluster, tls).options,
			...(tunnel !== undefined && { socket: tunnel }),
			ALPNProtocols: ['h2', 'http/1.1'],
		});
		const transport = tunnel ?? socket;
		transport.setKeepAlive(true, KEEPALIVE_MS);
		transport.setNoDelay(true);
		const finish = (error?: Error) => {
			signal.removeEventListener('abort', onAbort);
			socket.off('error', finish);
			socket.off('close', onClose);
			if (error === undefined) resolve(socket);
			else {
				socket.on('error', () => {});
				socket.destroy();
				reject(error);
			}
		};
		const onAbort = () => finish(signal.reason);
		const onClose = () => finish(new Error('the connection was closed during the TLS handshake'));
		socket.once('secureConnect', () => finish());
		socket.once('error', finish);
		socket.once('close', onClose);
		signal.addEventListener('abort', onAbort, { once: true });
	});
}

/** Rejects with the signal's own reason, which says more than the error of what it stopped. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	try {
		return await promise;
	} catch (error) {
		throw signal.aborted ? signal.reason : error;
	}
}

export const bodyLength = (body: string | readonly Buffer[]): number =>
	typeof body === 'string' ? Buffer.byteLength(body) : body.reduce((sum, { length }) => sum + length, 0);

/** Writes the whole body and ends the request. Without a body the request ends at once. */
export function sendBody(request: Writable, body: WireRequest['body']): void {
	if (typeof body !== 'object') request.end(body);
	else {
		for (const piece of body.slice(0, -1)) request.write(piece);
		request.end(body.at(-1));
	}
}

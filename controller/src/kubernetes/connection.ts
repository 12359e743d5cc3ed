// What one connection to the API server offers, whatever HTTP it speaks, and how it is opened.
import { isIP } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterConfig } from './config.ts';
import type { TlsMaterial } from './credentials.ts';

export type WireRequest = {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Path and query, without the cluster's base path. */
	readonly path: string;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string;
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
export function endpointOf({ host, port }: ClusterConfig, tls: TlsMaterial) {
	return {
		authority: `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
		options: { ...(isIP(host) === 0 && { servername: host }), ...tls, host, port },
	};
}

/** A TLS socket that offers h2 and HTTP/1.1; rejects after 5 s or when the signal aborts. */
export function openSocket(
	cluster: ClusterConfig,
	tls: TlsMaterial,
	clock: Clock,
	signal: AbortSignal,
): Promise<TLSSocket> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) {
			reject(signal.reason);
			return;
		}
		const socket = tlsConnect({
			...endpointOf(cluster, tls).options,
			ALPNProtocols: ['h2', 'http/1.1'],
		});
		socket.setKeepAlive(true, KEEPALIVE_MS);
		socket.setNoDelay(true);
		const finish = (error?: Error) => {
			timer.cancel();
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
		const timer = clock.schedule(CONNECT_MS, () =>
			finish(new Error(`connecting took longer than ${CONNECT_MS} ms`)),
		);
		socket.once('secureConnect', () => finish());
		socket.once('error', finish);
		socket.once('close', onClose);
		signal.addEventListener('abort', onAbort, { once: true });
	});
}

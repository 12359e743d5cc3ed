// Opens a connection to a server through a proxy by CONNECT.
import { request as httpRequest } from 'node:http';
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import type { ProxyConfig } from '../auth/cluster-config.ts';
import type { TlsMaterial } from '../auth/credentials.ts';

export type TunnelTarget = { readonly host: string; readonly port: number };

/** `host:port`, with brackets around an IPv6 address. */
export const authorityOf = ({ host, port }: TunnelTarget): string =>
	`${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/**
 * A socket whose other end is the target, TLS not yet spoken. A proxy over TLS is verified like the cluster itself, as
 * kubectl does, but never gets to see a client certificate. Abort the signal to give up.
 */
export function openTunnel(
	proxy: ProxyConfig,
	target: TunnelTarget,
	{ ca, rejectUnauthorized }: TlsMaterial,
	signal?: AbortSignal,
): Promise<Socket> {
	const { promise, resolve, reject } = Promise.withResolvers<Socket>();
	const authority = authorityOf(target);
	const request = (proxy.secure ? httpsRequest : httpRequest)({
		method: 'CONNECT',
		host: proxy.host,
		port: proxy.port,
		path: authority,
		agent: false,
		headers: {
			host: authority,
			...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
		},
		...(signal !== undefined && { signal }),
		...(proxy.secure && {
			...(ca !== undefined && { ca: ca as string | string[] }),
			...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
		}),
	});
	request.on('connect', ({ statusCode }, socket: Socket, head) => {
		if (statusCode !== 200) {
			socket.destroy();
			reject(new Error(`the proxy refused to connect (${statusCode})`));
			return;
		}
		if (head.length > 0) socket.unshift(head);
		resolve(socket);
	});
	request.on('response', response => {
		response.destroy();
		reject(new Error(`the proxy refused to connect (${response.statusCode})`));
	});
	request.on('error', reject);
	request.end();
	return promise;
}

/** Opens each of its connections through the proxy. */
export class TunnelAgent extends Agent {
	readonly #proxy: ProxyConfig;

	constructor(proxy: ProxyConfig, options: AgentOptions = {}) {
		super(options);
		this.#proxy = proxy;
	}

	override createConnection(
		options: ConnectionOptions & TunnelTarget,
		callback: (error: Error | null, socket?: Duplex) => void,
	): undefined {
		openTunnel(this.#proxy, options, options as TlsMaterial).then(
			socket => callback(null, tlsConnect({ ...options, socket })),
			(error: Error) => callback(error),
		);
	}
}

// A TLS server that says byte for byte what a test writes, for answers that no honest server gives.
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import type { Credentials, TlsMaterial } from '../../../src/kubernetes/auth/credentials.ts';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';

const certificate = makeServerCertificate(new Date());

/** Credentials that never change, and how often they were said to be refused. */
export class FixedCredentials implements Credentials {
	invalidations = 0;
	readonly #ca: string;
	readonly #token: string;

	constructor({ ca = certificate.ca, token = 'token' } = {}) {
		this.#ca = ca;
		this.#token = token;
	}

	tls = async (): Promise<TlsMaterial> => ({ ca: this.#ca });
	authorization = async (): Promise<string | undefined> => `Bearer ${this.#token}`;
	invalidate = (): void => {
		this.invalidations++;
	};
}

/** One accepted connection whose request has arrived. */
export type RawExchange = { readonly socket: TLSSocket; readonly request: string };

export type RawServer = {
	readonly cluster: ClusterConfig;
	readonly credentials: FixedCredentials;
	/** TCP connections so far. */
	readonly connections: number;
	/** The next connection, with its request's header. */
	next(): Promise<RawExchange>;
};

type RawServerOptions = {
	/** Accepts TCP and then says nothing, not even in TLS. */
	readonly mute?: boolean;
	readonly alpn?: readonly string[];
	readonly basePath?: string;
	/** Takes every TLS connection in place of `next`. */
	readonly onSocket?: (socket: TLSSocket) => void;
};

/** Listens on loopback until the test ends. */
export async function rawServer(t: ExecutionContext, options: RawServerOptions = {}): Promise<RawServer> {
	const { mute = false, alpn = ['http/1.1'], basePath = '', onSocket } = options;
	const exchanges: RawExchange[] = [];
	const waiting: ((exchange: RawExchange) => void)[] = [];
	const sockets = new Set<Socket>();
	let connections = 0;
	const server: Server = mute
		? createTcpServer()
		: createServer({ cert: certificate.cert, key: certificate.key, ALPNProtocols: [...alpn] });
	server.on('connection', (socket: Socket) => {
		connections++;
		sockets.add(socket.on('error', () => {}));
	});
	server.on('secureConnection', (socket: TLSSocket) => {
		socket.on('error', () => {});
		if (onSocket !== undefined) {
			onSocket(socket);
			return;
		}
		let request = '';
		const collect = (bytes: Buffer) => {
			request += bytes.toString('latin1');
			if (!request.includes('\r\n\r\n')) return;
			socket.off('data', collect);
			const exchange = { socket, request };
			const waiter = waiting.shift();
			if (waiter === undefined) exchanges.push(exchange);
			else waiter(exchange);
		};
		socket.on('data', collect);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const credentials = new FixedCredentials();
	return {
		cluster: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, basePath, credentials },
		credentials,
		get connections() {
			return connections;
		},
		next: () =>
			new Promise(resolve => {
				const exchange = exchanges.shift();
				if (exchange === undefined) waiting.push(resolve);
				else resolve(exchange);
			}),
	};
}

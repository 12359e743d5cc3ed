// The TLS listener: HTTP/1.1 and HTTP/2 on one port, connections that can be counted, reset and told to go away.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { makeServerCertificate, type ServerCertificate } from './certificate.ts';

/** What the API server allows on one HTTP/2 connection. */
const maxConcurrentStreams = 100;

export type ConnectionHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Listens on loopback. A certificate is made at construction and can be replaced. */
export class Connections {
	readonly #server: Http2SecureServer;
	readonly #sockets = new Set<Socket>();
	readonly #secure = new Set<TLSSocket>();
	readonly #sessions = new Set<ServerHttp2Session>();
	/** TLS sockets and HTTP/2 sessions by the number of their connection. */
	readonly #numbers = new WeakMap<object, number>();
	#count = 0;
	#port: number;
	#certificate: ServerCertificate;
	readonly #now: () => Date;

	constructor(handler: ConnectionHandler, options: { port: number; now: () => Date }) {
		this.#port = options.port;
		this.#now = options.now;
		this.#certificate = makeServerCertificate(options.now());
		this.#server = createSecureServer({
			key: this.#certificate.key,
			cert: this.#certificate.cert,
			allowHTTP1: true,
			settings: { maxConcurrentStreams },
		});
		Object.assign(this.#server, { keepAliveTimeout: 0, requestTimeout: 0 });
		// http2's compatibility objects have everything that the handler uses.
		this.#server.on('request', handler as never);
		// 'connection' comes before TLS, so that a handshake under way can be reset as well.
		this.#server.on('connection', (socket: Socket) => {
			this.#sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => this.#sockets.delete(socket));
		});
		this.#server.on('secureConnection', (socket: TLSSocket) => {
			socket.setNoDelay(true);
			socket.on('error', () => {});
			this.#secure.add(socket);
			socket.on('close', () => this.#secure.delete(socket));
			if (socket.alpnProtocol !== 'h2') this.#numbers.set(socket, ++this.#count);
		});
		this.#server.on('session', session => {
			this.#numbers.set(session, ++this.#count);
			this.#sessions.add(session);
			session.on('error', () => {});
			session.on('close', () => this.#sessions.delete(session));
		});
		for (const event of ['sessionError', 'tlsClientError', 'clientError'] as const) {
			this.#server.on(event, (_error: Error, socket?: Socket | ServerHttp2Session) => socket?.destroy());
		}
	}

	get ca(): string {
		return this.#certificate.ca;
	}

	/** `127.0.0.1:<port>`; the port stays the same over a stop and start. */
	get address(): string {
		return `127.0.0.1:${this.#port}`;
	}

	/** How many TLS connections there were so far. */
	get count(): number {
		return this.#count;
	}

	/** The number of the connection that carries a request. */
	numberOf(request: IncomingMessage): number {
		const { stream } = request as unknown as { stream?: { session?: object } };
		return this.#numbers.get(stream?.session ?? request.socket) ?? 0;
	}

	async start(): Promise<void> {
		if (this.#server.listening) return;
		this.#server.listen(this.#port, '127.0.0.1');
		await once(this.#server, 'listening');
		this.#port = (this.#server.address() as AddressInfo).port;
	}

	/** Stops listening and resets every connection. */
	async stop(): Promise<void> {
		if (!this.#server.listening) return;
		const closed = once(this.#server, 'close');
		this.#server.close();
		this.reset();
		await closed;
	}

	reset(): void {
		// A reset while TLS shuts down fails and leaves the handle open for ever: the process would never end.
		const ending = new Set(
			[...this.#secure].filter(({ writableEnded }) => writableEnded).map(({ remotePort }) => remotePort),
		);
		for (const socket of this.#sockets) {
			if (socket.writableEnded || ending.has(socket.remotePort)) socket.destroy();
			else socket.resetAndDestroy();
		}
	}

	goAway(): void {
		for (const session of this.#sessions) session.close();
	}

	/** Makes a new authority and serves a certificate of it; established connections stay. Returns its PEM. */
	replaceCertificate(): string {
		this.#certificate = makeServerCertificate(this.#now());
		this.#server.setSecureContext({ key: this.#certificate.key, cert: this.#certificate.cert });
		return this.#certificate.ca;
	}
}

// A forward proxy on loopback as companies have them: CONNECT tunnels and http requests, credentials, a log.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Teardown } from '../environment/file-teardown.ts';

export type ProxyFault =
	/** A status line of the proxy's own. */
	| { readonly status: number }
	/** Accepts the connection and never answers. */
	| 'hang'
	/** Closes the connection without an answer. */
	| 'close'
	/** Answers what is no HTTP. */
	| 'garbage';

export type ConnectProxyOptions = {
	/** USER:PASSWORD that clients must send. */
	readonly credentials?: string;
	/** Where a host leads, as a port of loopback. Default: to the port that is asked for. */
	readonly hosts?: Readonly<Record<string, number>>;
};

/** Relays to loopback, whatever host is asked for, until the test ends. */
export async function startConnectProxy(
	t: Teardown,
	options: ConnectProxyOptions = {},
): Promise<ConnectProxy> {
	const proxy = new ConnectProxy(options);
	await proxy.listen();
	t.teardown(() => proxy.close());
	return proxy;
}

export class ConnectProxy {
	/** What was asked for, as `CONNECT host:port` or `GET http://…`. */
	readonly requests: string[] = [];
	/** The values of Proxy-Authorization, in the order of the requests. */
	readonly authorizations: (string | undefined)[] = [];
	/** How every request fails from now on; undefined: none does. */
	fault: ProxyFault | undefined;
	readonly #options: ConnectProxyOptions;
	readonly #sockets = new Set<Socket>();
	readonly #server = createServer(near => this.#accept(near));

	constructor(options: ConnectProxyOptions) {
		this.#options = options;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	/** Connections from clients that are open now. */
	get open(): number {
		return this.#sockets.size;
	}

	async listen(): Promise<void> {
		this.#server.listen(0, '127.0.0.1');
		await once(this.#server, 'listening');
	}

	/** Resolves when every connection is closed: a worker cannot end while one still closes. */
	async close(): Promise<void> {
		const closed = once(this.#server, 'close');
		this.#server.close();
		for (const socket of this.#sockets) {
			socket.destroy();
		}

		await closed;
	}

	#accept(near: Socket): void {
		this.#sockets.add(near);
		near.on('error', () => {});
		near.on('close', () => this.#sockets.delete(near));
		let head = '';
		const read = (bytes: Buffer) => {
			head += bytes.toString('latin1');
			if (head.includes('\r\n\r\n')) {
				near.off('data', read);
				this.#serve(near, head);
			}
		};
		near.on('data', read);
	}

	#serve(near: Socket, head: string): void {
		const [method = '', target = ''] = head.split(' ', 2);
		const authorization = /^proxy-authorization: (.*?)\r$/im.exec(head)?.[1];
		this.requests.push(`${method} ${target}`);
		this.authorizations.push(authorization);
		const fault = this.fault ?? (this.#admits(authorization) ? undefined : { status: 407 });
		if (fault === undefined) {
			this.#relay(near, { method, target, head });
		} else if (fault === 'close') {
			near.destroy();
		} else if (fault === 'garbage') {
			near.end('no HTTP\r\n\r\n');
		} else if (fault !== 'hang') {
			near.end(`HTTP/1.1 ${fault.status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
		}
	}

	#admits(authorization: string | undefined): boolean {
		const { credentials } = this.#options;
		return (
			credentials === undefined || authorization === `Basic ${Buffer.from(credentials).toString('base64')}`
		);
	}

	#relay(near: Socket, { method, target, head }: { method: string; target: string; head: string }): void {
		const { hostname, port } = new URL(method === 'CONNECT' ? `http://${target}` : target);
		const far = connect(this.#options.hosts?.[hostname] ?? Number(port || 80), '127.0.0.1');
		far.on('error', () => near.destroy());
		far.on('close', () => near.end());
		near.on('close', () => far.destroy());
		far.on('connect', () => {
			if (method === 'CONNECT') {
				near.write('HTTP/1.1 200 Connection established\r\n\r\n');
			} else {
				// One request a connection, so that each is seen.
				const alone = head
					.replace(/^(?:proxy-)?connection: .*\r\n/gim, '')
					.replace(/\r\n/, '\r\nconnection: close\r\n');
				far.write(alone.replace(/ http:\/\/[^/ ]+/, ' '), 'latin1');
			}

			near.pipe(far);
			far.pipe(near);
		});
	}
}

// A byte relay in front of a server: holds answers back, cuts connections, refuses new ones. It reads nothing.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class HoldingProxy {
	readonly #target: { readonly host: string; readonly port: number };
	readonly #sockets = new Set<Socket>();
	readonly #server: Server;
	#port = 0;
	#held: (() => void)[] | undefined;

	/** `target` is a URL; use `startHoldingRelay`. */
	constructor(target: string) {
		const { hostname, port } = new URL(target);
		this.#target = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
		this.#server = createServer(socket => this.#join(socket));
	}

	/** Connections that are open now. */
	get open(): number {
		return this.#sockets.size / 2;
	}

	/** The target's URL with the relay in its place. */
	url(scheme: 'http' | 'https'): string {
		return `${scheme}://127.0.0.1:${this.#port}`;
	}

	/** Accepts connections, on the same port as before. */
	async accept(): Promise<void> {
		this.#server.listen(this.#port, '127.0.0.1');
		await once(this.#server, 'listening');
		this.#port = (this.#server.address() as AddressInfo).port;
	}

	/** Cuts every connection and refuses new ones. */
	async refuse(): Promise<void> {
		const closed = once(this.#server, 'close');
		this.#server.close();
		this.cut();
		await closed;
	}

	/** Resets every connection. */
	cut(): void {
		for (const socket of this.#sockets) {
			socket.resetAndDestroy();
		}
	}

	/** Lets questions through and holds the answers, on every connection, until `release`. */
	hold(): void {
		this.#held ??= [];
	}

	release(): void {
		const held = this.#held ?? [];
		this.#held = undefined;
		for (const send of held) {
			send();
		}
	}

	async close(): Promise<void> {
		if (this.#server.listening) {
			await this.refuse();
		}
	}

	#join(client: Socket): void {
		const server = connect(this.#target);
		for (const [socket, other] of [
			[client, server],
			[server, client],
		] as const) {
			this.#sockets.add(socket);
			socket.setNoDelay(true);
			socket.on('error', () => other.destroy());
			socket.on('close', () => {
				this.#sockets.delete(socket);
				other.destroy();
			});
		}

		client.on('data', data => server.write(data));
		server.on('data', data => this.#answer(() => client.write(data)));
		client.on('end', () => server.end());
		server.on('end', () => this.#answer(() => client.end()));
	}

	#answer(send: () => void): void {
		if (this.#held === undefined) {
			send();
		} else {
			this.#held.push(send);
		}
	}
}

export async function startHoldingRelay(target: string): Promise<HoldingProxy> {
	const relay = new HoldingProxy(target);
	await relay.accept();
	return relay;
}

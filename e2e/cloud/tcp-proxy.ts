// A port of this host for pods. While it is closed, the server behind it can be replaced.
import { connect, createServer, type Socket } from 'node:net';
import { onEnd } from '../cluster/cleanup.ts';

export class TcpProxy {
	/** The port for pods; it stays the same when the proxy opens again. */
	readonly port: number;
	readonly #target: number;
	readonly #sockets = new Set<Socket>();
	#server: ReturnType<typeof createServer> | undefined;

	/** `target` is a port of the loopback interface. */
	constructor(port: number, target: number) {
		this.port = port;
		this.#target = target;
		onEnd(`port ${port}`, () => this.shut());
	}

	async open(): Promise<void> {
		const server = createServer(incoming => {
			const outgoing = connect(this.#target, '127.0.0.1');
			for (const [socket, other] of [
				[incoming, outgoing],
				[outgoing, incoming],
			] as const) {
				this.#sockets.add(socket);
				socket
					.on('error', () => {})
					.on('close', () => {
						this.#sockets.delete(socket);
						other.destroy();
					});
				socket.pipe(other);
			}
		});
		this.#server = server;
		await new Promise<void>((resolve, reject) => {
			server.once('error', reject).listen(this.port, '0.0.0.0', resolve);
		});
	}

	/** Refuses connections and ends those that are open. */
	async shut(): Promise<void> {
		const server = this.#server;
		this.#server = undefined;
		for (const socket of this.#sockets) socket.destroy();
		if (server !== undefined) await new Promise(resolve => server.close(resolve));
	}
}

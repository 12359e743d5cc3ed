// A port of this host for pods, behind which a server can be changed while the door is shut.
import { connect, createServer, type Socket } from 'node:net';
import { onEnd } from './cleanup.ts';

export class Door {
	/** Where pods knock; the same however often it opens. */
	readonly port: number;
	readonly #target: number;
	readonly #sockets = new Set<Socket>();
	#server: ReturnType<typeof createServer> | undefined;

	/** `target` is a port of this host alone. */
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

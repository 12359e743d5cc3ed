// A TCP relay in front of a server that can fall silent: what a dead peer behind a living kernel looks like.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

export type TcpProxy = {
	readonly port: number;
	/** Nothing passes any more, in neither direction; the connections stay open. */
	stall(): void;
	/** What was held back passes. */
	resume(): void;
};

/** Relays to a port of loopback until the test ends. */
export async function relayTo(t: ExecutionContext, port: number): Promise<TcpProxy> {
	const sockets = new Set<Socket>();
	let stalled = false;
	const server = createServer(near => {
		const far = connect(port, '127.0.0.1');
		for (const [from, to] of [
			[near, far],
			[far, near],
		] as const) {
			sockets.add(from);
			from.on('error', () => {});
			from.on('data', bytes => to.write(bytes));
			from.on('close', () => to.destroy());
			if (stalled) from.pause();
		}
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return {
		port: (server.address() as AddressInfo).port,
		stall() {
			stalled = true;
			for (const socket of sockets) socket.pause();
		},
		resume() {
			stalled = false;
			for (const socket of sockets) socket.resume();
		},
	};
}

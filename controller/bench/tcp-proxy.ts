// Carries bytes to an API server until it is told to cut every connection and to refuse new ones.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Access } from './cluster.ts';

export type TcpProxy = {
	/** The cluster's, through the relay. The server's certificate must be good for 127.0.0.1. */
	readonly access: Access;
	cut(): Promise<void>;
	open(): Promise<void>;
	close(): Promise<void>;
};

export async function relayed(access: Access): Promise<TcpProxy> {
	const sockets = new Set<Socket>();
	const server = createServer(client => {
		const upstream = connect({ host: access.host, port: access.port });
		for (const socket of [client, upstream]) {
			sockets.add(socket.setNoDelay(true));
			socket.on('error', () => {});
			socket.on('close', () => {
				sockets.delete(socket);
				client.destroy();
				upstream.destroy();
			});
		}

		client.pipe(upstream);
		upstream.pipe(client);
	});
	let port = 0;
	const open = async () => {
		server.listen(port, '127.0.0.1');
		await once(server, 'listening');
		port = (server.address() as AddressInfo).port;
	};
	const cut = async () => {
		const closed = once(server, 'close');
		server.close();
		for (const socket of sockets) {
			socket.resetAndDestroy();
		}

		await closed;
	};
	await open();
	return { access: { ...access, host: '127.0.0.1', port }, open, cut, close: cut };
}

// Puts TLS in front of the embedded Secrets Manager, as the real one has it: its cost in memory is the process's.
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { makeServerCertificate } from '../testing/api-server/wire/certificate.ts';

export type TlsFront = {
	readonly url: string;
	/** PEM of its authority. */
	readonly ca: string;
	close(): Promise<void>;
};

export async function tlsFront(url: string): Promise<TlsFront> {
	const { key, cert, ca } = makeServerCertificate(new Date());
	const { hostname, port } = new URL(url);
	const server = createServer({ key, cert, ALPNProtocols: ['http/1.1'] }, client => {
		const upstream = connect({ host: hostname, port: Number(port) });
		for (const [socket, other] of [
			[client, upstream],
			[upstream, client],
		] as const) {
			socket.on('error', () => {});
			socket.on('close', () => other.destroy());
			socket.pipe(other);
		}
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
		ca,
		async close() {
			server.close();
		},
	};
}

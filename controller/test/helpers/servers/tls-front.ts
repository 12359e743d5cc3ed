// TLS in front of a server that speaks plain http, with an authority of its own.
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';
import type { Teardown } from '../environment/file-teardown.ts';

export type TlsFront = {
	readonly port: number;
	/** PEM of the authority to trust. */
	readonly ca: string;
	/** TLS connections that stood so far. */
	readonly connections: number;
};

/** Listens on loopback until the test ends. */
export async function startTlsFront(t: Teardown, url: string): Promise<TlsFront> {
	const { ca, cert, key } = makeServerCertificate(new Date());
	let connections = 0;
	const server = createServer({ cert, key }, near => {
		connections++;
		const far = connect(Number(new URL(url).port), '127.0.0.1');
		near.on('error', () => far.destroy());
		far.on('error', () => near.destroy());
		near.on('close', () => far.destroy());
		far.on('close', () => near.destroy());
		near.pipe(far);
		far.pipe(near);
	});
	server.on('tlsClientError', () => {});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	return {
		port: (server.address() as AddressInfo).port,
		ca,
		get connections() {
			return connections;
		},
	};
}

// An HTTPS server that speaks HTTP/1.1 only, as a proxy in front of the API server may.
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';
import { FixedCredentials } from './raw-server.ts';

export type HttpsServer = { readonly cluster: ClusterConfig; readonly connections: number };

/** Listens on loopback until the test ends. */
export async function httpsServer(t: ExecutionContext, listener: RequestListener): Promise<HttpsServer> {
	const { ca, cert, key } = makeServerCertificate(new Date());
	const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'], keepAlive: true }, listener);
	let connections = 0;
	server.on('secureConnection', socket => {
		connections++;
		socket.on('error', () => {});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	return {
		cluster: { host: '127.0.0.1', port, basePath: '', credentials: new FixedCredentials({ ca }) },
		get connections() {
			return connections;
		},
	};
}

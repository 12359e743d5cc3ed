// A plain HTTP server that records its requests, for the agents and services of a node.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Teardown } from '../environment/file-teardown.ts';

/** Listens on loopback until the test ends. */
export async function startHttp(
	t: Teardown,
	answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
	const requests: IncomingMessage[] = [];
	const server = createServer((request, response) => {
		requests.push(request);
		answer(request, response);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

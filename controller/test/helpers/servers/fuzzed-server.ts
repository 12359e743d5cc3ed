// A server that answers each request with what a test made up for it: any status, headers and bytes.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';

export type FuzzedAnswer = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer | string;
};

export type FuzzedRequest = { readonly url: string; readonly target: string; readonly body: string };

/** Listens on loopback until the test ends. `answerOf` picks by what the request asks for. */
export async function startFuzzed(
	t: ExecutionContext,
	answerOf: (request: FuzzedRequest) => FuzzedAnswer,
	{ tls = false }: { readonly tls?: boolean } = {},
) {
	const listener: RequestListener = (request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', chunk => chunks.push(chunk));
		request.on('end', () => {
			const target = String(request.headers['x-amz-target'] ?? '');
			const body = Buffer.concat(chunks).toString();
			const answer = answerOf({ url: request.url ?? '', target, body });
			response.writeHead(answer.status, answer.headers);
			response.end(answer.body);
		});
	};
	const { ca, cert, key } = makeServerCertificate(new Date());
	const server = tls ? createHttpsServer({ cert, key }, listener) : createHttpServer(listener);
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	const { port } = server.address() as AddressInfo;
	return { ca, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}` };
}

// An API server that records how each client came: name asked for, certificate, identity, and by which proxy.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createSecureServer, type Http2ServerRequest } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';

/** What the server knows of one request. Absent: the client did not send it. */
export type Seen = {
	readonly path: string;
	/** The server name of the TLS handshake. */
	readonly serverName?: string;
	/** Name of the client certificate, as `identities` has it. */
	readonly certificate?: string;
	readonly authorization?: string;
	/** `Impersonate-*` headers, with their values in order. */
	readonly impersonate?: Readonly<Record<string, readonly string[]>>;
	/** What the proxy was asked for. */
	readonly proxy?: { readonly target: string; readonly authorization?: string };
};

export type RecordingServer = {
	readonly port: number;
	readonly ca: string;
	/** Ports of an http and an https proxy; the certificate of the latter is of the same authority. */
	readonly httpProxy: number;
	readonly httpsProxy: number;
	/** The requests since the last call. */
	take(): Seen[];
	/** What every request is answered with; 200 by default. */
	status: number;
	close(): Promise<void>;
};

/** Client certificates with the names under which a request records them. */
export const identities = {
	first: makeServerCertificate(new Date()),
	second: makeServerCertificate(new Date()),
};

const fingerprint = (der: Buffer) => createHash('sha256').update(der).digest('hex');
const names = new Map(
	Object.entries(identities).map(([name, { cert }]) => [
		fingerprint(Buffer.from(cert.replace(/-----[A-Z ]+-----/g, ''), 'base64')),
		name,
	]),
);

export async function startRecordingServer(): Promise<RecordingServer> {
	const { ca, cert, key } = makeServerCertificate(new Date());
	const seen: Seen[] = [];
	const connects = new Map<number, NonNullable<Seen['proxy']>>();
	const sockets = new Set<{ destroy(): void }>();
	const state = { status: 200 };

	const server = createSecureServer({
		cert,
		key,
		allowHTTP1: true,
		requestCert: true,
		rejectUnauthorized: false,
	});
	server.on('secureConnection', socket => sockets.add(socket.on('error', () => {})));
	server.on('request', (request: Http2ServerRequest, response) => {
		seen.push(recorded(request, connects));
		response.writeHead(state.status, { 'content-type': 'application/json' });
		response.end('{}');
	});

	const proxies = [createServer(), createHttpsServer({ cert, key })];
	for (const proxy of proxies) {
		proxy.on('connection', socket => sockets.add(socket.on('error', () => {})));
		proxy.on('connect', (request: IncomingMessage, near) => {
			const authorization = request.headers['proxy-authorization'];
			const far = connect(portOf(server), '127.0.0.1', () => {
				connects.set(far.localPort!, { target: request.url!, ...(authorization && { authorization }) });
				near.write('HTTP/1.1 200 Connection established\r\n\r\n');
				near.pipe(far).pipe(near);
			});
			sockets.add(far.on('error', () => near.destroy()));
			near.on('error', () => far.destroy());
		});
	}

	for (const each of [server, ...proxies]) {
		each.listen(0, '127.0.0.1');
		await once(each, 'listening');
	}

	return {
		port: portOf(server),
		ca,
		httpProxy: portOf(proxies[0]!),
		httpsProxy: portOf(proxies[1]!),
		take: () => seen.splice(0),
		get status() {
			return state.status;
		},
		set status(status) {
			state.status = status;
		},
		async close() {
			for (const socket of sockets) {
				socket.destroy();
			}

			await Promise.all([server, ...proxies].map(each => new Promise(resolve => each.close(resolve))));
		},
	};
}

function recorded(
	request: Http2ServerRequest,
	connects: ReadonlyMap<number, NonNullable<Seen['proxy']>>,
): Seen {
	const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket;
	const { raw } = socket.getPeerCertificate() ?? {};
	const impersonate: Record<string, string[]> = {};
	for (let index = 0; index < request.rawHeaders.length; index += 2) {
		const name = request.rawHeaders[index]!.toLowerCase();
		if (name.startsWith('impersonate-')) {
			const value = Buffer.from(request.rawHeaders[index + 1]!, 'latin1').toString('utf8');
			impersonate[name] = [...(impersonate[name] ?? []), value];
		}
	}

	const proxy = connects.get(socket.remotePort!);
	const { authorization } = request.headers;
	return {
		path: request.url,
		...(socket.servername && { serverName: socket.servername }),
		...(raw && { certificate: names.get(fingerprint(raw)) ?? 'unknown' }),
		...(authorization && { authorization }),
		...(Object.keys(impersonate).length > 0 && { impersonate }),
		...(proxy && { proxy }),
	};
}

const portOf = (server: Pick<Server, 'address'>): number => (server.address() as AddressInfo).port;

// The HTTP endpoints: /livez, /healthz and /readyz on the probe port, /metrics on the metrics port.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JasmError } from '../errors.ts';

/** Why a probe fails, one short reason each; none when it passes. */
export type Probe = () => readonly string[];

export type EndpointsOptions = {
	/** `host:port`, `:port` for every interface, port 0 for any free one, `0` to switch the listener off. */
	readonly healthAddress: string;
	readonly metricsAddress: string;
	readonly live: Probe;
	readonly ready: Probe;
	/** The metrics in the text format, and its content type. */
	readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
};

export type Endpoints = {
	readonly healthPort: number | undefined;
	readonly metricsPort: number | undefined;
	close(): Promise<void>;
};

type Route = (response: ServerResponse) => void | Promise<void>;

/** Starts both listeners, or none: fails with ADDRESS_UNAVAILABLE if an address cannot be had. */
export async function startEndpoints(options: EndpointsOptions): Promise<Endpoints> {
	const probe =
		(check: Probe): Route =>
		response => {
			const reasons = check();
			response.writeHead(reasons.length === 0 ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' });
			response.end(reasons.length === 0 ? 'ok\n' : `${reasons.join('\n')}\n`);
		};

	const health = await listen('health', options.healthAddress, {
		'/livez': probe(options.live),
		'/healthz': probe(options.live),
		'/readyz': probe(options.ready),
	});
	const metrics = await listen('metrics', options.metricsAddress, {
		'/metrics': async response => {
			const { text, contentType } = await options.metrics();
			response.writeHead(200, { 'content-type': contentType });
			response.end(text);
		},
	}).catch(async (error: unknown) => {
		await stop(health);
		throw error;
	});
	return {
		healthPort: portOf(health),
		metricsPort: portOf(metrics),
		async close() {
			await Promise.all([health, metrics].map(stop));
		},
	};
}

async function listen(
	name: keyof typeof FLAGS,
	address: string,
	routes: Record<string, Route>,
): Promise<Server | undefined> {
	if (address === '0') {
		return undefined;
	}

	const colon = address.lastIndexOf(':');
	const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
	const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 30_000 }, (request, response) => {
		const path = (request.url ?? '/').split('?', 1)[0]!;
		const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
		if (route === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
			response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
			response.end('not found\n');
			return;
		}

		void answer(route, response);
	});
	await new Promise<void>((resolve, reject) => {
		// A later error, such as a connection that cannot be accepted, rejects a settled promise: it has no effect.
		server.on('error', error => reject(unavailable(name, address, error)));
		server.listen({ port: Number(address.slice(colon + 1)), ...(host !== '' && { host }) }, resolve);
	});
	return server;
}

const FLAGS = { health: '--health-probe-bind-address', metrics: '--metrics-bind-address' } as const;

const WHY: Readonly<Record<string, string>> = {
	EADDRINUSE: 'another process listens there',
	EACCES: 'this process may not listen there',
	EADDRNOTAVAIL: 'this host does not have the address',
};

function unavailable(
	name: keyof typeof FLAGS,
	address: string,
	{ code = '' }: NodeJS.ErrnoException,
): JasmError {
	const why = WHY[code] ?? 'the address cannot be used';
	return new JasmError(`listening for ${name} on ${address} (${FLAGS[name]}): ${why}`, {
		code: 'ADDRESS_UNAVAILABLE',
		details: { error: code },
	});
}

/** A route that fails breaks off its response; the process goes on. */
async function answer(route: Route, response: ServerResponse): Promise<void> {
	try {
		await route(response);
	} catch {
		response.destroy();
	}
}

const portOf = (server: Server | undefined): number | undefined =>
	server === undefined ? undefined : (server.address() as AddressInfo).port;

async function stop(server: Server | undefined): Promise<void> {
	if (server !== undefined) {
		server.closeAllConnections();
		await new Promise(resolve => server.close(resolve));
	}
}

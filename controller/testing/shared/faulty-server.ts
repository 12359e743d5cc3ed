// An HTTP or HTTPS server on loopback that logs its calls and fails on demand; what it answers is its owner's.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeServerCertificate } from '../api-server/wire/certificate.ts';
import { CallLog } from './call-log.ts';
import type { FaultOptions, FaultPlan } from './fault-plan.ts';
import { sendBody } from './faulty-body.ts';

export type WireRequest = {
	readonly method: string;
	readonly url: URL;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
	/** Aborts when the caller hangs up. */
	readonly gone: AbortSignal;
};

export type WireAnswer = {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
};

/** One request as its owner understood it, and how it is answered once no fault of the wire hit it. */
export type Exchange<Call, Refusal> = {
	readonly call: Call;
	readonly answer: (refusal: Refusal | undefined) => WireAnswer | Promise<WireAnswer>;
};

export type FaultyServerOptions<Call, Fault, Refusal> = {
	/** https with a certificate of its own for localhost and 127.0.0.1. Default: http. */
	readonly tls?: boolean | undefined;
	readonly faults: FaultPlan<Call, Fault, Refusal>;
	/** Every answer comes this many milliseconds late. Default: 0. */
	readonly latencyMs?: number | undefined;
	readonly read: (request: WireRequest) => Exchange<Call, Refusal>;
};

export class FaultyServer<Call, Fault, Refusal> {
	readonly #options: FaultyServerOptions<Call, Fault, Refusal>;
	readonly #log = new CallLog<Call>();
	readonly #server: ReturnType<typeof createServer>;
	/** PEM of the authority to trust; undefined for http. */
	readonly ca: string | undefined;

	constructor(options: FaultyServerOptions<Call, Fault, Refusal>) {
		this.#options = options;
		const listener = (request: IncomingMessage, response: ServerResponse) => {
			// A client that hangs up in the middle of a request gets no answer.
			this.#serve(request, response).catch(() => response.destroy());
		};
		const idle = { keepAliveTimeout: 120_000 };
		if (options.tls) {
			const { ca, cert, key } = makeServerCertificate(new Date());
			this.ca = ca;
			this.#server = createHttpsServer({ ...idle, cert, key }, listener);
		} else {
			this.#server = createServer(idle, listener);
		}
	}

	async listen(port = 0): Promise<void> {
		this.#server.listen(port, '127.0.0.1');
		await once(this.#server, 'listening');
	}

	get url(): string {
		const { port } = this.#server.address() as AddressInfo;
		return `${this.ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
	}

	/** Oldest first. */
	get calls(): readonly Call[] {
		return this.#log.calls;
	}

	waitForCall(matches: (call: Call) => boolean, timeoutMs?: number): Promise<Call> {
		return this.#log.waitFor(matches, timeoutMs);
	}

	inject(fault: Fault, options?: FaultOptions<Call>): { stop(): void } {
		return this.#options.faults.inject(fault, options);
	}

	/** Ends every connection, as a restart does. */
	dropConnections(): void {
		this.#server.closeAllConnections();
	}

	async close(): Promise<void> {
		const closed = once(this.#server, 'close');
		this.#server.close();
		this.#server.closeAllConnections();
		await closed;
	}

	async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { faults, read, latencyMs: always = 0 } = this.#options;
		const gone = new AbortController();
		response.on('close', () => gone.abort());
		const { call, answer } = read({ ...(await received(request)), gone: gone.signal });
		const { latencyMs, transport, html, refusal } = faults.hit(call);
		this.#log.record(call);
		if (always + latencyMs > 0) {
			await sleep(always + latencyMs, undefined, { ref: false });
		}

		if (transport === 'hang') {
			return;
		}

		if (transport === 'reset') {
			response.destroy();
			return;
		}

		const { status, headers = {}, body = '' } = html === undefined ? await answer(refusal) : proxyPage(html);
		if (status === 204) {
			response.writeHead(status, headers).end();
			return;
		}

		sendBody(response, { status, headers, body, fault: transport });
	}
}

async function received(request: IncomingMessage): Promise<Omit<WireRequest, 'gone'>> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) {
		chunks.push(chunk);
	}

	return {
		method: request.method ?? '',
		url: new URL(`http://server${request.url}`),
		headers: request.headers,
		body: Buffer.concat(chunks).toString(),
	};
}

const proxyPage = (status: number): WireAnswer => ({
	status,
	headers: { 'content-type': 'text/html' },
	body: `<html><body><h1>${status} from a proxy</h1></body></html>`,
});

export const jsonAnswer = (
	status: number,
	content: unknown,
	headers?: Readonly<Record<string, string>>,
): WireAnswer => ({
	status,
	headers: { 'content-type': 'application/json', ...headers },
	body: JSON.stringify(content),
});

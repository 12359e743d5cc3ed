// The listener of the webhook: TLS or plain, with everything bounded that a sender could hold on to.
import { constants } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { JasmError } from '../../errors.ts';
import type { Answer } from './receiver.ts';

/** PEM. */
export type KeyPair = {
	readonly cert: string;
	readonly key: string;
	/** Of authorities for the certificates of senders; without them no sender is asked for one. */
	readonly clientCa?: string | undefined;
};

export type ServerOptions = {
	/** `host:port` or `:port`. */
	readonly address: string;
	/** The label of metrics and the name in the log. */
	readonly source: string;
	/** Undefined: without TLS. */
	readonly keyPair: KeyPair | undefined;
	/** Undefined ends the connection. */
	readonly answer: (request: IncomingMessage) => Promise<Answer | undefined>;
};

const LIMITS = {
	maxHeaderSize: 8_192,
	/** Headers and body have to be there; what is slower is answered with 408. */
	headersTimeout: 10_000,
	requestTimeout: 10_000,
	connectionsCheckingInterval: 1_000,
	keepAliveTimeout: 5_000,
};
const MAX_CONNECTIONS = 32;
/** Of a body that is not wanted. */
const MAX_REST_BYTES = 1_048_576;
const HANDSHAKE_MS = 10_000;

/** Every connection shows its certificate: a ticket of an earlier one would outlive a change of the authorities. */
const contextOf = ({ cert, key, clientCa }: KeyPair) => ({
	minVersion: 'TLSv1.2' as const,
	secureOptions: constants.SSL_OP_NO_TICKET,
	cert,
	key,
	...(clientCa !== undefined && { ca: clientCa }),
});

const WHY: Readonly<Record<string, string>> = {
	EADDRINUSE: 'another process listens there',
	EACCES: 'this process may not listen there',
	EADDRNOTAVAIL: 'this host does not have the address',
};

export class WebhookServer {
	readonly #options: ServerOptions;
	readonly #server: Server | SecureServer;

	/** @throws JasmError CONFIG_INVALID where the key pair is none */
	constructor(options: ServerOptions) {
		this.#options = options;
		const { keyPair } = options;
		const listener = (request: IncomingMessage, response: ServerResponse) =>
			void this.#answer(request, response);
		if (keyPair === undefined) {
			this.#server = createServer(LIMITS, listener);
		} else {
			this.#server = checked(options.source, () =>
				createSecureServer(
					{
						...LIMITS,
						...contextOf(keyPair),
						handshakeTimeout: HANDSHAKE_MS,
						requestCert: keyPair.clientCa !== undefined,
						// A sender without a certificate can have another proof.
						rejectUnauthorized: false,
					},
					listener,
				),
			);
		}

		this.#server.maxConnections = MAX_CONNECTIONS;
	}

	/** Resolves with the port. Fails with ADDRESS_UNAVAILABLE. */
	async listen(): Promise<number> {
		const { address, source } = this.#options;
		const colon = address.lastIndexOf(':');
		const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		// Later ones (a connection that cannot be accepted) end nothing.
		this.#server.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
			const why = WHY[code] ?? 'the address cannot be used';
			reject(
				new JasmError(`listening for change notices on ${address} (${source}): ${why}`, {
					code: 'ADDRESS_UNAVAILABLE',
					details: { error: code },
				}),
			);
		});
		this.#server.listen({ port: Number(address.slice(colon + 1)), ...(host !== '' && { host }) }, resolve);
		await promise;
		return (this.#server.address() as AddressInfo).port;
	}

	/**
	 * For connections from now on.
	 *
	 * @throws JasmError CONFIG_INVALID where the pair is none: the earlier one stays
	 */
	use(keyPair: KeyPair): void {
		checked(this.#options.source, () => (this.#server as SecureServer).setSecureContext(contextOf(keyPair)));
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise(resolve => this.#server.close(resolve));
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		try {
			const answer = await this.#options.answer(request);
			// A connection that ends while its sender still sends is reset, and the sender may never see the answer.
			await drained(request);
			if (answer === undefined || response.headersSent || response.destroyed) {
				response.destroy();
				return;
			}

			const { status, headers, json } = answer;
			const type = json === undefined ? {} : { 'content-type': 'application/json' };
			response.writeHead(status, { ...headers, ...type });
			response.end(json && JSON.stringify(json));
		} catch {
			// One request ends; the process goes on.
			response.destroy();
		}
	}
}

/** Resolves when the rest of the body is read, or there is too much of it: then the connection ends. */
async function drained(request: IncomingMessage): Promise<void> {
	if (request.readableEnded || request.destroyed) {
		return;
	}

	const { promise, resolve } = Promise.withResolvers<void>();
	let left = MAX_REST_BYTES;
	request.on('data', (chunk: Buffer) => {
		left -= chunk.length;
		if (left < 0) {
			request.destroy();
		}
	});
	request.on('close', resolve);
	request.on('end', resolve);
	await promise;
}

/** The error of OpenSSL is dropped but for its code. */
function checked<T>(source: string, use: () => T): T {
	try {
		return use();
	} catch (error) {
		const { code = '' } = error as NodeJS.ErrnoException;
		throw new JasmError(
			`listening for change notices (${source}): tlsCertFile and tlsKeyFile are no certificate with its key, or clientCaFile holds no certificate`,
			{ code: 'CONFIG_INVALID', details: { error: code } },
		);
	}
}

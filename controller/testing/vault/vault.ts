// An embedded HashiCorp Vault: KV 1 and 2, tokens, auth methods, policies, leases; scripted faults, a call log.
import { randomUUID } from 'node:crypto';
import type { ActiveFault, FaultOptions } from '../shared/fault-plan.ts';
import { FaultyServer, jsonAnswer, type WireAnswer, type WireRequest } from '../shared/faulty-server.ts';
import { type CoreRequest, VaultCore } from './core.ts';
import { type EmbeddedVaultFault, VaultFault, type VaultRefusal, vaultFaults } from './fault.ts';
import { KvV1, KvV2 } from './kv.ts';
import { readRequest, type VaultCall } from './wire.ts';

export type { VaultCall } from './wire.ts';

/** Every setting has a default. */
export type VaultOptions = {
	/** Default: a free one. */
	readonly port?: number;
	/** https with a certificate of its own. Default: http. */
	readonly tls?: boolean;
	/** Default: root. */
	readonly rootToken?: string;
	/** Every answer comes this many milliseconds late. Default: 0. */
	readonly latencyMs?: number;
	/** Milliseconds since the epoch. */
	readonly now?: () => number;
};

/** What Vault answers. */
export type VaultBody = {
	readonly data?: Readonly<Record<string, unknown>> | null;
	readonly auth?: Readonly<Record<string, unknown>> | null;
	readonly [field: string]: unknown;
};

export type PutOptions = {
	/** Default: secret, a KV version 2 that is there from the start. */
	readonly mount?: string;
	readonly namespace?: string;
};

/** An embedded Vault. The methods act at once, with the root token. */
export type Vault = {
	readonly url: string;
	/** PEM of the authority to trust, with `tls`. */
	readonly ca: string | undefined;
	readonly rootToken: string;
	/** Every request so far, oldest first. */
	readonly calls: readonly VaultCall[];
	/** Requests so far: of one operation, and for one path, where these are given. */
	count(operation?: VaultCall['operation'], path?: string): number;
	/** The first call that matches, past or future; rejects after `timeoutMs` (default 10,000). */
	waitForCall(matches: (call: VaultCall) => boolean, timeoutMs?: number): Promise<VaultCall>;
	/** Any request, as the root token makes it; resolves with the whole answer, rejects with its errors. */
	request(method: string, path: string, body?: object, namespace?: string): Promise<VaultBody>;
	/** Writes a secret: an object, or the JSON text of one. */
	put(path: string, data: object | string, options?: PutOptions): { readonly version: string };
	/** Deletes the newest version; `forever` removes the secret with all of them. */
	delete(path: string, options?: PutOptions & { readonly forever?: boolean }): void;
	/** Tokens in force, the root token left out. */
	readonly tokens: number;
	/** Leases in force. */
	readonly leases: readonly string[];
	/** Ends every token but the root token. */
	expireTokens(): void;
	/** From here on every request but those for health is answered with 503, until it is unsealed. */
	seal(sealed?: boolean): void;
	/** Ends every connection, as a restart does. */
	dropConnections(): void;
	/** Makes requests fail, until `stop`. */
	inject(fault: EmbeddedVaultFault, options?: FaultOptions<VaultCall>): ActiveFault;
	/** Ends every connection and stops. */
	close(): Promise<void>;
};

/**
 * Starts the store on 127.0.0.1. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startVault } from '@jasm/controller/testing';
 *
 * const vault = await startVault();
 * vault.put('prod/db', { user: 'app' });
 * console.log(vault.url, vault.tokens);
 * await vault.close();
 * ```
 */
export async function startVault(options: VaultOptions = {}): Promise<Vault> {
	const vault = new EmbeddedVault(options);
	await vault.listen(options.port);
	return vault;
}

class EmbeddedVault implements Vault {
	readonly rootToken: string;
	readonly #core: VaultCore;
	readonly #server: FaultyServer<VaultCall, EmbeddedVaultFault, VaultRefusal>;

	constructor({ tls, rootToken = 'root', latencyMs, now = Date.now }: VaultOptions) {
		this.rootToken = rootToken;
		this.#core = new VaultCore({ rootToken, now });
		this.#core
			.namespace('')
			.administer('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
		this.#server = new FaultyServer({
			tls,
			latencyMs,
			faults: vaultFaults<VaultCall>(),
			read: request => this.#read(request),
		});
	}

	listen(port?: number): Promise<void> {
		return this.#server.listen(port);
	}

	get url(): string {
		return this.#server.url;
	}

	get ca(): string | undefined {
		return this.#server.ca;
	}

	get calls(): readonly VaultCall[] {
		return this.#server.calls;
	}

	get tokens(): number {
		return this.#core.tokens.alive.length;
	}

	get leases(): readonly string[] {
		return this.#core.tokens.leases;
	}

	count(operation?: VaultCall['operation'], path?: string): number {
		return this.calls.filter(
			call => (operation ?? call.operation) === call.operation && (path ?? call.path) === call.path,
		).length;
	}

	waitForCall(matches: (call: VaultCall) => boolean, timeoutMs?: number): Promise<VaultCall> {
		return this.#server.waitForCall(matches, timeoutMs);
	}

	async request(method: string, path: string, body: object = {}, namespace = ''): Promise<VaultBody> {
		const url = new URL(`http://server/${path}`);
		const { content } = await this.#core.handle({
			method,
			path: url.pathname.slice(1),
			query: url.searchParams,
			body: JSON.stringify(body),
			namespace,
			token: this.rootToken,
		});
		return (content ?? {}) as VaultBody;
	}

	put(path: string, data: object | string, { mount = 'secret', namespace = '' }: PutOptions = {}) {
		const text = typeof data === 'string' ? data : JSON.stringify(data);
		const syncController = this.#core.namespace(namespace).engines.get(mount);
		if (syncController instanceof KvV2) {
			return { version: String(syncController.put(path, JSON.parse(text))) };
		}

		if (syncController instanceof KvV1) {
			return { version: syncController.put(path, text) };
		}

		throw new Error(`writing to mount ${mount}: there is no KV engine`);
	}

	delete(
		path: string,
		{ mount = 'secret', namespace = '', forever = false }: PutOptions & { readonly forever?: boolean } = {},
	): void {
		const syncController = this.#core.namespace(namespace).engines.get(mount);
		if (syncController instanceof KvV1) {
			syncController.handle({ method: 'DELETE', path, query: new URLSearchParams(), body: '' });
		} else if (syncController instanceof KvV2) {
			forever ? syncController.forget(path) : syncController.mark(path, 'delete');
		}
	}

	expireTokens(): void {
		this.#core.tokens.expireAll();
	}

	seal(sealed = true): void {
		this.#core.sealed = sealed;
	}

	dropConnections(): void {
		this.#server.dropConnections();
	}

	inject(fault: EmbeddedVaultFault, options?: FaultOptions<VaultCall>) {
		return this.#server.inject(fault, options);
	}

	close(): Promise<void> {
		return this.#server.close();
	}

	#read(wire: WireRequest) {
		const { call, request } = readRequest(wire);
		return { call, answer: (refusal?: VaultRefusal) => this.#answer(request, wire.url, refusal) };
	}

	async #answer(request: CoreRequest, url: URL, refusal: VaultRefusal | undefined): Promise<WireAnswer> {
		try {
			if (refusal instanceof VaultFault) {
				throw refusal;
			}

			if (refusal !== undefined) {
				return 'redirect' in refusal
					? { status: 307, headers: { location: `${refusal.redirect}${url.pathname}${url.search}` } }
					: refusal;
			}

			const { status, content } = await this.#core.handle(request);
			return content === undefined
				? { status: 204 }
				: jsonAnswer(status, { request_id: randomUUID(), ...content });
		} catch (error) {
			if (error instanceof VaultFault) {
				return jsonAnswer(error.status, { errors: error.errors });
			}

			throw error;
		}
	}
}

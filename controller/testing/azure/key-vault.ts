// An embedded Azure Key Vault with the Entra that its clients sign in to: TLS, challenges, scripted faults, a call log.
import { randomUUID } from 'node:crypto';
import type { ActiveFault, FaultOptions } from '../shared/fault-plan.ts';
import { FaultyServer, jsonAnswer, type WireAnswer, type WireRequest } from '../shared/faulty-server.ts';
import { Entra, type FederationTrust } from './entra.ts';
import { type NewVersionEvent, newVersionEvent } from './key-vault-event.ts';
import {
	type EmbeddedKeyVaultFault,
	forbiddenByRbac,
	KeyVaultFault,
	type KeyVaultRefusal,
	keyVaultFaults,
} from './key-vault-fault.ts';
import { KeyVaultStore, type SecretInput } from './key-vault-store.ts';
import { callOf, type KeyVaultCall } from './key-vault-wire.ts';

export type { FederationTrust } from './entra.ts';
export type { NewVersionEvent } from './key-vault-event.ts';
export type { KeyVaultCall } from './key-vault-wire.ts';

/** Every setting has a default. */
export type KeyVaultOptions = {
	/** Default: a free one. */
	readonly port?: number;
	/** Default: https://jasm-test.vault.azure.net. Only ids hold it; requests go to `url`. */
	readonly vaultUrl?: string;
	readonly tenantId?: string;
	readonly clientId?: string;
	/** Default: client-secret. */
	readonly clientSecret?: string;
	/** Default: any unexpired JWT for api://AzureADTokenExchange. */
	readonly trust?: FederationTrust;
	/** What the challenge names; a hostile vault would name others. */
	readonly challenge?: { readonly tenantId?: string; readonly resource?: string };
	/** Whether a secret may be read, be it there or not. Default: all may. */
	readonly allow?: (name: string) => boolean;
	/** Seconds. Default: 3599. */
	readonly tokenLifetime?: number;
	/** Every answer comes this many milliseconds late. Default: 0. */
	readonly latencyMs?: number;
	/** Milliseconds since the epoch. */
	readonly now?: () => number;
	/** Gets the event SecretNewVersionCreated of each new version, as Event Grid delivers it. */
	readonly onNewVersion?: (event: NewVersionEvent) => void;
};

/** An embedded Azure Key Vault with its Entra. The methods act at once, as its administrator. */
export type KeyVault = {
	/** https URL of Key Vault and of Entra. */
	readonly url: string;
	/** PEM of the authority to trust. */
	readonly ca: string;
	readonly vaultUrl: string;
	readonly tenantId: string;
	readonly clientId: string;
	/** Every request so far, oldest first. */
	readonly calls: readonly KeyVaultCall[];
	/** Requests so far: of one operation, and for one secret, where these are given. */
	count(operation?: KeyVaultCall['operation'], name?: string): number;
	/** The first call that matches, past or future; rejects after `timeoutMs` (default 10,000). */
	waitForCall(matches: (call: KeyVaultCall) => boolean, timeoutMs?: number): Promise<KeyVaultCall>;
	/** Adds a version: a text, an object as JSON, or a value with its content type. */
	put(
		name: string,
		value: string | object,
		options?: Omit<SecretInput, 'value'>,
	): { readonly version: string };
	/** Of the newest version where none is named. */
	setEnabled(name: string, enabled: boolean, version?: string): void;
	/** Makes the secret recoverable; `forever` removes it at once. */
	delete(name: string, options?: { readonly forever?: boolean }): void;
	/** Whether Entra gave out this token for a resource, and it is in force. */
	accepts(token: string, resource: string): boolean;
	/** Ends every token that Entra gave out. */
	expireTokens(): void;
	/** Makes requests fail, until `stop`. */
	inject(fault: EmbeddedKeyVaultFault, options?: FaultOptions<KeyVaultCall>): ActiveFault;
	/** Ends every connection and stops. */
	close(): Promise<void>;
};

const RESOURCE = 'https://vault.azure.net';

/**
 * Starts the store on 127.0.0.1. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startKeyVault } from '@jasm/controller/testing';
 *
 * const keyVault = await startKeyVault();
 * keyVault.put('db', { user: 'app' });
 * console.log(keyVault.url, keyVault.count('GetSecret'));
 * await keyVault.close();
 * ```
 */
export async function startKeyVault(options: KeyVaultOptions = {}): Promise<KeyVault> {
	const keyVault = new EmbeddedKeyVault(options);
	await keyVault.listen(options.port);
	return keyVault;
}

class EmbeddedKeyVault implements KeyVault {
	readonly vaultUrl: string;
	readonly tenantId: string;
	readonly clientId: string;
	readonly #challenge: { readonly tenantId: string; readonly resource: string };
	readonly #allow: (name: string) => boolean;
	readonly #store: KeyVaultStore;
	readonly #entra: Entra;
	readonly #server: FaultyServer<KeyVaultCall, EmbeddedKeyVaultFault, KeyVaultRefusal>;

	constructor(options: KeyVaultOptions) {
		const { now = Date.now, trust = {}, clientSecret = 'client-secret', tokenLifetime = 3_599 } = options;
		this.vaultUrl = options.vaultUrl ?? 'https://jasm-test.vault.azure.net';
		this.tenantId = options.tenantId ?? '11111111-2222-4333-8444-555555555555';
		this.clientId = options.clientId ?? '66666666-7777-4888-9999-aaaaaaaaaaaa';
		this.#challenge = { tenantId: this.tenantId, resource: RESOURCE, ...options.challenge };
		this.#allow = options.allow ?? (() => true);
		this.#store = new KeyVaultStore({
			vaultUrl: this.vaultUrl,
			now,
			onVersion: (name, version) =>
				options.onNewVersion?.(newVersionEvent({ vaultUrl: this.vaultUrl, name, version, at: now() })),
		});
		const { tenantId, clientId } = this;
		this.#entra = new Entra({ tenantId, clientId, clientSecret, trust, tokenLifetime, now });
		this.#server = new FaultyServer({
			tls: true,
			latencyMs: options.latencyMs,
			faults: keyVaultFaults<KeyVaultCall>(),
			read: request => this.#read(request),
		});
	}

	listen(port?: number): Promise<void> {
		return this.#server.listen(port);
	}

	get url(): string {
		return this.#server.url;
	}

	get ca(): string {
		return this.#server.ca!;
	}

	get calls(): readonly KeyVaultCall[] {
		return this.#server.calls;
	}

	count(operation?: KeyVaultCall['operation'], name?: string): number {
		return this.calls.filter(
			call => (operation ?? call.operation) === call.operation && (name ?? call.name) === call.name,
		).length;
	}

	waitForCall(matches: (call: KeyVaultCall) => boolean, timeoutMs?: number): Promise<KeyVaultCall> {
		return this.#server.waitForCall(matches, timeoutMs);
	}

	put(name: string, value: string | object, options: Omit<SecretInput, 'value'> = {}) {
		const text = typeof value === 'string' ? value : JSON.stringify(value);
		return { version: this.#store.add(name, { ...options, value: text }) };
	}

	setEnabled(name: string, enabled: boolean, version?: string): void {
		this.#store.update(name, version, { enabled });
	}

	delete(name: string, { forever = false }: { readonly forever?: boolean } = {}): void {
		if (forever) {
			this.#store.purge(name);
		} else {
			this.#store.delete(name);
		}
	}

	accepts(token: string, resource: string): boolean {
		return this.#entra.accepts(token, resource);
	}

	expireTokens(): void {
		this.#entra.expireTokens();
	}

	inject(fault: EmbeddedKeyVaultFault, options?: FaultOptions<KeyVaultCall>) {
		return this.#server.inject(fault, options);
	}

	close(): Promise<void> {
		return this.#server.close();
	}

	#read(request: WireRequest) {
		const call = callOf(request);
		return { call, answer: (refusal?: KeyVaultRefusal) => this.#answer(request, call, refusal) };
	}

	#answer(request: WireRequest, call: KeyVaultCall, refusal: KeyVaultRefusal | undefined): WireAnswer {
		try {
			if (refusal instanceof KeyVaultFault) {
				throw refusal;
			}

			if (refusal !== undefined) {
				return refusal;
			}

			if (call.operation === 'RequestToken') {
				return this.#entra.answer(call.tenantId ?? '', new URLSearchParams(request.body));
			}

			this.#authenticate(request);
			const content = this.#run(call, request.body);
			return content === undefined
				? { status: 204, headers: HEADERS() }
				: jsonAnswer(200, content, HEADERS());
		} catch (error) {
			if (error instanceof KeyVaultFault) {
				return jsonAnswer(error.status, error.body, { ...HEADERS(), ...error.headers });
			}

			throw error;
		}
	}

	#authenticate({ headers }: WireRequest): void {
		const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
		const { tenantId, resource } = this.#challenge;
		if (token !== undefined && this.#entra.accepts(token, RESOURCE)) {
			return;
		}

		const challenge = `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="${resource}"`;
		throw token === undefined
			? new KeyVaultFault(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.', {
					headers: { 'www-authenticate': challenge },
				})
			: new KeyVaultFault(401, 'Unauthorized', 'AKV10022: Invalid audience or expired token.', {
					headers: { 'www-authenticate': `${challenge}, error="invalid_token"` },
				});
	}

	#run({ operation, name, version }: KeyVaultCall, body: string): object | undefined {
		switch (operation) {
			case 'GetSecret':
				if (!this.#allow(name)) {
					throw forbiddenByRbac();
				}

				return this.#store.get(name, version);
			case 'SetSecret': {
				const { value, contentType, attributes, tags } = JSON.parse(body);
				return this.#store.get(name, this.#store.add(name, { value, contentType, tags, ...attributes }));
			}
			case 'UpdateSecret':
				return this.#store.update(name, version, JSON.parse(body).attributes ?? {});
			case 'DeleteSecret':
				return this.#store.delete(name);
			case 'GetSecretVersions':
				return { value: this.#store.versions(name), nextLink: null };
			case 'GetDeletedSecret':
				return this.#store.deleted(name);
			case 'RecoverDeletedSecret':
				return this.#store.recover(name);
			case 'PurgeDeletedSecret':
				this.#store.purge(name);
				return undefined;
			default:
				throw new KeyVaultFault(404, 'NotFound', 'The requested resource does not exist.');
		}
	}
}

const HEADERS = () => ({
	'x-ms-request-id': randomUUID(),
	'x-ms-keyvault-service-version': '1.9.2000.1',
	'x-ms-keyvault-region': 'westeurope',
});

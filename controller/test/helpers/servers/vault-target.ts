// The Vaults that a promise must hold on: the embedded one, and the real one that JASM_TEST_VAULT_ADDR names,
// behind a proxy that can fail as the embedded one does.
import { randomBytes } from 'node:crypto';
import { FaultyServer, type WireAnswer, type WireRequest } from '../../../testing/shared/faulty-server.ts';
import {
	type EmbeddedVaultFault,
	VaultFault,
	type VaultRefusal,
	vaultFaults,
} from '../../../testing/vault/fault.ts';
import { startVault, type Vault, type VaultBody, type VaultOptions } from '../../../testing/vault/vault.ts';
import { readRequest, type VaultCall } from '../../../testing/vault/wire.ts';

/** What tests use of a Vault, whichever it is. */
export type VaultTarget = Pick<
	Vault,
	'url' | 'ca' | 'rootToken' | 'calls' | 'count' | 'waitForCall' | 'inject' | 'close'
> & {
	/** The embedded one, where it is that. */
	readonly embedded: Vault | undefined;
	/** As the root token makes it; `body` may be JSON text. Rejects with status and errors. */
	request(method: string, path: string, body?: object | string): Promise<VaultBody>;
};

const elsewhere = process.env['JASM_TEST_VAULT_ADDR'];

/** By name, to begin titles with. */
export const VAULTS: Readonly<Record<string, (options?: VaultOptions) => Promise<VaultTarget>>> = {
	vault: startEmbedded,
	...(elsewhere !== undefined && { [`vault at ${elsewhere}`]: () => startProxy(elsewhere) }),
};

export async function startEmbedded(options?: VaultOptions): Promise<VaultTarget> {
	const vault = await startVault(options);
	return {
		embedded: vault,
		url: vault.url,
		ca: vault.ca,
		rootToken: vault.rootToken,
		get calls() {
			return vault.calls;
		},
		count: (operation, path) => vault.count(operation, path),
		waitForCall: (matches, timeoutMs) => vault.waitForCall(matches, timeoutMs),
		inject: (fault, options) => vault.inject(fault, options),
		close: () => vault.close(),
		request: (method, path, body) => send(vault.url, vault.rootToken, { method, path, body }),
	};
}

async function startProxy(address: string): Promise<VaultTarget> {
	const rootToken = process.env['JASM_TEST_VAULT_TOKEN'] ?? 'root';
	const server = new FaultyServer<VaultCall, EmbeddedVaultFault, VaultRefusal>({
		faults: vaultFaults<VaultCall>(),
		read: wire => ({
			call: readRequest(wire).call,
			answer: refusal => (refusal === undefined ? forward(address, wire) : refuse(refusal, wire)),
		}),
	});
	await server.listen();
	return {
		embedded: undefined,
		url: server.url,
		ca: undefined,
		rootToken,
		get calls() {
			return server.calls;
		},
		count: (operation, path) =>
			server.calls.filter(
				call => (operation ?? call.operation) === call.operation && (path ?? call.path) === call.path,
			).length,
		waitForCall: (matches, timeoutMs) => server.waitForCall(matches, timeoutMs),
		inject: (fault, options) => server.inject(fault, options),
		close: () => server.close(),
		request: (method, path, body) => send(address, rootToken, { method, path, body }),
	};
}

async function forward(address: string, { method, url, headers, body }: WireRequest): Promise<WireAnswer> {
	const { host: _, connection: __, 'content-length': ___, ...kept } = headers;
	const response = await fetch(`${address}${url.pathname}${url.search}`, {
		method,
		headers: kept as Record<string, string>,
		...(body !== '' && { body }),
	});
	const type = { 'content-type': response.headers.get('content-type') ?? 'application/json' };
	return { status: response.status, headers: type, body: await response.text() };
}

function refuse(refusal: VaultRefusal, { url }: WireRequest): WireAnswer {
	if (refusal instanceof VaultFault) {
		return { status: refusal.status, body: JSON.stringify({ errors: refusal.errors }) };
	}

	return 'redirect' in refusal
		? { status: 307, headers: { location: `${refusal.redirect}${url.pathname}${url.search}` } }
		: refusal;
}

type Sent = { readonly method: string; readonly path: string; readonly body: object | string | undefined };

async function send(address: string, token: string, { method, path, body }: Sent): Promise<VaultBody> {
	const response = await fetch(`${address}/v1/${path}`, {
		method,
		headers: { 'x-vault-token': token },
		...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	if (!response.ok) {
		throw Object.assign(new Error(`${method} ${path}: ${response.status} ${text}`), {
			status: response.status,
		});
	}

	return text === '' ? {} : JSON.parse(text);
}

/** Part of names, so that tests on one server do not meet. */
export const fresh = () => randomBytes(4).toString('hex');

/** Mounts a KV engine and waits until it serves: a real one of version 2 takes a moment. */
export async function mountKv(vault: VaultTarget, mount: string, version: 1 | 2): Promise<void> {
	await vault.request('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(version) } });
	for (let tries = 0; tries < 1_000; tries++) {
		const failed = await vault
			.request('GET', `${mount}/${version === 2 ? 'data/' : ''}x`)
			.catch(error => error);
		if (failed.status === 404) {
			return;
		}
	}

	throw new Error(`the KV engine at ${mount} does not come up`);
}

// The wire of Vault: JSON over HTTPS, namespaces, redirects to hosts that the operator listed.
import { asRecord, parseSource } from '../../util/source-json.ts';
import type { Environment, Room } from '../provider.ts';
import { type HttpAnswer, HttpsCaller, type HttpsCallerOptions } from '../shared/https-client.ts';
import { redirectFailure, transportFailure, type VaultAnswer } from './errors.ts';
import type { VaultSettings } from './settings.ts';

export type VaultRequest = {
	readonly method: 'GET' | 'PUT' | 'POST';
	/** Below /v1/, encoded, with its query. */
	readonly path: string;
	/** Empty for the root namespace. */
	readonly namespace: string;
	readonly token?: string;
	readonly body?: object;
};

export type VaultClientOptions = {
	readonly settings: VaultSettings;
	readonly env: Environment;
	readonly clock: HttpsCallerOptions['clock'];
};

const MAX_REDIRECTS = 2;

export class VaultClient {
	readonly #address: string;
	readonly #hosts: ReadonlySet<string>;
	readonly #caller: HttpsCaller;

	constructor({ settings, env, clock }: VaultClientOptions) {
		const { address, redirectHosts } = settings;
		const { protocol, host } = new URL(address);
		this.#address = address;
		// Default ports drop out, so that "vault" and "vault:443" are one host.
		this.#hosts = new Set([host, ...redirectHosts.map(name => new URL(`${protocol}//${name}`).host)]);
		this.#caller = new HttpsCaller({ clock, config: settings, env });
	}

	/** Whatever the status; fails with ProviderFailure where there is no answer. */
	async send(request: VaultRequest, signal: AbortSignal, room?: Room): Promise<VaultAnswer> {
		let url = new URL(`${this.#address}/v1/${request.path}`);
		for (let redirects = 0; ; redirects++) {
			const answer = await this.#call(url, { ...request, room }, signal);
			if (answer.status !== 307 && answer.status !== 308) {
				return decode(answer);
			}

			const target = this.#redirect(url, answer.headers.location);
			if (target === undefined || redirects === MAX_REDIRECTS) {
				throw redirectFailure(answer.status);
			}

			url = target;
		}
	}

	close(): void {
		this.#caller.close();
	}

	/** Standbys send to the active node: same scheme, same path, a host that the operator listed. */
	#redirect(from: URL, location = ''): URL | undefined {
		const to = URL.parse(location, from.href);
		const same = ['protocol', 'pathname', 'search', 'username', 'password'] as const;
		return to !== null && this.#hosts.has(to.host) && same.every(part => to[part] === from[part])
			? to
			: undefined;
	}

	async #call(
		url: URL,
		request: VaultRequest & { readonly room: Room | undefined },
		signal: AbortSignal,
	): Promise<HttpAnswer> {
		const { method, namespace, token, body, room } = request;
		const text = body === undefined ? undefined : JSON.stringify(body);
		const headers = {
			accept: 'application/json',
			'user-agent': 'jasm',
			'x-vault-request': 'true',
			...(namespace !== '' && { 'x-vault-namespace': namespace }),
			...(token !== undefined && { 'x-vault-token': token }),
			...(text !== undefined && {
				'content-type': 'application/json',
				'content-length': Buffer.byteLength(text),
			}),
		};
		try {
			return await this.#caller.call({ url, method, headers, body: text, room }, signal);
		} catch (error) {
			throw transportFailure(error);
		}
	}
}

function decode({ status, headers, body }: HttpAnswer): VaultAnswer {
	let json: unknown;
	try {
		json = parseSource(body.toString());
	} catch {
		// No JSON, or deeper than the stack; the parser's message would quote it.
	}

	return { status, json: asRecord(json), retryAfter: headers['retry-after'] };
}

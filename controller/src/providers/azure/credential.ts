// JASM's identity at Entra: exactly the configured source; tenant and resource are the operator's, never a challenge's.
import { execFile } from 'node:child_process';
import type { SecretClient } from '@azure/keyvault-secrets';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment } from '../provider.ts';
import { failureOf } from '../shared/call-error.ts';
import { ProviderFailure } from '../shared/failure.ts';
import type { HttpsCaller } from '../shared/https-client.ts';
import { readIdentityToken } from '../shared/identity-token.ts';
import { type SignIn, TokenCache } from '../shared/token-cache.ts';
import { ENTRA, jsonOf, signInFailure } from './errors.ts';
import type { AzureSettings } from './settings.ts';

export type TokenCredential = ConstructorParameters<typeof SecretClient>[1];

export type AzureIdentityOptions = {
	readonly settings: AzureSettings;
	readonly env: Environment;
	readonly clock: Clock;
	readonly caller: HttpsCaller;
};

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Fails with ProviderFailure. */
export class AzureIdentity implements TokenCredential {
	readonly #options: AzureIdentityOptions;
	readonly #tokenCache: TokenCache<string>;

	constructor(options: AzureIdentityOptions) {
		const { clock, settings } = options;
		this.#options = options;
		this.#tokenCache = new TokenCache({
			clock,
			deadlineMs: 1.5 * settings.timeoutMs,
			signIn: signal => this.#signIn(signal),
		});
	}

	/**
	 * Whatever scope and tenant the challenge named: a hostile vault would choose them well. To the client the
	 * token is always over, so that its life is bounded here alone.
	 */
	async getToken() {
		return { token: (await this.#tokenCache.get()).value, expiresOnTimestamp: 0 };
	}

	/** Whether a sign-in of before is in force. */
	get isSignedIn(): boolean {
		return this.#tokenCache.current !== undefined;
	}

	/** Signs in again at the next call. */
	drop(): void {
		const { current } = this.#tokenCache;
		if (current !== undefined) {
			this.#tokenCache.drop(current);
		}
	}

	close(): void {
		this.#tokenCache.close();
	}

	async #signIn(signal: AbortSignal): Promise<SignIn<string>> {
		const { settings, env } = this.#options;
		switch (settings.credentials) {
			case 'workload-identity': {
				const token = await readIdentityToken(settings.tokenFile, settings.audience);
				const proof = { client_assertion_type: ASSERTION, client_assertion: token };
				return this.#requestToken(settings, proof, FEDERATION_HINT, signal);
			}
			case 'client-secret': {
				const secret = env['AZURE_CLIENT_SECRET'];
				if (secret === undefined || secret === '') {
					throw new ProviderFailure('signing in lacks AZURE_CLIENT_SECRET', { code: 'PROVIDER_AUTH' });
				}

				return this.#requestToken(
					settings,
					{ client_secret: secret },
					'check tenant, client and secret',
					signal,
				);
			}
			case 'cli':
				return askCli(this.#options, signal);
		}
	}

	async #requestToken(
		{ authority, tenantId, clientId, scope }: Extract<AzureSettings, { clientId: string }>,
		proof: Record<string, string>,
		hint: string,
		signal: AbortSignal,
	) {
		const body = new URLSearchParams({
			grant_type: 'client_credentials',
			client_id: clientId,
			scope,
			...proof,
		}).toString();
		const url = new URL(`${authority}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`);
		const headers = {
			accept: 'application/json',
			'content-type': 'application/x-www-form-urlencoded',
			'content-length': Buffer.byteLength(body),
		};
		const answer = await this.#options.caller
			.call({ url, method: 'POST', headers, body }, signal)
			.catch((error: unknown) => {
				throw failureOf(error, ENTRA);
			});
		const { access_token: token, expires_in: seconds } = jsonOf(answer.body);
		if (answer.status !== 200 || !isToken(token)) {
			throw signInFailure(answer, hint);
		}

		return { value: token, lifeMs: Number(seconds) * 1_000 || 0 };
	}
}

const FEDERATION_HINT =
	'check tenant, client and its federated credential (issuer, subject and audience of the token)';

/** It becomes a header. */
const isToken = (value: unknown): value is string =>
	typeof value === 'string' && /^[\x21-\x7e]{1,16384}$/.test(value);

/** Asks the Azure CLI of a developer. */
async function askCli(
	{ settings, env, clock }: AzureIdentityOptions,
	signal: AbortSignal,
): Promise<SignIn<string>> {
	const { scope, tenantId } = settings;
	const tenant = tenantId === undefined ? [] : ['--tenant', tenantId];
	const args = ['account', 'get-access-token', '--output', 'json', '--scope', scope, ...tenant];
	const { promise, resolve, reject } = Promise.withResolvers<string>();
	execFile('az', args, { env: { ...env }, signal, encoding: 'utf8' }, (error, stdout) =>
		// What it prints can hold tokens and accounts: its failure is kept as a fact alone.
		error === null
			? resolve(stdout)
			: reject(new ProviderFailure('signing in by cli was refused: run az login', { code: 'PROVIDER_AUTH' })),
	);
	const { accessToken, expires_on: expiresOn } = jsonOf(Buffer.from(await promise));
	if (!isToken(accessToken)) {
		throw new ProviderFailure('signing in by cli got no usable answer', { code: 'PROVIDER_AUTH' });
	}

	return { value: accessToken, lifeMs: Math.max(0, Number(expiresOn) * 1_000 - clock.now()) || 0 };
}

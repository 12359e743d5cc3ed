// Azure Key Vault as a provider: secrets and certificates through the vendor's client, within our own bounds.
import { SecretClient } from '@azure/keyvault-secrets';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment, RemoteReference, Room, SecretProvider } from '../provider.ts';
import { SecretValue } from '../secret-value.ts';
import { withDeadline } from '../shared/deadline.ts';
import { ProviderFailure, toJasmError } from '../shared/failure.ts';
import { HttpsCaller } from '../shared/https-client.ts';
import { UNCOUNTED } from '../shared/read-body.ts';
import { payloadOf } from './certificate.ts';
import { AzureIdentity } from './credential.ts';
import { readFailure } from './errors.ts';
import { validateReference } from './reference.ts';
import type { AzureSettings } from './settings.ts';
import { azureTransport, countIn } from './transport.ts';

export type AzureKeyVaultOptions = {
	/** The provider's name in messages. */
	readonly name: string;
	readonly settings: AzureSettings;
	readonly env: Environment;
	readonly clock: Clock;
};

type Answer = Awaited<ReturnType<SecretClient['getSecret']>>;

export class AzureKeyVault implements SecretProvider {
	readonly #options: AzureKeyVaultOptions;
	readonly #caller: HttpsCaller;
	readonly #identity: AzureIdentity;
	readonly #client: SecretClient;
	readonly #closing = new AbortController();

	constructor(options: AzureKeyVaultOptions) {
		const { settings, env, clock } = options;
		this.#options = options;
		this.#caller = new HttpsCaller({ clock, config: settings, env });
		this.#identity = new AzureIdentity({ settings, env, clock, caller: this.#caller });
		this.#client = new SecretClient(settings.url, this.#identity, {
			httpClient: azureTransport(this.#caller),
			// Retries and their waits are the engine's business: here Retry-After would be honoured without bound.
			retryOptions: { maxRetries: 0 },
			redirectOptions: { maxRetries: 0 },
			// An emulator has no name below the resource that its challenge names.
			disableChallengeResourceVerification: settings.emulated,
			userAgentOptions: { userAgentPrefix: 'jasm' },
		});
	}

	async read(reference: RemoteReference, signal: AbortSignal, room: Room = UNCOUNTED): Promise<SecretValue> {
		validateReference(reference);
		const { name, settings, clock } = this.#options;
		const subject = `reading secret "${reference.path}" from ${name}`;
		const signals = [signal, this.#closing.signal];
		try {
			return await withDeadline(
				{ clock, deadlineMs: 2 * settings.timeoutMs, subject, signals },
				async abortSignal => {
					countIn(room, abortSignal);
					const { path, version } = reference;
					const options = { abortSignal, ...(version !== undefined && { version }) };
					const answer = await this.#signedIn(() => this.#client.getSecret(path, options));
					return secretValue(answer, reference);
				},
			);
		} catch (error) {
			const coded = toJasmError(subject, readFailure(error));
			if (coded.code === 'PROVIDER_AUTH') {
				this.#identity.drop();
			}

			throw coded;
		}
	}

	/** Calls; where a session of before is not accepted any more, once again with a new one. */
	async #signedIn(call: () => Promise<Answer>): Promise<Answer> {
		const { isSignedIn } = this.#identity;
		try {
			return await call();
		} catch (error) {
			if (!isSignedIn || toJasmError('', readFailure(error)).code !== 'PROVIDER_AUTH') {
				throw error;
			}

			this.#identity.drop();
			return await call();
		}
	}

	async close(): Promise<void> {
		this.#closing.abort();
		this.#identity.close();
		this.#caller.close();
	}
}

function secretValue({ value, properties }: Answer, { path, version: asked }: RemoteReference): SecretValue {
	const { name, version = '', contentType } = properties;
	// Names and versions do not tell upper from lower case.
	const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
	if (!same(name, path) || !same(version, asked ?? version) || version === '') {
		throw unusable('the answer is about another secret');
	}

	if (value === undefined) {
		throw unusable('the answer holds no value');
	}

	return new SecretValue({ ...payloadOf(value, contentType), version });
}

const unusable = (text: string) => new ProviderFailure(text, { code: 'PROVIDER_UNAVAILABLE' });

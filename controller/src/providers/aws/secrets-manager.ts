// AWS Secrets Manager as a provider: GetSecretValue through the SDK, with deadlines that hold.
import {
	GetSecretValueCommand,
	type GetSecretValueCommandOutput,
	SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment, RemoteReference, Room, SecretProvider } from '../provider.ts';
import { SecretValue } from '../secret-value.ts';
import { withDeadline } from '../shared/deadline.ts';
import { ProviderFailure, toJasmError } from '../shared/failure.ts';
import { UNCOUNTED } from '../shared/read-body.ts';
import { type AwsIdentity, credentialsOf, sdkConfig } from './credentials.ts';
import { readFailure } from './errors.ts';
import { type AwsLocation, locate } from './reference.ts';
import type { AwsSettings } from './settings.ts';
import { AwsTransport, type SendOptions } from './transport.ts';

export type AwsSecretsManagerOptions = {
	/** The provider's name in messages. */
	readonly name: string;
	readonly settings: AwsSettings;
	readonly env: Environment;
	readonly clock: Clock;
};

export class AwsSecretsManager implements SecretProvider {
	readonly #name: string;
	readonly #settings: AwsSettings;
	readonly #clock: Clock;
	readonly #requestHandler: AwsTransport;
	readonly #credentials: () => Promise<AwsIdentity>;
	readonly #clients = new Map<string, SecretsManagerClient>();
	readonly #closing = new AbortController();

	constructor({ name, settings, env, clock }: AwsSecretsManagerOptions) {
		this.#name = name;
		this.#settings = settings;
		this.#clock = clock;
		this.#requestHandler = new AwsTransport(settings, env, clock);
		const requestHandler = this.#requestHandler;
		// Shorter than a read's deadline, so that the error says what hung.
		const deadlineMs = 1.5 * settings.timeoutMs;
		this.#credentials = credentialsOf({ settings, env, clock, requestHandler }, deadlineMs);
	}

	async read(reference: RemoteReference, signal: AbortSignal, room: Room = UNCOUNTED): Promise<SecretValue> {
		const location = locate(reference, this.#settings);
		const subject = `reading secret "${location.name}" from ${this.#name}`;
		try {
			const signals = [signal, this.#closing.signal];
			// One call and its retries; the SDK's own timeouts cover neither a stalled body nor signing in.
			const deadlineMs = 2 * this.#settings.timeoutMs;
			const bounds = { clock: this.#clock, deadlineMs, subject, signals };
			const answer = await withDeadline(bounds, abortSignal =>
				this.#signedIn(location.region, client => {
					const options = { abortSignal, room } satisfies SendOptions;
					return client.send(new GetSecretValueCommand(inputOf(reference)), options);
				}),
			);
			return secretValueOf(answer, { reference, location });
		} catch (error) {
			throw toJasmError(subject, readFailure(error));
		}
	}

	/** Calls; where a session of before is not accepted any more, once again with a new one. */
	async #signedIn<T>(region: string, call: (client: SecretsManagerClient) => Promise<T>): Promise<T> {
		const isSignedIn = this.#clients.has(region);
		try {
			return await this.#call(region, call);
		} catch (error) {
			if (!isSignedIn || !refusesIdentity(error)) {
				throw error;
			}

			return await this.#call(region, call);
		}
	}

	async #call<T>(region: string, call: (client: SecretsManagerClient) => Promise<T>): Promise<T> {
		const client = this.#clientOf(region);
		try {
			return await call(client);
		} catch (error) {
			if (refusesIdentity(error) && this.#clients.get(region) === client) {
				// The client holds the refused credentials: without it the next call signs in again.
				this.#clients.delete(region);
			}

			throw error;
		}
	}

	async close(): Promise<void> {
		this.#closing.abort();
		this.#clients.clear();
		this.#requestHandler.destroy();
	}

	#clientOf(region: string): SecretsManagerClient {
		let client = this.#clients.get(region);
		if (client === undefined) {
			const { endpoint } = this.#settings;
			client = new SecretsManagerClient({
				...sdkConfig(this.#settings, this.#requestHandler),
				region,
				credentials: this.#credentials,
				...(endpoint !== undefined && { endpoint }),
			});
			this.#clients.set(region, client);
		}

		return client;
	}
}

const refusesIdentity = (error: unknown): boolean =>
	toJasmError('', readFailure(error)).code === 'PROVIDER_AUTH';

/** The service tells a version id from a staging label only by its length. */
function inputOf({ path, version }: RemoteReference) {
	if (version === undefined) {
		return { SecretId: path };
	}

	return version.length >= 32 && version.length <= 64
		? { SecretId: path, VersionId: version }
		: { SecretId: path, VersionStage: version };
}

type Asked = {
	readonly reference: RemoteReference;
	readonly location: AwsLocation;
};

function secretValueOf(answer: GetSecretValueCommandOutput, { reference, location }: Asked): SecretValue {
	const identity = location.arn ? answer.ARN : answer.Name;
	if (identity !== reference.path) {
		throw unusable('the answer is about another secret');
	}

	const { SecretString: text, SecretBinary: bytes, VersionId: version = reference.version ?? '' } = answer;
	if (text !== undefined) {
		return new SecretValue({ payload: text, version });
	}

	if (bytes === undefined) {
		throw unusable('the answer holds no value');
	}

	const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return new SecretValue({ payload, binary: true, version });
}

const unusable = (text: string) => new ProviderFailure(text, { code: 'PROVIDER_UNAVAILABLE' });

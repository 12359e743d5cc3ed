// AWS Secrets Manager as a provider: GetSecretValue through the SDK, with deadlines that hold.
import {
	GetSecretValueCommand,
	type GetSecretValueCommandOutput,
	SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { SecretValue } from '../secret-value.ts';
import type { AwsSettings } from './aws-config.ts';
import { type AwsIdentity, credentialsOf, SILENT, sdkConfig } from './aws-credentials.ts';
import { readError } from './aws-errors.ts';
import { type AwsLocation, locate } from './aws-reference.ts';
import { bounded } from './bounded.ts';
import type { Environment, RemoteReference, SecretProvider } from './provider.ts';

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
	readonly #requestHandler: NodeHttpHandler;
	readonly #credentials: () => Promise<AwsIdentity>;
	readonly #clients = new Map<string, SecretsManagerClient>();
	readonly #closing = new AbortController();

	constructor({ name, settings, env, clock }: AwsSecretsManagerOptions) {
		this.#name = name;
		this.#settings = settings;
		this.#clock = clock;
		this.#requestHandler = requestHandlerOf(settings);
		const requestHandler = this.#requestHandler;
		// Shorter than a read's deadline, so that the error says what hung.
		const deadlineMs = 1.5 * settings.timeoutMs;
		this.#credentials = credentialsOf({ settings, env, clock, requestHandler }, deadlineMs);
	}

	async read(reference: RemoteReference, signal: AbortSignal): Promise<SecretValue> {
		const location = locate(reference, this.#settings);
		const subject = `reading secret "${location.name}" from ${this.#name}`;
		const client = this.#clientOf(location.region);
		try {
			const signals = [signal, this.#closing.signal];
			// One call and its retries; the SDK's own timeouts cover neither a stalled body nor signing in.
			const deadlineMs = 2 * this.#settings.timeoutMs;
			const answer = await bounded({ clock: this.#clock, deadlineMs, subject, signals }, abortSignal =>
				client.send(new GetSecretValueCommand(inputOf(reference)), { abortSignal }),
			);
			return secretValueOf(answer, { reference, location, subject });
		} catch (error) {
			const coded = readError(subject, error);
			if (coded.code === 'PROVIDER_AUTH' && this.#clients.get(location.region) === client) {
				// The client holds the credentials that were refused; the next read signs in anew.
				this.#clients.delete(location.region);
			}

			throw coded;
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
				...sdkConfig(this.#requestHandler),
				region,
				credentials: this.#credentials,
				...(endpoint !== undefined && { endpoint }),
			});
			this.#clients.set(region, client);
		}

		return client;
	}
}

/**
 * One handler for all regions and for STS, so that dropping a client drops no connection.
 * Agents are given as options: importing node:http by itself makes Node load undici (11 MB), which only an
 * http endpoint is worth.
 */
function requestHandlerOf({ timeoutMs }: AwsSettings): NodeHttpHandler {
	// Time spent waiting for a free socket would count as connecting; the engine bounds the reads.
	const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
	return new NodeHttpHandler({
		connectionTimeout: Math.min(2_000, timeoutMs),
		requestTimeout: timeoutMs,
		// Without this a timeout is only logged, and the call hangs.
		throwOnRequestTimeout: true,
		httpAgent: agent,
		httpsAgent: agent,
		logger: SILENT,
	});
}

/** The service tells a version id from a staging label by length alone. */
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
	readonly subject: string;
};

function secretValueOf(
	answer: GetSecretValueCommandOutput,
	{ reference, location, subject }: Asked,
): SecretValue {
	const identity = location.arn ? answer.ARN : answer.Name;
	if (identity !== reference.path) {
		throw new JasmError(`${subject}: the answer is about another secret`, { code: 'PROVIDER_UNAVAILABLE' });
	}

	const { SecretString: text, SecretBinary: bytes, VersionId: version = reference.version ?? '' } = answer;
	if (text !== undefined) {
		return new SecretValue({ payload: Buffer.from(text), version });
	}

	if (bytes === undefined) {
		throw new JasmError(`${subject}: the answer holds no value`, { code: 'PROVIDER_UNAVAILABLE' });
	}

	const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return new SecretValue({ payload, binary: true, version });
}

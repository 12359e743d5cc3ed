// The real AWS SDK as the judge of the embedded Secrets Manager.
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { fromTokenFile } from '@aws-sdk/credential-providers';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ExecutionContext } from 'ava';
import {
	type SecretsManager,
	type SecretsManagerOptions,
	startSecretsManager,
} from '../../../testing/aws/secrets-manager.ts';

export type ClientOptions = {
	readonly region?: string;
	readonly maxAttempts?: number;
	readonly timeoutMs?: number;
	readonly credentials?: ReturnType<typeof fromTokenFile>;
};

/** The real SDK with one attempt per call, signed with static keys by default. */
export function clientOf(
	t: ExecutionContext,
	endpoint: string,
	{ timeoutMs = 10_000, ...options }: ClientOptions = {},
): SecretsManagerClient {
	const client = new SecretsManagerClient({
		region: 'eu-west-1',
		endpoint,
		credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'test' },
		maxAttempts: 1,
		requestHandler: new NodeHttpHandler({ requestTimeout: timeoutMs, throwOnRequestTimeout: true }),
		...options,
	});
	t.teardown(() => client.destroy());
	return client;
}

export async function embedded(
	t: ExecutionContext,
	options?: SecretsManagerOptions,
): Promise<SecretsManager> {
	const server = await startSecretsManager(options);
	t.teardown(() => server.close());
	return server;
}

/** The name, message and status that the SDK reports. */
export async function failure(
	sent: Promise<unknown>,
): Promise<{ name: string; message: string; status?: number }> {
	const error = await sent.then(
		() => new Error('expected a refusal'),
		reason => reason,
	);
	return { name: error.name, message: error.message, status: error.$metadata?.httpStatusCode };
}

/** What STS answers to GetCallerIdentity, for which the SDK in use has no client. */
export async function callerIdentity(endpoint: string, accessKeyId: string): Promise<string> {
	const response = await fetch(endpoint, {
		method: 'POST',
		headers: {
			'content-type': 'application/x-www-form-urlencoded',
			authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20300101/eu-west-1/sts/aws4_request, Signature=x`,
		},
		body: 'Action=GetCallerIdentity&Version=2011-06-15',
	});
	return response.text();
}

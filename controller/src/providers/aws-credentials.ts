// The identity by which JASM reads from AWS: exactly the configured source, never the SDK's default chain.
import { fromHttp, fromIni, fromInstanceMetadata, fromTokenFile } from '@aws-sdk/credential-providers';
import { parseKnownFiles } from '@smithy/core/config';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Clock } from '../runtime/clock.ts';
import type { AwsSettings } from './aws-config.ts';
import { SignInError, signInError } from './aws-errors.ts';
import type { Environment } from './provider.ts';

export type AwsIdentity = Awaited<ReturnType<ReturnType<typeof fromTokenFile>>>;

export type CredentialsOptions = {
	readonly settings: AwsSettings;
	readonly env: Environment;
	readonly clock: Clock;
	readonly requestHandler: NodeHttpHandler;
};

/** Without one, parts of the SDK print to the console. */
export const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Attempts and timeouts of whatever the SDK asks for credentials on the node itself. */
const NODE = { timeout: 1_000, maxRetries: 1, logger: SILENT };

/** A function that signs in; it settles within `deadlineMs` whatever the other side does. Fails with SignInError. */
export function credentialsOf(options: CredentialsOptions, deadlineMs: number): () => Promise<AwsIdentity> {
	const { clock, settings } = options;
	const source = sourceOf(options);
	return async () => {
		const { promise: late, reject } = Promise.withResolvers<never>();
		// The SDK shares one sign-in among all reads: one that never settled would hold them up for ever.
		const timer = clock.schedule(deadlineMs, () =>
			reject(Object.assign(new Error(), { name: 'TimeoutError' })),
		);
		try {
			return await Promise.race([source(), late]);
		} catch (error) {
			throw signInError(settings.credentials, error);
		} finally {
			timer.cancel();
		}
	};
}

function sourceOf({ settings, env, requestHandler }: CredentialsOptions): () => Promise<AwsIdentity> {
	const { region, stsEndpoint, roleArn, tokenFile, profile } = settings;
	const clientConfig = {
		...sdkConfig(requestHandler),
		region,
		...(stsEndpoint !== undefined && { endpoint: stsEndpoint }),
	};
	switch (settings.credentials) {
		case 'web-identity': {
			const signIn = fromTokenFile({
				roleArn: roleArn ?? '',
				webIdentityTokenFile: tokenFile ?? '',
				roleSessionName: env['AWS_ROLE_SESSION_NAME'] ?? 'jasm',
				clientConfig,
				logger: SILENT,
			});
			return async () => {
				required(roleArn, 'the role: set roleArn or AWS_ROLE_ARN');
				required(tokenFile, 'the token file: set tokenFile or AWS_WEB_IDENTITY_TOKEN_FILE');
				return signIn();
			};
		}
		case 'container':
			return async () => fromHttp({ ...containerAddress(env), ...NODE })();
		case 'profile':
			return async () => {
				const files = { profile, ...profileFiles(env), ignoreCache: true };
				refuseInstanceRole(await parseKnownFiles(files), profile);
				return fromIni({ ...files, clientConfig, logger: SILENT })();
			};
		case 'environment':
			return async () => ({
				accessKeyId: required(env['AWS_ACCESS_KEY_ID'], 'AWS_ACCESS_KEY_ID'),
				secretAccessKey: required(env['AWS_SECRET_ACCESS_KEY'], 'AWS_SECRET_ACCESS_KEY'),
				...(env['AWS_SESSION_TOKEN'] && { sessionToken: env['AWS_SESSION_TOKEN'] }),
			});
		case 'instance':
			return fromInstanceMetadata({ ...NODE, ec2MetadataV1Disabled: true });
	}
}

/**
 * What every client of the SDK gets; explicit, so that no environment variable changes it. Where handler or
 * retry mode were left out, AWS_DEFAULTS_MODE=auto would ask the node's metadata service for its region.
 */
export function sdkConfig(requestHandler: NodeHttpHandler) {
	return {
		requestHandler,
		maxAttempts: 3,
		retryMode: 'standard',
		userAgentAppId: 'jasm',
		logger: SILENT,
	} as const;
}

function required(value: string | undefined, what: string): string {
	if (value === undefined || value === '') {
		throw new SignInError(`signing in lacks ${what}`, { code: 'PROVIDER_AUTH', details: {} });
	}

	return value;
}

function containerAddress(env: Environment) {
	const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
	const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
	const tokenFile = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
	const token = env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
	required(full ?? relative, 'the address of the agent: AWS_CONTAINER_CREDENTIALS_FULL_URI');
	return {
		...(full === undefined && relative !== undefined && { awsContainerCredentialsRelativeUri: relative }),
		...(full !== undefined && { awsContainerCredentialsFullUri: full }),
		...(tokenFile !== undefined && { awsContainerAuthorizationTokenFile: tokenFile }),
		...(token !== undefined && { awsContainerAuthorizationToken: token }),
	};
}

function profileFiles(env: Environment) {
	const filepath = env['AWS_SHARED_CREDENTIALS_FILE'];
	const configFilepath = env['AWS_CONFIG_FILE'];
	return {
		...(filepath !== undefined && { filepath }),
		...(configFilepath !== undefined && { configFilepath }),
	};
}

type Profiles = Awaited<ReturnType<typeof parseKnownFiles>>;

/** A profile may send the SDK to the node's metadata service: only `credentials: instance` may. */
function refuseInstanceRole(profiles: Profiles, name: string): void {
	const seen = new Set<string>();
	for (let next: string | undefined = name; next !== undefined && !seen.has(next); ) {
		seen.add(next);
		const profile: Profiles[string] | undefined = profiles[next];
		if (profile?.['credential_source'] === 'Ec2InstanceMetadata') {
			throw new SignInError(
				"the profile asks for the node's instance role, which only `credentials: instance` may use",
				{ code: 'PROVIDER_AUTH', details: {} },
			);
		}

		next = profile?.['source_profile'];
	}
}

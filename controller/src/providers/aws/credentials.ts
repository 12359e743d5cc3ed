// The identity by which JASM reads from AWS: exactly the configured source, never the SDK's default chain.
import { fromHttp, fromIni, fromInstanceMetadata, fromWebToken } from '@aws-sdk/credential-providers';
import { parseKnownFiles } from '@smithy/core/config';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment } from '../provider.ts';
import { beforeDeadline } from '../shared/deadline.ts';
import { ProviderFailure } from '../shared/failure.ts';
import { readCredentialFile } from '../shared/identity-token.ts';
import { silentSignIn } from '../shared/token-cache.ts';
import type { AwsSettings } from './settings.ts';
import { signInFailure } from './sign-in-errors.ts';
import { type AwsTransport, SILENT } from './transport.ts';

export type AwsIdentity = Awaited<ReturnType<ReturnType<typeof fromWebToken>>>;

export type CredentialsOptions = {
	readonly settings: AwsSettings;
	readonly env: Environment;
	readonly clock: Clock;
	readonly requestHandler: AwsTransport;
};

/** Attempts and timeouts of whatever the SDK asks for credentials on the node itself. */
const NODE = { timeout: 1_000, maxRetries: 1, logger: SILENT };

/** A function that signs in; it settles within `deadlineMs` whatever the other side does. Fails with ProviderFailure. */
export function credentialsOf(options: CredentialsOptions, deadlineMs: number): () => Promise<AwsIdentity> {
	const { clock, settings } = options;
	const source = sourceOf(options);
	return async () => {
		try {
			// The SDK shares one sign-in among all reads: one that never settled would hold them up for ever.
			return await beforeDeadline({ clock, deadlineMs, late: () => silentSignIn(deadlineMs) }, source);
		} catch (error) {
			throw signInFailure(settings.credentials, error);
		}
	};
}

function sourceOf({ settings, env, requestHandler }: CredentialsOptions): () => Promise<AwsIdentity> {
	const { region, stsEndpoint } = settings;
	const clientConfig = {
		...sdkConfig(settings, requestHandler),
		region,
		...(stsEndpoint !== undefined && { endpoint: stsEndpoint }),
	};
	switch (settings.credentials) {
		case 'web-identity': {
			const { roleArn, tokenFile } = settings;
			const roleSessionName = env['AWS_ROLE_SESSION_NAME'] ?? 'jasm';
			return async () => {
				const role = required(roleArn, 'the role: set roleArn or AWS_ROLE_ARN');
				const file = required(tokenFile, 'the token file: set tokenFile or AWS_WEB_IDENTITY_TOKEN_FILE');
				const webIdentityToken = await readCredentialFile(file, 'tokenFile');
				return fromWebToken({ roleArn: role, webIdentityToken, roleSessionName, clientConfig })();
			};
		}
		case 'container':
			return async () => fromHttp({ ...containerAddress(env), ...NODE })();
		case 'profile': {
			const { profile } = settings;
			return async () => {
				const files = { profile, ...profileFiles(env), ignoreCache: true };
				refuseInstanceRole(await parseKnownFiles(files), profile);
				return fromIni({ ...files, clientConfig, logger: SILENT })();
			};
		}
		case 'environment':
			return async () => ({
				accessKeyId: required(env['AWS_ACCESS_KEY_ID'], 'AWS_ACCESS_KEY_ID'),
				secretAccessKey: required(env['AWS_SECRET_ACCESS_KEY'], 'AWS_SECRET_ACCESS_KEY'),
				...(env['AWS_SESSION_TOKEN'] && { sessionToken: env['AWS_SESSION_TOKEN'] }),
			});
		case 'instance':
			// One for each sign-in: it asks no more after the service once gave it no session.
			return async () => fromInstanceMetadata({ ...NODE, ec2MetadataV1Disabled: true })();
	}
}

/**
 * What every client of the SDK gets; explicit, so that neither environment variables nor files of the SDK change
 * it. Without handler or retry mode, AWS_DEFAULTS_MODE=auto asks the node's metadata service for its region.
 */
export function sdkConfig({ fips, dualStack }: AwsSettings, requestHandler: AwsTransport) {
	return {
		requestHandler,
		useFipsEndpoint: fips,
		useDualstackEndpoint: dualStack,
		ignoreConfiguredEndpointUrls: true,
		authSchemePreference: [] as string[],
		maxAttempts: 3,
		retryMode: 'standard',
		userAgentAppId: 'jasm',
		logger: SILENT,
	} as const;
}

function required(value: string | undefined, what: string): string {
	if (value === undefined || value === '') {
		throw new ProviderFailure(`signing in lacks ${what}`, { code: 'PROVIDER_AUTH' });
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
			throw new ProviderFailure(
				"the profile asks for the node's instance role, which only `credentials: instance` may use",
				{ code: 'PROVIDER_AUTH' },
			);
		}

		next = profile?.['source_profile'];
	}
}

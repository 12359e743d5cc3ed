// The configuration of AWS Secrets Manager: its type, its defaults from the environment, its warnings.
import { JasmError } from '../errors.ts';
import { validateReference } from './aws-reference.ts';
import type { Environment, KindContext, PreparedProvider } from './provider.ts';

/**
 * Where JASM's AWS identity comes from; never a fallback from one to another.
 * `instance` alone may ask the node's metadata service; `environment` is for development.
 */
export const AWS_CREDENTIALS = ['web-identity', 'container', 'profile', 'environment', 'instance'] as const;

export type AwsCredentials = (typeof AWS_CREDENTIALS)[number];

export type AwsSecretsManagerConfig = {
	readonly kind: 'aws-secretsmanager';
	/** Default: AWS_REGION of the environment. */
	readonly region?: string | undefined;
	/** Regions that an ARN may name. Default: `region` alone. */
	readonly regions?: readonly string[] | undefined;
	/** Account ids that an ARN may name. Default: none, so every ARN is refused. */
	readonly accounts?: readonly string[] | undefined;
	/** Default: web-identity. */
	readonly credentials?: AwsCredentials | undefined;
	/** For `profile`. Default: codnod. */
	readonly profile?: string | undefined;
	/** For `web-identity`. Default: AWS_ROLE_ARN of the environment. */
	readonly roleArn?: string | undefined;
	/** For `web-identity`. Default: AWS_WEB_IDENTITY_TOKEN_FILE of the environment. */
	readonly tokenFile?: string | undefined;
	/** URL of an emulator of Secrets Manager, for development. */
	readonly endpoint?: string | undefined;
	/** URL of an emulator of STS, for development. */
	readonly stsEndpoint?: string | undefined;
	/** One attempt, in milliseconds; a whole read takes at most twice as long. Default: 5000. */
	readonly timeoutMs?: number | undefined;
	/** Reads in flight at most; the engine's business, since sockets are not what bounds it. */
	readonly concurrency?: number | undefined;
	/** Reads a second, lastingly; the engine's business as well. */
	readonly readsPerSecond?: number | undefined;
};

/** The configuration with every default filled in. */
export type AwsSettings = {
	readonly region: string;
	readonly regions: readonly string[];
	readonly accounts: readonly string[];
	readonly credentials: AwsCredentials;
	readonly profile: string;
	readonly roleArn: string | undefined;
	readonly tokenFile: string | undefined;
	readonly endpoint: string | undefined;
	readonly stsEndpoint: string | undefined;
	readonly timeoutMs: number;
};

/** @throws JasmError CONFIG_INVALID where neither config nor environment names a region */
export function prepareAwsSecretsManager(
	config: AwsSecretsManagerConfig,
	context: KindContext,
): PreparedProvider {
	const settings = settingsOf(config, context.env);
	if (settings.region === '') {
		throw new JasmError(
			`preparing provider ${context.name}: region is missing: set it or AWS_REGION in the environment`,
			{ code: 'CONFIG_INVALID' },
		);
	}

	return {
		validatePath: reference => validateReference(reference, settings),
		async open() {
			for (const warning of warningsOf(settings, context.env)) {
				context.warn(`provider ${context.name}: ${warning}`);
			}

			const { AwsSecretsManager } = await import('./aws-secrets-manager.ts');
			return new AwsSecretsManager({ ...context, settings });
		},
	};
}

export function settingsOf(config: AwsSecretsManagerConfig, env: Environment): AwsSettings {
	const region = config.region ?? env['AWS_REGION'] ?? '';
	return {
		region,
		regions: config.regions ?? [region],
		accounts: config.accounts ?? [],
		credentials: config.credentials ?? 'web-identity',
		profile: config.profile ?? 'codnod',
		roleArn: config.roleArn ?? env['AWS_ROLE_ARN'],
		tokenFile: config.tokenFile ?? env['AWS_WEB_IDENTITY_TOKEN_FILE'],
		endpoint: config.endpoint,
		stsEndpoint: config.stsEndpoint,
		timeoutMs: config.timeoutMs ?? 5_000,
	};
}

/** Variables by which the AWS SDK itself takes another endpoint. */
const ENDPOINT_VARIABLES = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SECRETS_MANAGER', 'AWS_ENDPOINT_URL_STS'];

function* warningsOf(settings: AwsSettings, env: Environment): Generator<string> {
	if (settings.credentials === 'environment') {
		yield 'credentials from environment variables are meant for development';
	}

	if (settings.credentials === 'instance') {
		yield "the node's instance role is used, which every pod of the node may share";
	}

	if (settings.endpoint !== undefined || settings.stsEndpoint !== undefined) {
		yield 'an endpoint of its own is configured, which is meant for development';
	}

	for (const variable of ENDPOINT_VARIABLES) {
		if (env[variable] !== undefined) {
			yield `${variable} of the environment changes the endpoint, which is meant for development`;
		}
	}
}

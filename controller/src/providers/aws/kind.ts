// Kind aws-secretsmanager: AWS Secrets Manager through the AWS SDK. This file is what the registry lists.
import type { BuiltInKind } from '../provider.ts';
import { awsConcern } from './concerns.ts';
import { awsInstallation } from './installation.ts';
import { parseQueueUrl, queueUrlFault } from './queue-url.ts';
import { validateReference } from './reference.ts';
import { awsSecretsManagerSchema } from './schema.ts';
import { awsSettings, awsWarnings } from './settings.ts';

export const awsSecretsManager: BuiltInKind<typeof awsSecretsManagerSchema> = {
	schema: awsSecretsManagerSchema,
	environment: {
		AWS_REGION: '`region` of providers that leave it out',
		AWS_ROLE_ARN: '`roleArn` of providers that leave it out',
		AWS_WEB_IDENTITY_TOKEN_FILE: '`tokenFile` of providers that leave it out',
		AWS_CA_BUNDLE: '`caFile` of AWS providers that leave it out',
		AWS_USE_FIPS_ENDPOINT: '`fips` of providers that leave it out: `true` or `false`',
		AWS_USE_DUALSTACK_ENDPOINT: '`dualStack` of providers that leave it out: `true` or `false`',
		AWS_ENDPOINT_URL_SECRETS_MANAGER: '`endpoint` of providers that leave it out, for development',
		AWS_ENDPOINT_URL_STS: '`stsEndpoint` of providers that leave it out, for development',
		AWS_ENDPOINT_URL: '`endpoint` and `stsEndpoint` of providers that leave them out, for development',
		AWS_ROLE_SESSION_NAME: 'session name, for credentials `web-identity`',
		AWS_CONTAINER_CREDENTIALS_FULL_URI: 'address of the agent, for credentials `container`',
		AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: 'path at the agent of ECS, for credentials `container`',
		AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'token for the agent, for credentials `container`',
		AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token for the agent, for credentials `container`',
		AWS_CONFIG_FILE: 'AWS configuration file, for credentials `profile`',
		AWS_SHARED_CREDENTIALS_FILE: 'AWS credentials file, for credentials `profile`',
		AWS_ACCESS_KEY_ID: 'access key, for credentials `environment`',
		AWS_SECRET_ACCESS_KEY: 'access key, for credentials `environment`',
		AWS_SESSION_TOKEN: 'access key, for credentials `environment`',
	},
	prepare(config, context) {
		const settings = awsSettings(config);
		return {
			validatePath: reference => validateReference(reference, settings),
			async open() {
				for (const warning of awsWarnings(config)) {
					context.warn(`provider ${context.name}: ${warning}`);
				}

				const { AwsSecretsManager } = await import('./secrets-manager.ts');
				return new AwsSecretsManager({ ...context, settings });
			},
			concerns: (notice, scope) => awsConcern(notice, settings, scope),
			async openQueue(url) {
				const { openSqsQueue } = await import('./sqs.ts');
				return openSqsQueue({ ...context, settings, url, parts: parseQueueUrl(url) });
			},
		};
	},
	queueKind: 'sqs',
	queueFault: (url, { endpoint }) => queueUrlFault(url, endpoint !== undefined),
	notices: config =>
		config.credentials === 'web-identity' && config.roleArn === undefined
			? [
					'no role is known for credentials web-identity: set roleArn or AWS_ROLE_ARN, ' +
						'or choose other credentials; until then every read fails',
				]
			: [],
	installation: awsInstallation,
	samples: [
		{ pod: 'sample-config', requests: [{ path: '/prod/codnod/config', secretName: 'sample-config' }] },
		{
			pod: 'sample-mapped',
			requests: [
				{
					path: '/prod/codnod/config',
					secretName: 'sample-password',
					keys: { password: 'DB_PASSWORD' },
				},
				{ path: '/prod/codnod/banner', secretName: 'sample-banner', key: 'banner' },
			],
		},
	],
};

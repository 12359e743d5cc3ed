// What follows from the configuration of AWS Secrets Manager: derived values and warnings; pure.
import type { AwsSecretsManagerConfig } from './schema.ts';

/** The configuration with the lists that an ARN is checked against. */
export type AwsSettings = AwsSecretsManagerConfig & {
	readonly regions: readonly string[];
	readonly accounts: readonly string[];
};

export const awsSettings = (config: AwsSecretsManagerConfig): AwsSettings => ({
	...config,
	regions: config.regions ?? [config.region],
	accounts: config.accounts ?? [],
});

export function* awsWarnings(config: AwsSecretsManagerConfig): Generator<string> {
	if (config.credentials === 'environment') {
		yield 'credentials from environment variables are meant for development';
	}

	if (config.credentials === 'instance') {
		yield "the node's instance role is used, which every pod of the node may share";
	}

	if (config.endpoint !== undefined || config.stsEndpoint !== undefined) {
		yield 'an endpoint of its own is configured, which is meant for development';
	}
}

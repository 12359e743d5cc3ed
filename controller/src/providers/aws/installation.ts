// What an installation provides for AWS Secrets Manager: hosts, and the audience of the token for STS; pure.
import type { Environment, Host, Installation } from '../provider.ts';
import { filesOf, hostsOf } from '../shared/hosts.ts';
import { hostOf, STS_AUDIENCE } from './partitions.ts';
import type { AwsSecretsManagerConfig } from './schema.ts';

export function awsInstallation(config: AwsSecretsManagerConfig, env: Environment): Installation {
	return {
		...tokenOf(config),
		authorities: filesOf(config.caFile),
		credentialFiles: filesOf(config.proxyCredentialsFile),
		env: {},
		developmentEnvironment: config.credentials === 'environment',
		egress: [...hostsOf(config, env, ...endpointsOf(config)), ...nodeAgents(config.credentials)],
	};
}

/** Without a role the controller cannot sign in, with or without a token. */
function tokenOf(config: AwsSecretsManagerConfig): Pick<Installation, 'token'> {
	if (config.credentials !== 'web-identity') {
		return {};
	}

	const { roleArn, tokenFile: file } = config;
	return roleArn === undefined || file === undefined ? {} : { token: { file, audience: STS_AUDIENCE } };
}

/** Every region that an ARN may name has its own endpoint. */
function endpointsOf(config: AwsSecretsManagerConfig): string[] {
	const { region, regions = [], endpoint, stsEndpoint } = config;
	const urlOf = (service: 'secretsmanager' | 'sts', name: string) =>
		`https://${hostOf(service, name, config)}`;
	const regional = [region, ...regions].map(name => urlOf('secretsmanager', name));
	const signsIn = config.credentials === 'web-identity' || config.credentials === 'profile';
	return [
		...(endpoint === undefined ? regional : [endpoint]),
		...(signsIn ? [stsEndpoint ?? urlOf('sts', region)] : []),
	];
}

/** Where the node itself serves credentials, in clusters of either address family. */
function nodeAgents(credentials: AwsSecretsManagerConfig['credentials']): Host[] {
	switch (credentials) {
		case 'container':
			return ['169.254.170.23', 'fd00:ec2::23'].map(host => ({ host, port: 80 }));
		case 'instance':
			return ['169.254.169.254', 'fd00:ec2::254'].map(host => ({ host, port: 80 }));
		default:
			return [];
	}
}

// What the schema of a provider cannot say: fields that need or exclude each other, and what is likely missing.
import type { AwsSecretsManagerConfig } from './providers/aws-config.ts';
import { authorityOf } from './providers/azure-config.ts';
import type { Environment, ProviderConfig } from './providers/provider.ts';

/** A fault of one field. */
export type FieldFault = { readonly field: string; readonly message: string };

type Written = Readonly<Record<string, unknown>>;

type KindRules = {
	readonly defaultCredentials: string;
	/** Fields that have an effect with these credentials alone. */
	readonly owners: Readonly<Record<string, readonly string[]>>;
	/** Fields without which these credentials cannot sign in. */
	readonly needs: Readonly<Record<string, readonly string[]>>;
	readonly others?: (written: Written, env: Environment) => FieldFault[];
};

const RULES: Readonly<Record<ProviderConfig['kind'], KindRules>> = {
	'aws-secretsmanager': {
		defaultCredentials: 'web-identity',
		owners: { roleArn: ['web-identity'], tokenFile: ['web-identity'], profile: ['profile'] },
		needs: {},
		others: ({ region }, env) =>
			region === undefined && !env['AWS_REGION']
				? [{ field: 'region', message: 'is required, here or as AWS_REGION in the environment' }]
				: [],
	},
	vault: {
		defaultCredentials: 'kubernetes',
		owners: {
			role: ['kubernetes', 'jwt'],
			audience: ['kubernetes', 'jwt'],
			tokenFile: ['kubernetes', 'jwt', 'token'],
			roleId: ['approle'],
			secretIdFile: ['approle'],
			authMount: ['kubernetes', 'jwt', 'approle'],
			authNamespace: ['kubernetes', 'jwt', 'approle'],
		},
		needs: {
			kubernetes: ['role'],
			jwt: ['role'],
			approle: ['roleId', 'secretIdFile'],
			token: ['tokenFile'],
		},
		others: ({ address, allowInsecure }) =>
			/^http:/i.test(String(address)) && allowInsecure !== true
				? [{ field: 'address', message: 'must be https (allowInsecure allows http, for development)' }]
				: [],
	},
	'azure-keyvault': {
		defaultCredentials: 'workload-identity',
		owners: {
			tokenFile: ['workload-identity'],
			audience: ['workload-identity'],
			clientId: ['workload-identity', 'client-secret'],
			authorityHost: ['workload-identity', 'client-secret'],
		},
		needs: {
			'workload-identity': ['tenantId', 'clientId'],
			'client-secret': ['tenantId', 'clientId'],
		},
		others: ({ vaultUrl, authorityHost, credentials }) =>
			typeof vaultUrl === 'string' &&
			authorityOf(vaultUrl) === undefined &&
			authorityHost === undefined &&
			credentials !== 'cli'
				? [{ field: 'authorityHost', message: 'is required: vaultUrl belongs to no cloud that is known' }]
				: [],
	},
};

/** Of what is written, valid or not, so that these faults come together with those of the schema. */
export function providerFaults(written: Written, env: Environment): FieldFault[] {
	const rules = new Map<unknown, KindRules>(Object.entries(RULES)).get(written['kind']);
	if (rules === undefined) {
		return [];
	}

	const { defaultCredentials, owners, needs, others } = rules;
	const credentials = String(written['credentials'] ?? defaultCredentials);
	const needed = new Map(Object.entries(needs)).get(credentials) ?? [];
	return [
		...(others?.(written, env) ?? []),
		...needed
			.filter(field => written[field] === undefined)
			.map(field => ({ field, message: `is required with credentials ${credentials}` })),
		...Object.entries(owners)
			.filter(([field, allowed]) => written[field] !== undefined && !allowed.includes(credentials))
			.map(([field, allowed]) => ({
				field,
				message: `has an effect only with credentials ${allowed.join(', ')}`,
			})),
	];
}

/** What a person should know at start, or undefined. */
export function providerNotice(config: ProviderConfig, env: Environment): string | undefined {
	return config.kind === 'aws-secretsmanager' ? missingRole(config, env) : undefined;
}

function missingRole({ credentials = 'web-identity', roleArn }: AwsSecretsManagerConfig, env: Environment) {
	return credentials === 'web-identity' && !(roleArn ?? env['AWS_ROLE_ARN'])
		? 'no role is known for credentials web-identity: set roleArn or AWS_ROLE_ARN, ' +
				'or choose other credentials; until then every read fails'
		: undefined;
}

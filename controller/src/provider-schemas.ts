// The schemas of the providers in the configuration file, one per kind.
import * as z from 'zod/mini';
import {
	endpointFault,
	filePath,
	integer,
	listOf,
	matching,
	secureAddressFault,
	text,
} from './config-fields.ts';
import { AWS_CREDENTIALS } from './providers/aws-config.ts';
import { AZURE_CREDENTIALS } from './providers/azure-config.ts';
import { VAULT_CREDENTIALS } from './providers/vault-config.ts';

const timeoutMs = z.optional(
	integer(100, 60_000, 'Milliseconds of one attempt; a read takes at most twice as long. Default: 5000.'),
);
const concurrency = z._default(integer(1, 1_000, 'Reads in flight at most.'), 64);
const readsPerSecond = z.optional(
	integer(1, 10_000, 'Reads a second of all namespaces together, lastingly. Default: as many as come.'),
);
const caFile = z.optional(
	filePath('PEM file of the authorities that are trusted instead of the well-known ones.'),
);

const region = (description: string) =>
	matching(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'is not the name of an AWS region', description);

const endpoint = (service: string) =>
	text(endpointFault, `URL of an emulator of ${service}, for development; never a link-local address`);

export const awsSecretsManager = z.strictObject({
	kind: z.literal('aws-secretsmanager'),
	region: z.optional(region('The region to ask. Default: AWS_REGION of the environment.')),
	regions: z.optional(
		listOf(region('A region.'), 'Regions that an ARN may name. Default: the one of region.'),
	),
	accounts: z.optional(
		listOf(
			matching(/^\d{12}$/, 'is not an account id of 12 digits', 'An account id; quote it.'),
			'Account ids that an ARN may name. Default: none, so that only names are read.',
		),
	),
	credentials: z.optional(
		z
			.enum(AWS_CREDENTIALS)
			.check(
				z.describe(
					"Where JASM's identity comes from, with no fallback to another. Default: web-identity. " +
						"instance is the node's role; environment is for development.",
				),
			),
	),
	profile: z.optional(
		matching(/^[^\s\p{Cc}]+$/u, 'is not the name of a profile', 'For credentials profile: its name.'),
	),
	roleArn: z.optional(
		matching(
			/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
			'is not the ARN of a role',
			'For credentials web-identity. Default: AWS_ROLE_ARN of the environment.',
		),
	),
	tokenFile: z.optional(
		filePath('For credentials web-identity. Default: AWS_WEB_IDENTITY_TOKEN_FILE of the environment.'),
	),
	endpoint: z.optional(endpoint('Secrets Manager')),
	stsEndpoint: z.optional(endpoint('STS')),
	timeoutMs,
	concurrency,
	readsPerSecond,
});

/** One or more segments, as mounts and namespaces have them. */
const SEGMENTS = /^(?!\.{1,2}(\/|$))[A-Za-z0-9_.@-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.@-]+)*$/;
const INNER_MOUNTS = /^(sys|auth|identity|cubbyhole)(\/|$)/;

const mount = (description: string) =>
	text(
		path =>
			SEGMENTS.test(path) && !INNER_MOUNTS.test(path)
				? undefined
				: 'is not the path of a mount of its own (without slashes at its ends)',
		description,
	);

const segments = (description: string) =>
	matching(SEGMENTS, 'is not a path without slashes at its ends', description);

export const vault = z.strictObject({
	kind: z.literal('vault'),
	address: text(endpointFault, 'URL of Vault or OpenBao; https unless allowInsecure.'),
	mount: z.optional(
		mount('Where the KV secrets engine is mounted; paths are relative to it. Default: secret.'),
	),
	kvVersion: z.optional(z.literal([1, 2]).check(z.describe('Version of the KV secrets engine. Default: 2.'))),
	namespace: z.optional(segments('Namespace of the secrets engine. Default: root.')),
	credentials: z.optional(
		z
			.enum(VAULT_CREDENTIALS)
			.check(
				z.describe(
					'How JASM signs in, with no fallback to another. Default: kubernetes. ' +
						'approle and token are for development.',
				),
			),
	),
	authMount: z.optional(
		segments('Where the auth method is mounted. Default: its name, that of credentials.'),
	),
	authNamespace: z.optional(segments('Namespace of the auth method. Default: namespace.')),
	role: z.optional(
		matching(
			/^[\w.-]{1,256}$/,
			'is not the name of a role',
			'For credentials kubernetes and jwt: the role to sign in to.',
		),
	),
	tokenFile: z.optional(
		filePath(
			'For credentials kubernetes and jwt. Default: /var/run/secrets/vault/token. ' +
				'For credentials token: the file that holds the token of Vault.',
		),
	),
	audience: z.optional(
		matching(
			/^[\x21-\x7e]{1,256}$/,
			'is not an audience',
			'For credentials kubernetes and jwt: the one audience of the token. Default: vault.',
		),
	),
	roleId: z.optional(
		matching(/^[\x21-\x7e]{1,256}$/, 'is not a role id', 'For credentials approle: the role id.'),
	),
	secretIdFile: z.optional(filePath('For credentials approle: the file that holds the secret id.')),
	caFile,
	redirectHosts: z.optional(
		listOf(
			matching(
				/^[A-Za-z0-9.-]+(:\d{1,5})?$/,
				'is not HOST or HOST:PORT',
				'A host that Vault may redirect to, with its port unless it is that of the scheme.',
			),
			'Further hosts that Vault may redirect to. Default: none.',
		),
	),
	allowInsecure: z.optional(
		z.boolean().check(z.describe('Allows an http address, for development. Default: false.')),
	),
	timeoutMs,
	concurrency,
	readsPerSecond,
});

const guid = (what: string, description: string) =>
	matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, `is not the id of ${what}`, description);

export const azureKeyVault = z.strictObject({
	kind: z.literal('azure-keyvault'),
	vaultUrl: matching(
		/^https:\/\/[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9](\.[A-Za-z0-9-]+){2,}\/?$/,
		'is not https://NAME.vault.azure.net or that of another cloud',
		'URL of the vault.',
	),
	tenantId: z.optional(guid('a tenant', 'The tenant to sign in to; for credentials cli optional.')),
	clientId: z.optional(
		guid(
			'a client',
			'For credentials workload-identity and client-secret: the application or managed identity.',
		),
	),
	credentials: z.optional(
		z
			.enum(AZURE_CREDENTIALS)
			.check(
				z.describe(
					'How JASM signs in, with no fallback to another. Default: workload-identity. ' +
						'client-secret and cli are for development.',
				),
			),
	),
	tokenFile: z.optional(
		filePath(
			'For credentials workload-identity. Default: AZURE_FEDERATED_TOKEN_FILE of the environment, else ' +
				'/var/run/secrets/azure/tokens/azure-identity-token.',
		),
	),
	audience: z.optional(
		matching(
			/^[\x21-\x7e]{1,256}$/,
			'is not an audience',
			'For credentials workload-identity: the one audience of the token. Default: api://AzureADTokenExchange.',
		),
	),
	authorityHost: z.optional(
		text(secureAddressFault, 'Where tokens are issued. Default: that of the cloud of vaultUrl.'),
	),
	caFile,
	endpoint: z.optional(
		text(
			secureAddressFault,
			'https URL of an emulator of Key Vault, for development; never a link-local address.',
		),
	),
	timeoutMs,
	concurrency,
	readsPerSecond,
});

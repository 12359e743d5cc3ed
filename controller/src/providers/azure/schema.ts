// The schema of kind azure-keyvault: the only source of its fields, types and defaults.
import * as z from 'zod/mini';
import {
	audience,
	COMMON_FIELDS,
	credentials,
	filePath,
	fromEnvironment,
	matching,
	NETWORK_FIELDS,
	optional,
	rule,
	secureAddressFault,
	text,
} from '../shared/schema-fields.ts';
import { authorityOf } from './clouds.ts';

/** Where the webhook of Azure Workload Identity projects the token, and the installation as well. */
export const TOKEN_FILE = '/var/run/secrets/azure/tokens/azure-identity-token';

const guid = (what: string, description: string) =>
	matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, `is not the id of ${what}`, description);

const fields = {
	kind: z.literal('azure-keyvault'),
	vaultUrl: matching(
		/^https:\/\/[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9](\.[A-Za-z0-9-]+){2,}\/?$/,
		'is not https://NAME.vault.azure.net or that of another cloud',
		'URL of the vault: `https://NAME.vault.azure.net`, or that of another cloud.',
	),
	...NETWORK_FIELDS,
	endpoint: z.optional(
		text(
			secureAddressFault,
			'https URL of an emulator of Key Vault, for development. Link-local addresses are refused.',
		),
	),
	...COMMON_FIELDS,
};

const tenantId = guid('a tenant', 'The tenant to sign in to.');

const application = {
	tenantId,
	clientId: guid('a client', 'The application or managed identity to sign in as.'),
	authorityHost: optional(
		'that of the cloud of `vaultUrl`',
		text(secureAddressFault, 'https URL where tokens are issued.'),
	),
};

/** Of a vault in an unknown cloud, only the operator knows where tokens are issued. */
const knownAuthority = rule<{ vaultUrl: string; authorityHost?: string | undefined }>(
	['vaultUrl', 'authorityHost'],
	({ vaultUrl, authorityHost }) =>
		authorityHost === undefined && authorityOf(vaultUrl) === undefined
			? ['authorityHost', 'is required: vaultUrl belongs to no cloud that is known']
			: undefined,
);

/** One form per way to sign in. There is never a fallback from one to another. */
export const azureKeyVaultSchema = z.discriminatedUnion('credentials', [
	z
		.strictObject({
			...fields,
			credentials: z._default(
				credentials('workload-identity', 'The federated credential of an application or managed identity.'),
				'workload-identity',
			),
			...application,
			tokenFile: fromEnvironment(
				z._default(filePath('File with the ServiceAccount token.'), TOKEN_FILE),
				'AZURE_FEDERATED_TOKEN_FILE',
			),
			audience: audience('api://AzureADTokenExchange'),
		})
		.check(knownAuthority),
	z
		.strictObject({
			...fields,
			credentials: credentials('client-secret', 'The secret in `AZURE_CLIENT_SECRET`, for development.'),
			...application,
		})
		.check(knownAuthority),
	z.strictObject({
		...fields,
		credentials: credentials('cli', 'The account that ran `az login`, for development.'),
		tenantId: optional('that of `az login`', tenantId),
	}),
]);

export type AzureKeyVaultConfig = z.output<typeof azureKeyVaultSchema>;

// The schema of kind vault: the only source of its fields, types and defaults.
import * as z from 'zod/mini';
import {
	audience,
	COMMON_FIELDS,
	credentials,
	endpointFault,
	filePath,
	flag,
	listOf,
	matching,
	NETWORK_FIELDS,
	optional,
	rule,
	text,
} from '../shared/schema-fields.ts';

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

const fields = {
	kind: z.literal('vault'),
	address: text(endpointFault, 'URL of Vault or OpenBao. It must be https unless `allowInsecure` is set.'),
	mount: z._default(
		mount('Where the KV secrets engine is mounted. Paths of annotations are relative to it.'),
		'secret',
	),
	kvVersion: z._default(z.literal([1, 2]).check(z.describe('Version of the KV secrets engine: 1 or 2.')), 2),
	namespace: z._default(segments('Namespace of the secrets engine. `root` is the root namespace.'), 'root'),
	...NETWORK_FIELDS,
	redirectHosts: optional(
		'none',
		listOf(
			matching(
				/^[A-Za-z0-9.-]+(:\d{1,5})?$/,
				'is not HOST or HOST:PORT',
				'HOST or HOST:PORT. Without a port, the port of the scheme is meant.',
			),
			'Further hosts that Vault may redirect to.',
		),
	),
	allowInsecure: z._default(flag('Allows an http address, for development.'), false),
	...COMMON_FIELDS,
};

const signIn = (authMount: string) => ({
	authMount: z._default(segments('Where the auth method is mounted.'), authMount),
	authNamespace: optional('`namespace`', segments('Namespace of the auth method.')),
});

const identity = {
	role: matching(/^[\w.-]{1,256}$/, 'is not the name of a role', 'The role to sign in to.'),
	// Where the installation projects the token.
	tokenFile: z._default(filePath('File with the ServiceAccount token.'), '/var/run/secrets/vault/token'),
	audience: audience('vault'),
};

/** Plain http shows the token and the secrets to the network. */
const secureAddress = rule<{ address: string; allowInsecure: boolean }>(
	['address', 'allowInsecure'],
	({ address, allowInsecure }) =>
		/^http:/i.test(address) && !allowInsecure
			? ['address', 'must be https (allowInsecure allows http, for development)']
			: undefined,
);

/** One form per way to sign in. There is never a fallback from one to another. */
export const vaultSchema = z.discriminatedUnion('credentials', [
	z
		.strictObject({
			...fields,
			credentials: z._default(
				credentials('kubernetes', "JASM's ServiceAccount. Vault asks the API server about the token."),
				'kubernetes',
			),
			...signIn('kubernetes'),
			...identity,
		})
		.check(secureAddress),
	z
		.strictObject({
			...fields,
			credentials: credentials('jwt', "JASM's ServiceAccount. Vault checks the token by the issuer's keys."),
			...signIn('jwt'),
			...identity,
		})
		.check(secureAddress),
	z
		.strictObject({
			...fields,
			credentials: credentials('approle', 'A role id and the secret id of a file, for development.'),
			...signIn('approle'),
			roleId: matching(/^[\x21-\x7e]{1,256}$/, 'is not a role id', 'The role id.'),
			secretIdFile: filePath('File with the secret id.'),
		})
		.check(secureAddress),
	z
		.strictObject({
			...fields,
			credentials: credentials('token', 'The Vault token of a file, for development.'),
			tokenFile: filePath('File with the token of Vault.'),
		})
		.check(secureAddress),
]);

export type VaultConfig = z.output<typeof vaultSchema>;

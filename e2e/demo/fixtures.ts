// The demo's fixtures: the secrets in the stores, the rules, the pods, and what each pod gets.
import { makeServerCertificate } from '@jasm/controller/testing';

/** The operator's rules: the whole right to read anything. */
export const POLICY = [
	{
		namespaces: ['shop', 'billing'],
		provider: 'aws-secretsmanager',
		paths: ['/prod/shared/**', '/prod/{namespace}/**'],
	},
	{ namespaces: ['shop'], provider: 'vault', paths: ['prod/{namespace}/*'] },
	{ namespaces: ['shop'], provider: 'azure-keyvault', paths: ['shop-*'] },
] as const;

export const STORES = ['AWS', 'Vault', 'Key Vault'] as const;

export type Store = (typeof STORES)[number];

export type Seed = {
	readonly store: Store;
	readonly path: string;
	readonly value: string | object;
	readonly certificate?: boolean;
};

/** A certificate and its key for this run only: JASM writes none that does not match its key. */
const site = makeServerCertificate(new Date());

/** Obviously fake. */
export const SECRETS: readonly Seed[] = [
	{
		store: 'AWS',
		path: '/prod/shared/database',
		value: { DB_HOST: 'db.example', DB_PORT: 5432, DB_USER: 'app', DB_PASSWORD: 'demo-not-a-secret' },
	},
	{ store: 'AWS', path: '/prod/shop/license', value: 'DEMO-PLAIN-TEXT-LICENSE' },
	{ store: 'AWS', path: '/prod/shop/replicas', value: { TOKEN: 'demo-token-of-a-hundred-pods' } },
	{ store: 'AWS', path: '/prod/shop/backend', value: { DB_PASSWORD: 'demo-first' } },
	{ store: 'AWS', path: '/prod/billing/api', value: { API_KEY: 'demo-not-a-key' } },
	{ store: 'Vault', path: 'prod/shop/payments', value: { MERCHANT: 'demo', PIN: 'demo-not-a-pin' } },
	{ store: 'Vault', path: 'prod/shop/smtp', value: { user: 'demo', password: 'demo-not-a-password' } },
	{ store: 'Key Vault', path: 'shop-search', value: { SEARCH_KEY: 'demo-not-a-key' } },
	{
		store: 'Key Vault',
		path: 'shop-site',
		value: site.key + site.cert,
		certificate: true,
	},
];

/** A secret that is created while its pod is already waiting. */
export const LATE = { store: 'AWS', path: '/prod/shop/late', value: { ARRIVED: 'demo-later' } } as const;

/** A Deployment whose pods read the secret from their environment, so that a change needs a restart. */
export const RESTARTED = {
	title: 'a restart for a changed secret',
	namespace: 'shop',
	name: 'backend',
	count: 3,
	secretName: 'backend',
	key: 'DB_PASSWORD',
	fresh: { store: 'AWS', path: '/prod/shop/backend', value: { DB_PASSWORD: 'demo-second' } },
	annotation:
		'provider: aws-secretsmanager\npath: /prod/shop/backend\nsecretName: backend\nonChange: restart\n',
} as const;

/** A secret that is rotated before the second of two pods asks for it. */
export const ROTATED = {
	title: 'a rotated secret, a pod behind the start gate',
	namespace: 'shop',
	before: 'hasty',
	after: 'patient',
	secretName: 'session',
	key: 'SESSION_KEY',
	old: { store: 'AWS', path: '/prod/shop/session', value: { SESSION_KEY: 'demo-before-the-rotation' } },
	fresh: { store: 'AWS', path: '/prod/shop/session', value: { SESSION_KEY: 'demo-after-the-rotation' } },
	annotation: 'provider: aws-secretsmanager\npath: /prod/shop/session\nsecretName: session\n',
} as const;

export type Expected = {
	readonly title: string;
	readonly namespace: string;
	readonly pod: string;
	readonly annotation: string;
	/** The store of all its secrets that name no other; absent where no store is asked. */
	readonly store?: Store;
	/** Secret -> its keys; nothing but these may be written for the pod. */
	readonly secrets?: Readonly<Record<string, readonly string[]>>;
	/** The Secret that the containers read where JASM writes none. */
	readonly reads?: string;
	/** Secret -> its store. */
	readonly stores?: Readonly<Record<string, Store>>;
	/** Reason of the Event that a person sees on the pod. */
	readonly reason: string;
};

const from =
	(provider: string) =>
	(path: string, secretName: string, more = '') =>
		`provider: ${provider}\npath: ${path}\nsecretName: ${secretName}\n${more}`;
const sync = from('aws-secretsmanager');
const fromVault = from('vault');
const fromKeyVault = from('azure-keyvault');

export const WELL: readonly Expected[] = [
	{
		title: 'all keys of a JSON secret',
		namespace: 'shop',
		pod: 'web',
		store: 'AWS',
		annotation: sync('/prod/shared/database', 'db-credentials'),
		secrets: { 'db-credentials': ['DB_HOST', 'DB_PASSWORD', 'DB_PORT', 'DB_USER'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'one key, under another name',
		namespace: 'shop',
		pod: 'api',
		store: 'AWS',
		annotation: sync('/prod/shared/database', 'db-password', 'keys: {password: DB_PASSWORD}\n'),
		secrets: { 'db-password': ['password'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'plain text under a key',
		namespace: 'shop',
		pod: 'licensed',
		store: 'AWS',
		annotation: sync('/prod/shop/license', 'license', 'key: license.txt\n'),
		secrets: { license: ['license.txt'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'a path of KV version 2',
		namespace: 'shop',
		pod: 'payments',
		store: 'Vault',
		annotation: fromVault('prod/shop/payments', 'payments'),
		secrets: { payments: ['MERCHANT', 'PIN'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'a JSON secret',
		namespace: 'shop',
		pod: 'search',
		store: 'Key Vault',
		annotation: fromKeyVault('shop-search', 'search'),
		secrets: { search: ['SEARCH_KEY'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'a certificate with its key',
		namespace: 'shop',
		pod: 'site',
		store: 'Key Vault',
		annotation: fromKeyVault('shop-site', 'site-tls', 'type: kubernetes.io/tls\n'),
		secrets: { 'site-tls': ['tls.crt', 'tls.key'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'three stores in one pod',
		namespace: 'shop',
		pod: 'checkout',
		annotation: `- {provider: aws-secretsmanager, path: /prod/shop/license, secretName: checkout-license, key: license}
- {provider: vault, path: prod/shop/smtp, secretName: checkout-smtp, keys: {SMTP_PASSWORD: password}}
- {provider: azure-keyvault, path: shop-search, secretName: checkout-search}`,
		secrets: {
			'checkout-license': ['license'],
			'checkout-smtp': ['SMTP_PASSWORD'],
			'checkout-search': ['SEARCH_KEY'],
		},
		stores: { 'checkout-license': 'AWS', 'checkout-smtp': 'Vault', 'checkout-search': 'Key Vault' },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'two secrets, another namespace',
		namespace: 'billing',
		pod: 'invoices',
		store: 'AWS',
		annotation: `- {provider: aws-secretsmanager, path: /prod/shared/database, secretName: db-credentials}
- {provider: aws-secretsmanager, path: /prod/billing/api, secretName: api}`,
		secrets: { 'db-credentials': ['DB_HOST', 'DB_PASSWORD', 'DB_PORT', 'DB_USER'], api: ['API_KEY'] },
		reason: 'SecretSyncSuccess',
	},
];

export const REPLICAS = {
	title: 'a Deployment of 100 replicas',
	namespace: 'shop',
	name: 'replicas',
	count: 100,
	path: '/prod/shop/replicas',
	annotation: sync('/prod/shop/replicas', 'replicas'),
	secretName: 'replicas',
} as const;

export const BROKEN: readonly Expected[] = [
	{
		title: 'a misspelt field',
		namespace: 'shop',
		pod: 'misspelt',
		reads: 'x',
		annotation: 'provider: aws-secretsmanager\npath: /prod/shop/x\nsecretname: x\n',
		reason: 'AnnotationInvalid',
	},
	{
		title: "another namespace's path",
		namespace: 'shop',
		pod: 'nosy',
		reads: 'stolen',
		annotation: sync('/prod/billing/api', 'stolen'),
		reason: 'PolicyDenied',
	},
	{
		title: "another namespace's path in Vault",
		namespace: 'shop',
		pod: 'curious',
		reads: 'filched',
		annotation: fromVault('prod/billing/api', 'filched'),
		reason: 'PolicyDenied',
	},
	{
		title: 'a secret that JASM does not own',
		namespace: 'shop',
		pod: 'greedy',
		reads: 'hands-off',
		store: 'AWS',
		annotation: sync('/prod/shared/database', 'hands-off'),
		reason: 'SecretNotOwned',
	},
	{
		title: 'a secret that is not there yet',
		namespace: 'shop',
		pod: 'early',
		reads: 'late',
		store: 'AWS',
		annotation: sync(LATE.path, 'late'),
		reason: 'SecretFetchFailed',
	},
];

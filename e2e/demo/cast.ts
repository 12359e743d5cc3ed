// Who appears in the demo: the secrets at the provider, the rules, the pods, and what each is to get.

/** The operator's rules: the whole right to read anything. */
export const POLICY = `policy:
  - {namespaces: [shop, billing], provider: aws-secretsmanager, paths: ["/prod/shared/**", "/prod/{namespace}/**"]}
`;

/** Obviously fake. */
export const SECRETS: Readonly<Record<string, string | object>> = {
	'/prod/shared/database': {
		DB_HOST: 'db.example',
		DB_PORT: 5432,
		DB_USER: 'app',
		DB_PASSWORD: 'demo-not-a-secret',
	},
	'/prod/shop/license': 'DEMO-PLAIN-TEXT-LICENSE',
	'/prod/shop/replicas': { TOKEN: 'demo-token-of-a-hundred-pods' },
	'/prod/billing/api': { API_KEY: 'demo-not-a-key' },
};

/** A secret that is created while its pod is already waiting. */
export const LATE = { path: '/prod/shop/late', value: { ARRIVED: 'demo-later' } } as const;

export type Expected = {
	readonly title: string;
	readonly namespace: string;
	readonly pod: string;
	readonly annotation: string;
	/** Secret -> its keys; nothing but these may be written for the pod. */
	readonly secrets?: Readonly<Record<string, readonly string[]>>;
	/** Reason of the Event that a person sees on the pod. */
	readonly reason: string;
};

const sync = (path: string, secretName: string, more = '') =>
	`provider: aws-secretsmanager\npath: ${path}\nsecretName: ${secretName}\n${more}`;

export const WELL: readonly Expected[] = [
	{
		title: 'all keys of a JSON secret',
		namespace: 'shop',
		pod: 'web',
		annotation: sync('/prod/shared/database', 'db-credentials'),
		secrets: { 'db-credentials': ['DB_HOST', 'DB_PASSWORD', 'DB_PORT', 'DB_USER'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'one key, under another name',
		namespace: 'shop',
		pod: 'api',
		annotation: sync('/prod/shared/database', 'db-password', 'keys: {password: DB_PASSWORD}\n'),
		secrets: { 'db-password': ['password'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'plain text under a key',
		namespace: 'shop',
		pod: 'licensed',
		annotation: sync('/prod/shop/license', 'license', 'key: license.txt\n'),
		secrets: { license: ['license.txt'] },
		reason: 'SecretSyncSuccess',
	},
	{
		title: 'two secrets, another namespace',
		namespace: 'billing',
		pod: 'invoices',
		annotation: `- {provider: aws-secretsmanager, path: /prod/shared/database, secretName: db-credentials}
- {provider: aws-secretsmanager, path: /prod/billing/api, secretName: api}`,
		secrets: { 'db-credentials': ['DB_HOST', 'DB_PASSWORD', 'DB_PORT', 'DB_USER'], api: ['API_KEY'] },
		reason: 'SecretSyncSuccess',
	},
];

export const REPLICAS = {
	title: '100 replicas of one workload',
	namespace: 'shop',
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
		annotation: 'provider: aws-secretsmanager\npath: /prod/shop/x\nsecretname: x\n',
		reason: 'AnnotationInvalid',
	},
	{
		title: "another namespace's path",
		namespace: 'shop',
		pod: 'nosy',
		annotation: sync('/prod/billing/api', 'stolen'),
		reason: 'PolicyDenied',
	},
	{
		title: 'a secret that JASM does not own',
		namespace: 'shop',
		pod: 'greedy',
		annotation: sync('/prod/shared/database', 'hands-off'),
		reason: 'SecretNotOwned',
	},
	{
		title: 'a secret that is not there yet',
		namespace: 'shop',
		pod: 'early',
		annotation: sync(LATE.path, 'late'),
		reason: 'SecretFetchFailed',
	},
];

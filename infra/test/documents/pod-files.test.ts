// What Vault and Key Vault bring into the pod: tokens where the controller looks for them, authorities, egress.
import { ENVIRONMENT } from '@jasm/controller/installation';
import test from 'ava';
import { loadAll } from 'js-yaml';
import { render, VARIANTS } from '../../render/render.ts';
import type { ProviderConfig } from '../../src/documents/controller-config.ts';
import { podFiles } from '../../src/documents/pod-files.ts';
import { requirementsOf } from '../../src/documents/requirements.ts';
import { declareJasm } from '../../src/stack.ts';
import { declare } from '../helpers/declare.ts';
import { AZURE, FACTS, STORES, stackConfig, VAULT } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;
const AZURE_FILE = '/var/run/secrets/azure/tokens/azure-identity-token';
const needsOf = (...providers: ProviderConfig[]) =>
	requirementsOf({
		providers: Object.fromEntries(providers.map((each, index) => [`p${index}`, each])),
		policy: [],
	});
const filesOf = (...providers: ProviderConfig[]) => podFiles(needsOf(...providers));

/** File -> audience, as the kubelet would write them. */
function tokens({ volumes, mounts }: Pick<ReturnType<typeof podFiles>, 'volumes' | 'mounts'>) {
	return Object.fromEntries(
		mounts.flatMap(({ name, mountPath }) => {
			const volume = volumes.find(each => each.name === name) as Manifest;
			return (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken: token }: Manifest) =>
				token === undefined ? [] : [[`${mountPath}/${token.path}`, token.audience]],
			);
		}),
	);
}

test('each store finds a token of its own audience where the controller looks for it', t => {
	const files = filesOf(VAULT, AZURE);
	t.deepEqual(tokens(files), {
		'/var/run/secrets/vault/token': 'vault',
		[AZURE_FILE]: 'api://AzureADTokenExchange',
	});
	const { env } = needsOf(VAULT, AZURE);
	t.is(env['AZURE_FEDERATED_TOKEN_FILE'], AZURE_FILE);
	t.true('AZURE_FEDERATED_TOKEN_FILE' in ENVIRONMENT);
	t.deepEqual(files.faults, []);
});

test('paths and audiences of the configuration replace the defaults, and one directory is one mount', t => {
	const files = filesOf(
		{ ...VAULT, tokenFile: '/tokens/eu', audience: 'vault-eu' },
		{ ...VAULT, tokenFile: '/tokens/us', audience: 'vault-us', credentials: 'jwt' },
		{ ...AZURE, tokenFile: '/tokens/azure', audience: 'api://AzureADTokenExchangeUSGov' },
	);
	t.deepEqual(tokens(files), {
		'/tokens/azure': 'api://AzureADTokenExchangeUSGov',
		'/tokens/eu': 'vault-eu',
		'/tokens/us': 'vault-us',
	});
	t.deepEqual(
		files.mounts.map(({ mountPath }) => mountPath),
		['/etc/jasm', '/tokens'],
	);
});

test('several providers share a token of one audience', t => {
	t.deepEqual(tokens(filesOf(VAULT, { ...VAULT, namespace: 'admin' })), {
		'/var/run/secrets/vault/token': 'vault',
	});
});

test('a provider that signs in by other means gets no token', t => {
	const { role: _, ...vault } = VAULT;
	const providers: ProviderConfig[] = [
		{ kind: 'aws-secretsmanager' },
		{ ...vault, credentials: 'approle', roleId: 'r', secretIdFile: '/secrets/id' },
		{ ...vault, credentials: 'token', tokenFile: '/secrets/token' },
		{ ...AZURE, credentials: 'client-secret' },
	];
	t.deepEqual(
		needsOf(...providers).otherFiles.map(({ file }) => file),
		['/secrets/id', '/secrets/token'],
	);
	t.deepEqual(filesOf(...providers), {
		volumes: [{ name: 'config', configMap: { name: 'jasm' } }],
		mounts: [{ name: 'config', mountPath: '/etc/jasm', readOnly: true }],
		faults: [],
	});
});

test('authorities lie beside the config file, from a ConfigMap that may come later', t => {
	const caFile = '/etc/jasm/vault-ca.pem';
	const inImage = { ...AZURE, caFile: '/etc/ssl/certs/ca-certificates.crt' };
	const [config] = podFiles(needsOf({ ...VAULT, caFile }, inImage), { authorities: 'ours' }).volumes;
	t.deepEqual(config as Manifest, {
		name: 'config',
		projected: {
			sources: [
				{ configMap: { name: 'jasm' } },
				{
					configMap: {
						name: 'ours',
						optional: true,
						items: [{ key: 'vault-ca.pem', path: 'vault-ca.pem' }],
					},
				},
			],
		},
	});
});

for (const [title, providers, fault] of [
	[
		'one file for two audiences',
		[VAULT, { ...VAULT, audience: 'other' }],
		/p1\.tokenFile: .* of another audience/,
	],
	[
		"the API server's token",
		[{ ...VAULT, tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' }],
		/cannot be mounted/,
	],
	[
		'a directory around another',
		[{ ...VAULT, tokenFile: '/var/run/secrets/token' }],
		/cannot be mounted at "\/var\/run\/secrets\/"/,
	],
	['a directory below another', [{ ...VAULT, tokenFile: '/etc/jasm/tokens/vault' }], /cannot be mounted/],
	["the config file's directory", [{ ...VAULT, tokenFile: '/etc/jasm/token' }], /cannot be mounted/],
	['the root', [{ ...VAULT, tokenFile: '/token' }], /cannot be mounted at "\/"/],
	['the config file as authorities', [{ ...VAULT, caFile: '/etc/jasm/config.yaml' }], /is the config file/],
] as [string, ProviderConfig[], RegExp][]) {
	test(`refused before anything is declared: ${title}`, t => {
		const needs = needsOf(...providers);
		t.regex([...needs.faults, ...podFiles(needs).faults].join('\n'), fault);
		const byName = Object.fromEntries(providers.map((each, index) => [`p${index}`, each]));
		t.throws(() => stackConfig({ ...STORES, providers: JSON.stringify(byName), policy: '[]' }), {
			message: fault,
		});
	});
}

test.serial('each configured kind has its sample, from the provider that the rules name', async t => {
	const { resources } = await declare(() => declareJasm(stackConfig(STORES), FACTS));
	const asked = resources
		.filter(({ type, name }) => type.endsWith(':Deployment') && name.startsWith('samples-'))
		.map(({ inputs }: Manifest) => [
			inputs.metadata.name,
			inputs.spec.template.metadata.annotations['jasm.codnod.io/secret-sync'],
		]);
	t.deepEqual(asked.sort(), [
		['sample-azure', 'provider: key-vault\npath: codnod-config\nsecretName: sample-azure\n'],
		['sample-vault', 'provider: vault-us\npath: prod/codnod/config\nsecretName: sample-vault\n'],
	]);
});

test.serial(
	'rendered with all kinds of providers, the Deployment mounts every file that the config file names',
	async t => {
		const { controller, ...common } = VARIANTS['write-only.yaml'] as (typeof VARIANTS)[string];
		const providers = {
			...controller.providers,
			vault: { ...VAULT, caFile: '/etc/jasm/ca.pem' },
			azure: AZURE,
		};
		const all = await render({ ...common, controller: { ...controller, providers } });
		const deployment = (loadAll(all) as Manifest[]).find(({ kind }) => kind === 'Deployment');
		const { containers, volumes } = deployment.spec.template.spec;
		t.deepEqual(tokens({ volumes, mounts: containers[0].volumeMounts }), {
			'/var/run/secrets/eks.amazonaws.com/serviceaccount/token': 'sts.amazonaws.com',
			'/var/run/secrets/vault/token': 'vault',
			[AZURE_FILE]: 'api://AzureADTokenExchange',
		});
		t.is(volumes[0].projected.sources[1].configMap.name, 'jasm-authorities');
	},
);

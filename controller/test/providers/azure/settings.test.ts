// The configuration of Azure Key Vault: clouds, defaults, warnings, and faults that name what to write instead.
import test from 'ava';
import { azureSettings } from '../../../src/providers/azure/settings.ts';
import { checked, faultsOf } from '../../helpers/provider-config.ts';

const GUID = '11111111-2222-4333-8444-555555555555';
const BASE = {
	kind: 'azure-keyvault',
	vaultUrl: 'https://team-secrets.vault.azure.net',
	tenantId: GUID,
	clientId: GUID,
} as const;

for (const [vaultUrl, authority, scope] of [
	['https://team1.vault.azure.net/', 'https://login.microsoftonline.com', 'https://vault.azure.net/.default'],
	['https://team1.vault.azure.cn', 'https://login.chinacloudapi.cn', 'https://vault.azure.cn/.default'],
	[
		'https://team1.vault.usgovcloudapi.net',
		'https://login.microsoftonline.us',
		'https://vault.usgovcloudapi.net/.default',
	],
] as const) {
	test(`the cloud of ${vaultUrl} is asked at its own authority for its own resource`, t => {
		t.deepEqual(faultsOf({ ...BASE, vaultUrl }), []);
		t.like(azureSettings(checked({ ...BASE, vaultUrl })), {
			authority,
			scope,
			url: vaultUrl.replace(/\/$/, ''),
		});
	});
}

test('an unknown cloud needs its authority', t => {
	const vaultUrl = 'https://team1.vault.local.azurestack.external';
	t.deepEqual(faultsOf({ ...BASE, vaultUrl }), [
		'providers.p.authorityHost: is required: vaultUrl belongs to no cloud that is known',
	]);
	const config = { ...BASE, vaultUrl, authorityHost: 'https://login.local/' };
	t.deepEqual(faultsOf(config), []);
	t.like(azureSettings(checked(config)), {
		authority: 'https://login.local',
		scope: 'https://vault.local.azurestack.external/.default',
	});
});

test('the token is that of the config, of the environment, or the projected one, in this order', t => {
	const env = { AZURE_FEDERATED_TOKEN_FILE: '/env' };
	t.like(checked({ ...BASE, tokenFile: '/config' }, env), { tokenFile: '/config' });
	t.like(checked(BASE, env), { tokenFile: '/env' });
	t.like(checked(BASE), { tokenFile: '/var/run/secrets/azure/tokens/azure-identity-token' });
});

test('neither tenant nor client nor authority is taken from the environment', t => {
	const env = { AZURE_TENANT_ID: 'x', AZURE_CLIENT_ID: 'x', AZURE_AUTHORITY_HOST: 'https://x' };
	t.deepEqual(checked(BASE, env), checked(BASE));
});

for (const [what, changes, fault] of [
	['a vault over http', { vaultUrl: 'http://x1.vault.azure.net' }, 'is not https://NAME.vault.azure.net'],
	['a vault with a path', { vaultUrl: 'https://team1.vault.azure.net/secrets' }, 'is not https://NAME'],
	['a vault with a port', { vaultUrl: 'https://team1.vault.azure.net:444' }, 'is not https://NAME'],
	['a name that is no vault', { vaultUrl: 'https://x.vault.azure.net' }, 'is not https://NAME'],
	[
		'a tenant that is no id',
		{ tenantId: 'contoso.com' },
		'providers.p.tenantId: "contoso.com" is not the id of a tenant',
	],
	['a client that is no id', { clientId: 'x' }, 'is not the id of a client'],
	[
		'no client',
		{ clientId: undefined },
		'providers.p.clientId: is required with credentials workload-identity',
	],
	['an authority over http', { authorityHost: 'http://login' }, 'is not an https URL'],
	['a metadata address', { authorityHost: 'https://169.254.169.254' }, 'is a link-local address'],
	['an emulator over http', { endpoint: 'http://127.0.0.1' }, 'is not an https URL'],
	['a client of the CLI', { credentials: 'cli', tenantId: undefined }, 'clientId: has an effect only with'],
	['a field of another kind', { region: 'eu-west-1' }, 'unknown field'],
] as const) {
	test(`${what} is refused at the start`, t => {
		const faults = faultsOf({ ...BASE, ...changes });
		t.is(faults.length, 1, faults.join('; '));
		t.true(faults[0]!.includes(fault), faults[0]);
	});
}

test('a vault address without https is one fault: its cloud cannot be known', t => {
	const faults = faultsOf({ ...BASE, vaultUrl: 'http://team1.vault.azure.net' });
	t.is(faults.length, 1, faults.join('; '));
});

test('the CLI needs neither tenant nor client', t => {
	const { tenantId: _, clientId: __, ...rest } = BASE;
	t.deepEqual(faultsOf({ ...rest, credentials: 'cli' }), []);
});

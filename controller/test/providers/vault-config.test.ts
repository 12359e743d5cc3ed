// The configuration of Vault: defaults, warnings once, and faults that name what to write instead.
import test from 'ava';
import { loadConfig } from '../../src/config.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { type VaultConfig, vaultSettings } from '../../src/providers/vault-config.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const BASE = { kind: 'vault', address: 'https://vault.example:8200', role: 'jasm' } as const;

function faultsOf(provider: object): string[] {
	const file = JSON.stringify({ providers: { v: provider } });
	try {
		loadConfig({ argv: ['--config=x'], env: {}, readFile: path => (path === 'x' ? file : '') });
		return [];
	} catch (error) {
		return Object.values((error as { details: Record<string, string> }).details);
	}
}

test('a KV version 2 at secret, signed in to by kubernetes, is what nobody has to write', t => {
	t.deepEqual(faultsOf(BASE), []);
	t.like(vaultSettings({ ...BASE, address: 'https://vault.example:8200/' }), {
		address: 'https://vault.example:8200',
		mount: 'secret',
		kvVersion: 2,
		namespace: '',
		authNamespace: '',
		credentials: 'kubernetes',
		authMount: 'kubernetes',
		tokenFile: '/var/run/secrets/vault/token',
		audience: 'vault',
		redirectHosts: [],
		timeoutMs: 5_000,
	});
});

test('the auth method is looked for under its name and in the namespace of the secrets, unless told otherwise', t => {
	t.like(vaultSettings({ ...BASE, credentials: 'jwt', namespace: 'team' }), {
		authMount: 'jwt',
		namespace: 'team',
		authNamespace: 'team',
	});
	t.like(vaultSettings({ ...BASE, authMount: 'eu', namespace: 'team', authNamespace: 'root' }), {
		authMount: 'eu',
		authNamespace: '',
	});
});

for (const [what, changes, fault] of [
	['http without leave', { address: 'http://vault:8200' }, 'providers.v.address: must be https'],
	['a metadata address', { address: 'https://169.254.169.254' }, 'is a link-local address'],
	['credentials in the address', { address: 'https://u:p@vault' }, 'must not carry credentials'],
	['no role', { role: undefined }, 'providers.v.role: is required with credentials kubernetes'],
	['a mount of the system', { mount: 'sys' }, 'providers.v.mount: "sys" is not the path of a mount'],
	['a mount below the system', { mount: 'auth/x' }, 'is not the path of a mount'],
	['a mount that climbs', { mount: 'a/../sys' }, 'is not the path of a mount'],
	['a mount with a slash at its end', { mount: 'secret/' }, 'is not the path of a mount'],
	['a third KV version', { kvVersion: 3 }, 'providers.v.kvVersion: "3" is not allowed'],
	['a namespace with a slash', { namespace: '/team' }, 'providers.v.namespace'],
	['a redirect to a URL', { redirectHosts: ['https://x'] }, 'is not HOST or HOST:PORT'],
	['a relative file', { caFile: 'ca.pem' }, 'providers.v.caFile: "ca.pem" is not an absolute path'],
	[
		'a field of another method',
		{ roleId: 'x' },
		'providers.v.roleId: has an effect only with credentials approle',
	],
	['an unknown field', { adress: 'x' }, 'unknown field, did you mean "address"?'],
	['skipping verification', { skipVerify: true }, 'unknown field'],
] as const) {
	test(`${what} is refused at the start`, t => {
		const faults = faultsOf({ ...BASE, ...changes });
		t.is(faults.length, 1, faults.join('; '));
		t.true(faults[0]!.includes(fault), faults[0]);
	});
}

test('each way to sign in says what it lacks', t => {
	const { role: _, ...bare } = BASE;
	t.deepEqual(faultsOf({ ...bare, credentials: 'approle' }), [
		'providers.v.roleId: is required with credentials approle',
		'providers.v.secretIdFile: is required with credentials approle',
	]);
	t.deepEqual(faultsOf({ ...bare, credentials: 'token' }), [
		'providers.v.tokenFile: is required with credentials token',
	]);
	t.deepEqual(faultsOf({ ...bare, credentials: 'jwt' }), [
		'providers.v.role: is required with credentials jwt',
	]);
});

test('what is meant for development is told once, when the provider is first used', async t => {
	const warnings: string[] = [];
	const open = async (config: Partial<VaultConfig>) => {
		const registry = createProviders(
			{ v: { ...BASE, ...config } },
			{ env: {}, clock: new VirtualClock(), warn: message => warnings.push(message) },
		);
		await registry.get('v');
		await registry.get('v');
		await registry.close();
	};
	await open({});
	t.deepEqual(warnings, []);
	await open({ credentials: 'token', allowInsecure: true });
	t.deepEqual(warnings, [
		'provider v: credentials token are meant for development',
		'provider v: allowInsecure is set, which is meant for development',
	]);
});

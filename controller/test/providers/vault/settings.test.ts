// The configuration of Vault: defaults, warnings once, and faults that name what to write instead.
import test from 'ava';
import { createProviders } from '../../../src/providers/registry.ts';
import { vaultSettings } from '../../../src/providers/vault/settings.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { checked, faultsOf, type Written } from '../../helpers/provider-config.ts';

const BASE = { kind: 'vault', address: 'https://vault.example:8200', role: 'jasm' } as const;

test('the default is KV version 2 at secret, with sign-in by kubernetes', t => {
	t.like(vaultSettings(checked({ ...BASE, address: 'https://vault.example:8200/' })), {
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

test('the auth method has the name of the credentials and the namespace of the secrets by default', t => {
	t.like(vaultSettings(checked({ ...BASE, credentials: 'jwt', namespace: 'team' })), {
		authMount: 'jwt',
		namespace: 'team',
		authNamespace: 'team',
	});
	const written = { ...BASE, authMount: 'eu', namespace: 'team', authNamespace: 'root' };
	t.like(vaultSettings(checked(written)), { authMount: 'eu', authNamespace: '' });
});

for (const [what, changes, fault] of [
	['http without leave', { address: 'http://vault:8200' }, 'providers.p.address: must be https'],
	['a metadata address', { address: 'https://169.254.169.254' }, 'is a link-local address'],
	['credentials in the address', { address: 'https://u:p@vault' }, 'must not carry credentials'],
	['no role', { role: undefined }, 'providers.p.role: is required with credentials kubernetes'],
	['a mount of the system', { mount: 'sys' }, 'providers.p.mount: "sys" is not the path of a mount'],
	['a mount below the system', { mount: 'auth/x' }, 'is not the path of a mount'],
	['a mount that climbs', { mount: 'a/../sys' }, 'is not the path of a mount'],
	['a mount with a slash at its end', { mount: 'secret/' }, 'is not the path of a mount'],
	['a third KV version', { kvVersion: 3 }, 'providers.p.kvVersion: "3" is not allowed'],
	['a namespace with a slash', { namespace: '/team' }, 'providers.p.namespace'],
	['a redirect to a URL', { redirectHosts: ['https://x'] }, 'is not HOST or HOST:PORT'],
	['a relative file', { caFile: 'ca.pem' }, 'providers.p.caFile: "ca.pem" is not an absolute path'],
	[
		'a field of another method',
		{ roleId: 'x' },
		'providers.p.roleId: has an effect only with credentials approle',
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
		'providers.p.roleId: is required with credentials approle',
		'providers.p.secretIdFile: is required with credentials approle',
	]);
	t.deepEqual(faultsOf({ ...bare, credentials: 'token' }), [
		'providers.p.tokenFile: is required with credentials token',
	]);
	t.deepEqual(faultsOf({ ...bare, credentials: 'jwt' }), [
		'providers.p.role: is required with credentials jwt',
	]);
});

test('settings for development are warned about once, when the provider is first used', async t => {
	const warnings: string[] = [];
	const open = async (config: Written) => {
		const { role: _, ...tokenOnly } = BASE;
		const base = config['credentials'] === 'token' ? tokenOnly : BASE;
		const registry = createProviders(
			{ v: checked({ ...base, ...config }) },
			{ env: {}, clock: new VirtualClock(), warn: message => warnings.push(message) },
		);
		await registry.get('v');
		await registry.get('v');
		await registry.close();
	};
	await open({});
	t.deepEqual(warnings, []);
	await open({ credentials: 'token', tokenFile: '/token', allowInsecure: true });
	t.deepEqual(warnings, [
		'provider v: credentials token are meant for development',
		'provider v: allowInsecure is set, which is meant for development',
	]);
});

// The ways to sign in to Vault beside jwt: kubernetes by review, approle and a token's file for development.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createProviders } from '../../../src/providers/registry.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { changed, checked, type Written } from '../../helpers/provider-config.ts';
import { folder } from '../../helpers/servers/aws.ts';
import { allowKubernetes, serviceAccountToken, startReviewer } from '../../helpers/servers/token-reviewer.ts';
import { openVault, type VaultHarness } from '../../helpers/servers/vault.ts';
import { VAULTS } from '../../helpers/servers/vault-target.ts';
import { refusal } from '../shared/contract.ts';

for (const [target, open] of Object.entries(VAULTS)) {
	test(`${target}: kubernetes: a token is reviewed by the API server and bound to its ServiceAccount`, async t => {
		const { host, ca, reviewed } = await startReviewer(t);
		const harness = await openVault(t, { open });
		const { vault, authMount: jwt, policy, role, put, tokenFile } = harness;
		const authMount = `k8s-${jwt}`;
		await allowKubernetes(vault, { host, ca, authMount, role, policy });
		const changes = { credentials: 'kubernetes', authMount };
		const other = await openOther(t, harness, changes);
		await put('db', '{"a":"1"}');
		writeFileSync(tokenFile, serviceAccountToken('jasm', 'jasm'));
		t.is((await other('db')).payload().toString(), '{"a":"1"}');
		t.deepEqual(reviewed, ['vault']);
		const stranger = await openOther(t, harness, changes);
		writeFileSync(tokenFile, serviceAccountToken('team', 'app'));
		t.is((await refusal(stranger('db'))).code, 'PROVIDER_AUTH');
	});

	test(`${target}: approle: role id and the secret id of a file sign in`, async t => {
		const harness = await openVault(t, { open });
		const { vault, policy, role, put } = harness;
		const authMount = `approle-${role}`;
		await vault.request('POST', `sys/auth/${authMount}`, { type: 'approle' });
		await vault.request('POST', `auth/${authMount}/role/${role}`, { token_policies: [policy] });
		const { data: ids } = await vault.request('GET', `auth/${authMount}/role/${role}/role-id`);
		const { data: secret } = await vault.request('POST', `auth/${authMount}/role/${role}/secret-id`);
		const secretIdFile = join(folder(t), 'secret-id');
		writeFileSync(secretIdFile, `${secret!['secret_id']}\n`);
		await put('db', '{"a":"1"}');
		const changes = { credentials: 'approle', authMount, secretIdFile };
		const read = await openOther(t, harness, { ...changes, roleId: String(ids!['role_id']) });
		t.is((await read('db')).payload().toString(), '{"a":"1"}');
		const wrong = await openOther(t, harness, { ...changes, roleId: 'other' });
		t.is((await refusal(wrong('db'))).code, 'PROVIDER_AUTH');
	});

	test(`${target}: token: the token of the file is used as it is, read again when refused, and never revoked`, async t => {
		const harness = await openVault(t, { open });
		const { vault, policy, put } = harness;
		const create = async () => {
			const { auth } = await vault.request('POST', 'auth/token/create', { policies: [policy] });
			return String(auth!['client_token']);
		};
		const tokenFile = join(folder(t), 'token');
		writeFileSync(tokenFile, await create());
		await put('db', '{}');
		const read = await openOther(t, harness, { credentials: 'token', tokenFile });
		await read('db');
		const reads = vault.calls.filter(
			({ operation, token }) => operation === 'read' && token !== vault.rootToken,
		);
		const first = reads[0]?.token;
		await vault.request('POST', 'auth/token/revoke', { token: first });
		t.is((await refusal(read('db'))).code, 'PROVIDER_DENIED');
		writeFileSync(tokenFile, await create());
		await read('db');
		await read.close();
		t.false(vault.calls.some(({ operation, token }) => operation === 'revoke' && token !== vault.rootToken));
		t.is(vault.count('login'), 0);
	});
}

/** A reader of another configuration on the same ground. */
async function openOther(t: ExecutionContext, { config }: VaultHarness, changes: Written) {
	const vaultConfig = checked(changed(config, changes));
	const registry = createProviders({ vault: vaultConfig }, { env: {}, clock: systemClock, warn: () => {} });
	t.teardown(() => registry.close());
	const provider = await registry.get('vault');
	const read = (path: string) => provider.read({ path }, new AbortController().signal);
	return Object.assign(read, { close: () => registry.close() });
}

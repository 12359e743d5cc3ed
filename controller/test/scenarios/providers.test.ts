// Several stores at once: each pod gets its Secret from the one it names, and a dead store harms no other.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { fileOf, INTERMEDIATE, KEY, LEAF, ROOT } from '../certificates/files.ts';
import { seed, startStores } from '../helpers/environment/stores.ts';
import { annotation } from '../helpers/environment/test-environment.ts';
import { identityToken } from '../helpers/servers/tokens.ts';
import { prepareVault } from '../helpers/servers/vault.ts';
import { startEmbedded } from '../helpers/servers/vault-target.ts';

test('pods of one namespace get their Secrets from three stores side by side', async t => {
	const stores = await startStores(t);
	const { environment } = stores;
	await environment.start({ config: stores.config });
	const team = await environment.namespace('team');
	for (const sync of await seed(stores, 'db')) {
		await environment.pod(team, sync.secretName, annotation(sync));
	}

	for (const [from, provider] of [
		['aws', 'aws-secretsmanager'],
		['vault', 'vault'],
		['azure', 'keyvault'],
	] as const) {
		const secret = await environment.secret(team, `db-${from}`);
		t.deepEqual({ ...secret.data }, { from });
		t.is(secret.labels['jasm.codnod.io/provider'], provider);
		const { note } = await environment.event(team, `db-${from}`, 'SecretSyncSuccess');
		t.true(note.startsWith(`Successfully synchronized secret 'db-${from}' from ${provider} (path: `));
	}
});

test('one pod gets Secrets from three stores in one annotation', async t => {
	const stores = await startStores(t);
	const { environment } = stores;
	await environment.start({ config: stores.config });
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', JSON.stringify(await seed(stores, 'db')));
	for (const from of ['aws', 'vault', 'azure']) {
		t.deepEqual({ ...(await environment.secret(team, `db-${from}`)).data }, { from });
	}
});

test('several providers of one kind are told apart by name', async t => {
	const stores = await startStores(t);
	const { environment } = stores;
	const [eu, us] = [await prepareVault(await startEmbedded()), await prepareVault(await startEmbedded())];
	t.teardown(() => Promise.all([eu.close(), us.close()]));
	const namespaces = [`*-${environment.cluster.id}`];
	const providers = { 'vault-eu': eu.config, 'vault-us': us.config };
	await environment.start({
		config: {
			providers,
			policy: [
				{ namespaces, provider: 'vault-eu', paths: ['prod/db'] },
				{ namespaces, provider: 'vault-us', paths: ['prod/*'] },
			],
		},
	});
	await eu.put('prod/db', '{"at":"eu"}');
	await us.put('prod/db', '{"at":"us"}');
	const team = await environment.namespace('team');
	for (const provider of Object.keys(providers)) {
		await environment.pod(team, provider, annotation({ provider, path: 'prod/db', secretName: provider }));
	}

	t.is((await environment.secret(team, 'vault-eu')).data['at'], 'eu');
	t.is((await environment.secret(team, 'vault-us')).data['at'], 'us');
	await environment.pod(team, 'denied', annotation({ provider: 'vault-eu', path: 'prod/other' }));
	t.regex((await environment.event(team, 'denied', 'PolicyDenied')).note, /no policy rule allows/);
	t.false(eu.vault.calls.some(({ path }) => path.includes('other')));
});

test('a store that is silent for ten minutes takes no time from the others', async t => {
	const stores = await startStores(t, { virtualTime: true });
	const { environment } = stores;
	const controller = await environment.start({ config: stores.config });
	const team = await environment.namespace('team');
	environment.secretsManager.inject('hang');
	// More than may run at once for one provider.
	for (let index = 0; index < 80; index++) {
		await environment.pod(
			team,
			`stuck-${index}`,
			annotation({ path: `/prod/${index}`, secretName: `stuck-${index}` }),
		);
	}

	for (let minute = 0; minute < 10; minute++) {
		const before = environment.clock.monotonic();
		const [, ...others] = await seed(stores, `minute-${minute}`);
		await environment.pod(team, `minute-${minute}`, JSON.stringify(others));
		for (const { secretName } of others) {
			await environment.secret(team, secretName);
		}

		// What passes meanwhile are the small steps in which a stage waits; a read that hangs takes ten seconds.
		t.true(environment.clock.monotonic() - before < 5_000);
		await environment.clock.advance(60_000);
	}

	t.is(await controller.metric('jasm_provider_reads_total', { provider: 'vault', outcome: 'Success' }), 10);
	t.is(
		await controller.metric('jasm_provider_reads_total', { provider: 'keyvault', outcome: 'Success' }),
		10,
	);
	t.true(environment.secretsManager.count('GetSecretValue') >= 32, 'as many as may hang at once did');
	t.is(environment.world.secret(team, 'stuck-0'), undefined);
	t.true(environment.events(team).some(({ note }) => note.includes('(PROVIDER_UNAVAILABLE)')));
});

test('a projected token of the cluster signs in to Vault by kubernetes, as long as the cluster vouches for it', async t => {
	const stores = await startStores(t, { embedded: true });
	const { environment, vault } = stores;
	const { request, embedded } = vault.vault;
	await request('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
	await request('POST', 'auth/kubernetes/config', {
		kubernetes_host: environment.api.url,
		kubernetes_ca_cert: environment.api.ca,
		token_reviewer_jwt: environment.api.adminToken,
	});
	await request('POST', 'auth/kubernetes/role/jasm', {
		bound_service_account_names: 'jasm',
		bound_service_account_namespaces: 'jasm',
		audience: 'vault',
		token_policies: [vault.policy],
	});
	writeFileSync(vault.tokenFile, environment.api.createToken('jasm', 'jasm', { audiences: ['vault'] }));
	const { address, mount, tokenFile } = vault.config;
	const kubernetes = { kind: 'vault', address, allowInsecure: true, mount, tokenFile, role: 'jasm' };
	await environment.start({
		config: { ...stores.config, providers: { vault: kubernetes }, policy: stores.config.policy.slice(1, 2) },
	});
	await vault.put('prod/db', '{"a":"1"}');
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ provider: 'vault', path: 'prod/db' }));
	t.is((await environment.secret(team, 'db')).data['a'], '1');
	writeFileSync(vault.tokenFile, identityToken('vault'));
	embedded!.expireTokens();
	await environment.pod(team, 'late', annotation({ provider: 'vault', path: 'prod/db', secretName: 'late' }));
	t.regex((await environment.event(team, 'late', 'SecretFetchFailed')).note, /\(PROVIDER_AUTH\)/);
});

test('a leased secret is refused under a reason of its own, and read once', async t => {
	const stores = await startStores(t);
	const { environment, vault } = stores;
	await vault.vault.request('POST', 'sys/mounts/database', { type: 'database' });
	await vault.allow('path "database/*" { capabilities = ["read"] }');
	await environment.start({
		config: {
			providers: { vault: { ...vault.config, mount: 'database', kvVersion: 1 } },
			policy: [{ namespaces: [`*-${environment.cluster.id}`], provider: 'vault', paths: ['creds/*'] }],
		},
	});
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ provider: 'vault', path: 'creds/app' }));
	const { note, type } = await environment.event(team, 'web', 'DynamicSecretUnsupported');
	t.is(type, 'Warning');
	t.regex(note, /what the path leads to is leased.*\(DYNAMIC_SECRET_UNSUPPORTED\)/);
	t.is(environment.world.secret(team, 'db'), undefined);
	t.deepEqual(vault.vault.embedded!.leases, []);
	t.is(vault.vault.count('read', 'database/creds/app'), 1);
});

test('a certificate of Key Vault becomes a Secret of type kubernetes.io/tls in both of its forms, or none', async t => {
	const stores = await startStores(t);
	const { environment, keyVault } = stores;
	await environment.start({ config: stores.config });
	const pem = { contentType: 'application/x-pem-file', certificate: true };
	const pfx = { contentType: 'application/x-pkcs12', certificate: true };
	keyVault.server.put('prod-pem', KEY + ROOT + INTERMEDIATE + LEAF, pem);
	keyVault.server.put('prod-pfx', fileOf('rc2-40-and-3des.p12').toString('base64'), pfx);
	keyVault.server.put('prod-other', fileOf('password.p12').toString('base64'), pfx);
	const team = await environment.namespace('team');
	for (const form of ['pem', 'pfx', 'other']) {
		const sync = { provider: 'keyvault', path: `prod-${form}`, secretName: form, type: 'kubernetes.io/tls' };
		await environment.pod(team, form, annotation(sync));
	}

	for (const form of ['pem', 'pfx']) {
		const secret = await environment.secret(team, form);
		t.is(secret.type, 'kubernetes.io/tls');
		t.deepEqual({ ...secret.data }, { 'tls.crt': LEAF + INTERMEDIATE + ROOT, 'tls.key': KEY });
	}

	const { note } = await environment.event(team, 'other', ['SecretSyncFailed']);
	t.regex(note, /PKCS #12 file is protected by a password.*\(SECRET_TYPE_INVALID\)/);
	t.is(environment.world.secret(team, 'other'), undefined);
});

test('a path that could lead elsewhere reaches no store, whatever the policy allows', async t => {
	const stores = await startStores(t);
	const { environment, vault, keyVault } = stores;
	const namespaces = [`*-${environment.cluster.id}`];
	const all = ['vault', 'keyvault'].map(provider => ({ namespaces, provider, paths: ['**'] }));
	await environment.start({ config: { ...stores.config, policy: all } });
	const team = await environment.namespace('team');
	const root = vault.vault.rootToken;
	for (const [index, [provider, path]] of [
		['vault', '../sys/mounts'],
		['vault', 'prod/../db'],
		['keyvault', 'prod-db/versions'],
		['keyvault', 'https://other.vault.azure.net/secrets/x'],
	].entries()) {
		await environment.pod(team, `web-${index}`, annotation({ provider, path, secretName: `s-${index}` }));
		await environment.event(team, `web-${index}`, 'SecretFetchFailed');
	}

	t.deepEqual(
		vault.vault.calls.filter(({ token }) => token !== root),
		[],
	);
	t.is(keyVault.server.count(), 0);
});

// Several stores at once: each pod gets its Secret from the one it names, and a dead one harms nobody else.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { annotation } from '../helpers/stage.ts';
import { seed, startStores } from '../helpers/stores.ts';
import { identityToken } from '../helpers/tokens.ts';
import { prepareVault } from '../helpers/vault.ts';
import { startEmbedded } from '../helpers/vault-target.ts';

test('pods of one namespace get their Secrets from three stores side by side', async t => {
	const stores = await startStores(t);
	const { stage } = stores;
	await stage.start({ config: stores.config });
	const team = await stage.namespace('team');
	for (const sync of await seed(stores, 'db')) {
		await stage.pod(team, sync.secretName, annotation(sync));
	}

	for (const [from, provider] of [
		['aws', 'aws-secretsmanager'],
		['vault', 'vault'],
		['azure', 'keyvault'],
	] as const) {
		const secret = await stage.secret(team, `db-${from}`);
		t.deepEqual({ ...secret.data }, { from });
		t.is(secret.labels['jasm.codnod.io/provider'], provider);
		const { note } = await stage.event(team, `db-${from}`, 'SecretSyncSuccess');
		t.true(note.startsWith(`Successfully synchronized secret 'db-${from}' from ${provider} (path: `));
	}
});

test('one pod gets Secrets from three stores in one annotation', async t => {
	const stores = await startStores(t);
	const { stage } = stores;
	await stage.start({ config: stores.config });
	const team = await stage.namespace('team');
	await stage.pod(team, 'web', JSON.stringify(await seed(stores, 'db')));
	for (const from of ['aws', 'vault', 'azure']) {
		t.deepEqual({ ...(await stage.secret(team, `db-${from}`)).data }, { from });
	}
});

test('several providers of one kind are told apart by name', async t => {
	const stores = await startStores(t);
	const { stage } = stores;
	const [eu, us] = [await prepareVault(await startEmbedded()), await prepareVault(await startEmbedded())];
	t.teardown(() => Promise.all([eu.close(), us.close()]));
	const namespaces = [`*-${stage.cluster.id}`];
	const providers = { 'vault-eu': eu.config, 'vault-us': us.config };
	await stage.start({
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
	const team = await stage.namespace('team');
	for (const provider of Object.keys(providers)) {
		await stage.pod(team, provider, annotation({ provider, path: 'prod/db', secretName: provider }));
	}

	t.is((await stage.secret(team, 'vault-eu')).data['at'], 'eu');
	t.is((await stage.secret(team, 'vault-us')).data['at'], 'us');
	await stage.pod(team, 'denied', annotation({ provider: 'vault-eu', path: 'prod/other' }));
	t.regex((await stage.event(team, 'denied', 'PolicyDenied')).note, /no policy rule allows/);
	t.false(eu.vault.calls.some(({ path }) => path.includes('other')));
});

test('a store that is silent for ten minutes takes no time from the others', async t => {
	const stores = await startStores(t, { virtualTime: true });
	const { stage } = stores;
	const controller = await stage.start({ config: stores.config });
	const team = await stage.namespace('team');
	stage.secretsManager.inject('hang');
	// More than may run at once for one provider.
	for (let index = 0; index < 80; index++) {
		await stage.pod(
			team,
			`stuck-${index}`,
			annotation({ path: `/prod/${index}`, secretName: `stuck-${index}` }),
		);
	}

	for (let minute = 0; minute < 10; minute++) {
		const before = stage.clock.monotonic();
		const [, ...others] = await seed(stores, `minute-${minute}`);
		await stage.pod(team, `minute-${minute}`, JSON.stringify(others));
		for (const { secretName } of others) {
			await stage.secret(team, secretName);
		}

		// What passes meanwhile are the small steps in which a stage waits; a read that hangs takes ten seconds.
		t.true(stage.clock.monotonic() - before < 5_000);
		await stage.clock.advance(60_000);
	}

	t.is(await controller.metric('jasm_provider_reads_total', { provider: 'vault', outcome: 'Success' }), 10);
	t.is(
		await controller.metric('jasm_provider_reads_total', { provider: 'keyvault', outcome: 'Success' }),
		10,
	);
	t.true(stage.secretsManager.count('GetSecretValue') >= 32, 'as many as may hang at once did');
	t.is(stage.world.secret(team, 'stuck-0'), undefined);
	t.true(stage.events(team).some(({ note }) => note.includes('(PROVIDER_UNAVAILABLE)')));
});

test('a projected token of the cluster signs in to Vault by kubernetes, as long as the cluster vouches for it', async t => {
	const stores = await startStores(t, { embedded: true });
	const { stage, vault } = stores;
	const { request, embedded } = vault.vault;
	await request('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
	await request('POST', 'auth/kubernetes/config', {
		kubernetes_host: stage.api.url,
		kubernetes_ca_cert: stage.api.ca,
		token_reviewer_jwt: stage.api.adminToken,
	});
	await request('POST', 'auth/kubernetes/role/jasm', {
		bound_service_account_names: 'jasm',
		bound_service_account_namespaces: 'jasm',
		audience: 'vault',
		token_policies: [vault.policy],
	});
	writeFileSync(vault.tokenFile, stage.api.createToken('jasm', 'jasm', { audiences: ['vault'] }));
	const { address, mount, tokenFile } = vault.config;
	const kubernetes = { kind: 'vault', address, allowInsecure: true, mount, tokenFile, role: 'jasm' };
	await stage.start({
		config: { ...stores.config, providers: { vault: kubernetes }, policy: stores.config.policy.slice(1, 2) },
	});
	await vault.put('prod/db', '{"a":"1"}');
	const team = await stage.namespace('team');
	await stage.pod(team, 'web', annotation({ provider: 'vault', path: 'prod/db' }));
	t.is((await stage.secret(team, 'db')).data['a'], '1');
	writeFileSync(vault.tokenFile, identityToken('vault'));
	embedded!.expireTokens();
	await stage.pod(team, 'late', annotation({ provider: 'vault', path: 'prod/db', secretName: 'late' }));
	t.regex((await stage.event(team, 'late', 'SecretFetchFailed')).note, /\(PROVIDER_AUTH\)/);
});

test('what is leased is refused under a reason of its own, and read once', async t => {
	const stores = await startStores(t);
	const { stage, vault } = stores;
	await vault.vault.request('POST', 'sys/mounts/database', { type: 'database' });
	await vault.allow('path "database/*" { capabilities = ["read"] }');
	await stage.start({
		config: {
			providers: { vault: { ...vault.config, mount: 'database', kvVersion: 1 } },
			policy: [{ namespaces: [`*-${stage.cluster.id}`], provider: 'vault', paths: ['creds/*'] }],
		},
	});
	const team = await stage.namespace('team');
	await stage.pod(team, 'web', annotation({ provider: 'vault', path: 'creds/app' }));
	const { note, type } = await stage.event(team, 'web', 'DynamicSecretUnsupported');
	t.is(type, 'Warning');
	t.regex(note, /what the path leads to is leased.*\(DYNAMIC_SECRET_UNSUPPORTED\)/);
	t.is(stage.world.secret(team, 'db'), undefined);
	t.deepEqual(vault.vault.embedded!.leases, []);
	t.is(vault.vault.count('read', 'database/creds/app'), 1);
});

test('a certificate of Key Vault becomes a Secret of type kubernetes.io/tls', async t => {
	const stores = await startStores(t);
	const { stage, keyVault } = stores;
	await stage.start({ config: stores.config });
	const [certificate, key] = ['CERTIFICATE', 'PRIVATE KEY'].map(
		label => `-----BEGIN ${label}-----\nQUJD\n-----END ${label}-----\n`,
	);
	keyVault.server.put('prod-site', `${key}${certificate}`, {
		contentType: 'application/x-pem-file',
		certificate: true,
	});
	const team = await stage.namespace('team');
	const sync = { provider: 'keyvault', path: 'prod-site', secretName: 'site', type: 'kubernetes.io/tls' };
	await stage.pod(team, 'web', annotation(sync));
	const secret = await stage.secret(team, 'site');
	t.is(secret.type, 'kubernetes.io/tls');
	t.deepEqual({ ...secret.data }, { 'tls.crt': certificate, 'tls.key': key });
});

test('a path that could lead elsewhere reaches no store, whatever the policy allows', async t => {
	const stores = await startStores(t);
	const { stage, vault, keyVault } = stores;
	const namespaces = [`*-${stage.cluster.id}`];
	const all = ['vault', 'keyvault'].map(provider => ({ namespaces, provider, paths: ['**'] }));
	await stage.start({ config: { ...stores.config, policy: all } });
	const team = await stage.namespace('team');
	const root = vault.vault.rootToken;
	for (const [index, [provider, path]] of [
		['vault', '../sys/mounts'],
		['vault', 'prod/%2e%2e/db'],
		['vault', 'prod/db?version=1'],
		['keyvault', 'prod-db/versions'],
		['keyvault', 'https://other.vault.azure.net/secrets/x'],
	].entries()) {
		await stage.pod(team, `web-${index}`, annotation({ provider, path, secretName: `s-${index}` }));
		await stage.event(team, `web-${index}`, 'SecretFetchFailed');
	}

	t.deepEqual(
		vault.vault.calls.filter(({ token }) => token !== root),
		[],
	);
	t.is(keyVault.server.count(), 0);
});

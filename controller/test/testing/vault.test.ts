// The embedded Vault, driven by a client that others wrote; the same is promised of the real server that
// JASM_TEST_VAULT_ADDR names.
import test, { type ExecutionContext } from 'ava';
import createClient from 'node-vault';
import { ISSUER, ISSUER_KEY, identityToken, SUBJECT } from '../helpers/servers/tokens.ts';
import { fresh, mountKv, VAULTS, type VaultTarget } from '../helpers/servers/vault-target.ts';

type Client = ReturnType<typeof createClient>;

const clientOf = ({ url }: { url: string }, token?: string): Client =>
	createClient({ endpoint: url, ...(token !== undefined && { token }) });

/** What a request was refused with. */
async function refused(sent: Promise<unknown>): Promise<{ status: number; errors: string[] }> {
	const { response } = await sent.then(
		() => ({ response: { statusCode: 200, body: { errors: [] } } }),
		(error: createClient.ApiResponseError) => error,
	);
	return { status: response.statusCode, errors: response.body.errors };
}

for (const [target, open] of Object.entries(VAULTS)) {
	const start = async (t: ExecutionContext) => {
		const vault = await open();
		t.teardown(() => vault.close());
		return { vault, root: clientOf(vault, vault.rootToken), id: fresh() };
	};
	const mounted = async (t: ExecutionContext, version: 1 | 2) => {
		const { vault, root, id } = await start(t);
		const mount = `kv-${id}`;
		await mountKv(vault, mount, version);
		return { vault, root, id, mount };
	};

	test(`${target}: version 2 keeps every version until it is deleted or destroyed`, async t => {
		const { root, mount } = await mounted(t, 2);
		t.is((await root.write(`${mount}/data/a/b`, { data: { n: 'one' } })).data.version, 1);
		t.is((await root.write(`${mount}/data/a/b`, { data: { n: 'two' } })).data.version, 2);
		const read = (version?: number) =>
			root.read(`${mount}/data/a/b${version === undefined ? '' : `?version=${version}`}`);
		t.deepEqual((await read()).data.data, { n: 'two' });
		t.like((await read()).data.metadata, { version: 2, destroyed: false, deletion_time: '' });
		t.deepEqual((await read(1)).data.data, { n: 'one' });
		await root.delete(`${mount}/data/a/b`);
		t.is((await refused(read())).status, 404);
		t.deepEqual((await read(1)).data.data, { n: 'one' });
		await root.write(`${mount}/undelete/a/b`, { versions: [2] });
		t.deepEqual((await read()).data.data, { n: 'two' });
		await root.write(`${mount}/destroy/a/b`, { versions: [1] });
		t.is((await refused(read(1))).status, 404);
		t.like((await root.read(`${mount}/metadata/a/b`)).data.versions, { 1: { destroyed: true } });
		await root.delete(`${mount}/metadata/a/b`);
		t.deepEqual(await refused(read()), { status: 404, errors: [] });
	});

	test(`${target}: a 404 of a deleted version has a body that says so, one of a missing path has not`, async t => {
		const { vault, mount } = await mounted(t, 2);
		await vault.request('POST', `${mount}/data/a`, { data: { n: 1 } });
		await vault.request('DELETE', `${mount}/data/a`);
		const get = async (path: string) => {
			const headers = { 'x-vault-token': vault.rootToken };
			const response = await fetch(`${vault.url}/v1/${mount}/${path}`, { headers });
			return { status: response.status, body: JSON.parse(await response.text()) };
		};
		const deleted = await get('data/a');
		t.is(deleted.status, 404);
		t.is(deleted.body.data.data, null);
		t.regex(deleted.body.data.metadata.deletion_time, /^\d{4}-\d\d-\d\dT/);
		t.deepEqual(await get('data/none'), { status: 404, body: { errors: [] } });
		t.deepEqual(await get('data/a?version=9'), { status: 404, body: { errors: [] } });
		const unversioned = await get('a');
		t.is(unversioned.status, 404);
		t.regex(unversioned.body.warnings[0], /^Invalid path for a versioned K\/V secrets engine/);
	});

	test(`${target}: version 1 keeps one value, with its numbers as they were written`, async t => {
		const { vault, root, mount } = await mounted(t, 1);
		await vault.request('POST', `${mount}/a`, '{"n":1.10,"big":12345678901234567890}');
		const headers = { 'x-vault-token': vault.rootToken };
		const body = await (await fetch(`${vault.url}/v1/${mount}/a`, { headers })).text();
		t.regex(body, /"n":1\.10/);
		t.regex(body, /"big":12345678901234567890/);
		t.like(JSON.parse(body), { lease_id: '', renewable: false });
		t.deepEqual((await root.read(`${mount}?list=true`)).data.keys, ['a']);
		await root.delete(`${mount}/a`);
		t.deepEqual(await refused(root.read(`${mount}/a`)), { status: 404, errors: [] });
	});

	test(`${target}: version 2 takes numbers for floats`, async t => {
		const { vault, mount } = await mounted(t, 2);
		await vault.request('POST', `${mount}/data/a`, '{"data":{"n":1.10,"big":12345678901234567890}}');
		const headers = { 'x-vault-token': vault.rootToken };
		const body = await (await fetch(`${vault.url}/v1/${mount}/data/a`, { headers })).text();
		t.regex(body, /"n":1\.1[,}]/);
		t.regex(body, /"big":12345678901234567000/);
	});

	test(`${target}: a path without a mount is no route, and a second mount of one path is refused`, async t => {
		const { root, id, mount } = await mounted(t, 2);
		t.deepEqual(await refused(root.read(`none-${id}/x`)), {
			status: 404,
			errors: [`no handler for route "none-${id}/x". route entry not found.`],
		});
		t.is((await refused(root.mount({ mount_point: mount, type: 'kv' }))).status, 400);
		t.true(`${mount}/` in (await root.mounts()).data);
	});

	test(`${target}: a policy allows what it names, the more specific path decides, and deny wins`, async t => {
		const { root, id, mount } = await mounted(t, 2);
		const policy = `
			# everything of this mount, but
			path "${mount}/data/*" { capabilities = ["read"] }
			path "${mount}/data/team/+/db" { capabilities = ["create", "update"] }
			path "${mount}/data/closed" { capabilities = ["deny"] }
		`;
		await root.addPolicy({ name: `p-${id}`, policy });
		t.is((await root.getPolicy({ name: `p-${id}` })).data.rules, policy);
		for (const path of ['open', 'closed', 'team/a/db', 'team/a/b/db']) {
			await root.write(`${mount}/data/${path}`, { data: { a: '1' } });
		}

		const { auth } = await root.tokenCreate({ policies: [`p-${id}`], ttl: '1h' });
		t.deepEqual(auth.policies, ['default', `p-${id}`]);
		const limited = clientOf(
			root.endpoint === undefined ? { url: '' } : { url: root.endpoint },
			auth.client_token,
		);
		const status = async (sent: Promise<unknown>) => (await refused(sent)).status;
		t.is(await status(limited.read(`${mount}/data/open`)), 200);
		t.is(await status(limited.read(`${mount}/data/team/a/b/db`)), 200);
		t.is(await status(limited.read(`${mount}/data/closed`)), 403);
		t.is(await status(limited.read(`${mount}/data/team/a/db`)), 403);
		t.is(await status(limited.write(`${mount}/data/team/a/db`, { data: {} })), 200);
		t.is(await status(limited.write(`${mount}/data/open`, { data: {} })), 403);
		t.is(await status(limited.read(`${mount}/metadata/open`)), 403);
		t.deepEqual(await refused(limited.read(`${mount}/data/none`.replace('data', 'other'))), {
			status: 403,
			errors: ['1 error occurred:\n\t* permission denied\n\n'],
		});
		t.is(await status(limited.mounts()), 403);
	});

	test(`${target}: a token tells of itself, is renewed, and is nothing after it was revoked`, async t => {
		const { vault, root } = await start(t);
		const { auth } = await root.tokenCreate({ policies: ['default'], ttl: '1h' });
		t.like(auth, { lease_duration: 3_600, renewable: true, token_type: 'service' });
		const client = clientOf(vault, auth.client_token);
		const { data } = await client.tokenLookupSelf();
		t.like(data, { id: auth.client_token, creation_ttl: 3_600, type: 'service' });
		t.is((await client.tokenRenewSelf()).auth.client_token, auth.client_token);
		await client.tokenRevokeSelf();
		t.deepEqual(await refused(client.tokenLookupSelf()), {
			status: 403,
			errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'],
		});
		t.is((await refused(clientOf(vault).tokenLookupSelf())).status, 403);
	});

	test(`${target}: approle signs in with both of its ids`, async t => {
		const { vault, root, id } = await start(t);
		const mount_point = `approle-${id}`;
		await root.enableAuth({ mount_point, type: 'approle' });
		await root.addApproleRole({ mount_point, role_name: 'app', token_policies: 'default', token_ttl: 30 });
		const { role_id } = (await root.getApproleRoleId({ mount_point, role_name: 'app' })).data;
		const { secret_id } = (await root.getApproleRoleSecret({ mount_point, role_name: 'app' })).data;
		const { auth } = await clientOf(vault).approleLogin({ mount_point, role_id, secret_id });
		t.is(auth.lease_duration, 30);
		t.is((await clientOf(vault, auth.client_token).tokenLookupSelf()).data.meta.role_name, 'app');
		for (const ids of [
			{ role_id, secret_id: 'other' },
			{ role_id: 'other', secret_id },
		]) {
			t.deepEqual(await refused(clientOf(vault).approleLogin({ mount_point, ...ids })), {
				status: 400,
				errors: ['invalid role or secret ID'],
			});
		}
	});

	test(`${target}: jwt signs in whom the issuer's key, audience and subject prove, and says why not`, async t => {
		const { vault, root, id } = await start(t);
		const mount_point = `jwt-${id}`;
		await root.enableAuth({ mount_point, type: 'jwt' });
		await root.write(`auth/${mount_point}/config`, {
			jwt_validation_pubkeys: [ISSUER_KEY],
			bound_issuer: ISSUER,
		});
		const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], bound_subject: SUBJECT };
		await root.write(`auth/${mount_point}/role/jasm`, { ...role, token_policies: ['p'], token_ttl: '1h' });
		const login = (jwt: string, name = 'jasm') => clientOf(vault).jwtLogin({ mount_point, role: name, jwt });
		const { auth } = await login(identityToken('vault'));
		t.like(auth, { lease_duration: 3_600, metadata: { role: 'jasm' } });
		t.deepEqual(auth.policies, ['default', 'p']);
		const errors = async (jwt: string, name?: string) => (await refused(login(jwt, name))).errors[0] ?? '';
		const good = identityToken('vault');
		t.regex(await errors(identityToken('other')), /invalid audience \(aud\) claim/);
		t.regex(await errors(identityToken('vault', { sub: 'x' })), /invalid subject \(sub\) claim/);
		t.regex(await errors(identityToken('vault', { iss: 'x' })), /invalid issuer \(iss\) claim/);
		t.regex(await errors(identityToken('vault', { exp: 1_000_000, nbf: 0, iat: 0 })), /token is expired/);
		t.regex(await errors(`${good.slice(0, -8)}AAAAAAAA`), /no known key successfully validated/);
		t.regex(await errors('garbage'), /must have three parts/);
		t.is(await errors(good, 'none'), 'role "none" could not be found');
	});

	test(`${target}: an unknown lease is not found by a lookup, and its revocation succeeds`, async t => {
		const { vault, root } = await start(t);
		const lease_id = 'database/creds/x/y';
		t.deepEqual(await refused(root.write('sys/leases/lookup', { lease_id })), {
			status: 400,
			errors: ['invalid lease'],
		});
		t.is((await refused(root.revoke({ lease_id }))).status, 200);
		t.is((await clientOf(vault).health()).initialized, true);
	});
}

const openEmbedded = async (t: ExecutionContext): Promise<VaultTarget & { root: Client }> => {
	const vault = await VAULTS['vault']!();
	t.teardown(() => vault.close());
	return Object.assign(vault, { root: clientOf(vault, vault.rootToken) });
};

test('credentials that are made for one reader carry a lease, which ends by itself or with its token', async t => {
	const vault = await openEmbedded(t);
	const { root, embedded } = vault;
	await root.mount({ mount_point: 'database', type: 'database' });
	await root.addPolicy({ name: 'p', policy: 'path "database/*" { capabilities = ["read"] }' });
	// A client of its own, which goes on with the token that it created.
	const { auth } = await clientOf(vault, vault.rootToken).tokenCreate({ policies: ['p'] });
	const client = clientOf(vault, auth.client_token);
	const first = await client.read('database/creds/app');
	t.regex(first.lease_id, /^database\/creds\/app\/\w+$/);
	t.true(first.renewable);
	await client.read('database/creds/app');
	t.is(embedded!.leases.length, 2);
	await root.revoke({ lease_id: first.lease_id });
	t.is(embedded!.leases.length, 1);
	await client.tokenRevokeSelf();
	t.deepEqual(embedded!.leases, []);
});

test('a sealed server answers 503 to all but health, and is itself again afterwards', async t => {
	const { root, embedded } = await openEmbedded(t);
	embedded!.put('a', { n: 1 });
	embedded!.seal();
	t.deepEqual(await refused(root.read('secret/data/a')), { status: 503, errors: ['Vault is sealed'] });
	t.true((await root.status()).sealed);
	embedded!.seal(false);
	t.deepEqual((await root.read('secret/data/a')).data.data, { n: 1 });
});

test('every call is logged with what it was, and a fault hits what it is aimed at', async t => {
	const { root, embedded } = await openEmbedded(t);
	embedded!.put('a', { n: 1 });
	embedded!.put('b', { n: 1 });
	const fault = embedded!.inject('permission-denied', { when: ({ path }) => path.endsWith('/a'), times: 1 });
	t.is((await refused(root.read('secret/data/a'))).status, 403);
	t.is((await refused(root.read('secret/data/b'))).status, 200);
	t.is((await refused(root.read('secret/data/a'))).status, 200);
	fault.stop();
	await root.write('secret/data/a', { data: {} });
	await root.read('secret/metadata?list=true');
	await root.delete('secret/data/a');
	t.deepEqual(
		embedded!.calls.map(({ operation, path }) => `${operation} ${path}`),
		[
			'read secret/data/a',
			'read secret/data/b',
			'read secret/data/a',
			'write secret/data/a',
			'list secret/metadata?list=true',
			'delete secret/data/a',
		],
	);
	t.is(embedded!.count('read', 'secret/data/a'), 2);
	t.is(embedded!.calls[0]?.token, 'root');
});

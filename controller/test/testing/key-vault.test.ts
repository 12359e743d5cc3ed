// The embedded Key Vault and its Entra, driven by the vendor's own client.
import { once } from 'node:events';
import { request } from 'node:https';
import { type KeyVaultSecret, SecretClient } from '@azure/keyvault-secrets';
import test, { type ExecutionContext } from 'ava';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../testing/azure/key-vault.ts';
import { ISSUER, identityToken, SUBJECT } from '../helpers/servers/tokens.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly text: string };

/** A request to Entra, as its documentation writes it. */
async function requestToken(
	vault: KeyVault,
	fields: Record<string, string>,
	tenant?: string,
): Promise<Answer> {
	const path = `${vault.url}/${tenant ?? vault.tenantId}/oauth2/v2.0/token`;
	const outgoing = request(path, { method: 'POST', ca: vault.ca, agent: false });
	const all = {
		client_id: vault.clientId,
		scope: 'https://vault.azure.net/.default',
		grant_type: 'client_credentials',
		...fields,
	};
	outgoing.end(new URLSearchParams(all).toString());
	const [response] = await once(outgoing, 'response');
	const text = Buffer.concat(await response.toArray()).toString();
	return { status: response.statusCode, text, body: JSON.parse(text) };
}

async function start(t: ExecutionContext, options?: KeyVaultOptions) {
	const vault = await startKeyVault(options);
	t.teardown(() => vault.close());
	const credential = {
		async getToken() {
			const { body } = await requestToken(vault, { client_secret: 'client-secret' });
			const expiresOnTimestamp = Date.now() + Number(body['expires_in']) * 1_000;
			return { token: String(body['access_token']), expiresOnTimestamp };
		},
	};
	const client = new SecretClient(vault.url, credential, {
		tlsOptions: { ca: vault.ca },
		retryOptions: { maxRetries: 0 },
		disableChallengeResourceVerification: true,
	});
	return { vault, client };
}

/** What the client reports of a refusal. */
async function refused(sent: Promise<unknown>): Promise<{ status: number; code: string; reason?: string }> {
	const error = await sent.then(
		() => ({ statusCode: 200, code: '', details: undefined }),
		reason => reason,
	);
	const reason = error.details?.error?.innerError?.code;
	return { status: error.statusCode, code: error.code, ...(reason !== undefined && { reason }) };
}

test('a secret is set and read, the newest version first, any version by its id', async t => {
	const { vault, client } = await start(t);
	const first = await client.setSecret('db', 'one', { contentType: 'text/plain', tags: { team: 'a' } });
	t.regex(first.properties.version ?? '', /^[0-9a-f]{32}$/);
	t.is(first.properties.id, `${vault.vaultUrl}/secrets/db/${first.properties.version}`);
	await client.setSecret('db', 'two');
	t.is((await client.getSecret('db')).value, 'two');
	const read: KeyVaultSecret = await client.getSecret('DB', { version: first.properties.version! });
	t.like(read, { value: 'one', name: 'db' });
	t.like(read.properties, { contentType: 'text/plain', enabled: true, tags: { team: 'a' } });
	t.true(Math.abs(Date.now() - read.properties.createdOn!.getTime()) < 60_000);
	const versions: string[] = [];
	for await (const { version } of client.listPropertiesOfSecretVersions('db')) {
		versions.push(version!);
	}

	t.is(versions.length, 2);
});

test('the client asks without a token first, and once it was challenged with one', async t => {
	const { vault, client } = await start(t);
	vault.put('db', { a: 1 });
	t.is((await client.getSecret('db')).value, '{"a":1}');
	await client.getSecret('db');
	t.deepEqual(
		vault.calls.map(({ operation }) => operation),
		['Challenge', 'RequestToken', 'GetSecret', 'GetSecret'],
	);
});

test('a missing secret or version is reported as missing', async t => {
	const { vault, client } = await start(t);
	vault.put('db', 'x');
	t.deepEqual(await refused(client.getSecret('none')), { status: 404, code: 'SecretNotFound' });
	const version = '0'.repeat(32);
	t.deepEqual(await refused(client.getSecret('db', { version })), { status: 404, code: 'SecretNotFound' });
});

test('a disabled version is forbidden, the others are not', async t => {
	const { client } = await start(t);
	const { properties } = await client.setSecret('db', 'one');
	await client.setSecret('db', 'two');
	await client.updateSecretProperties('db', properties.version!, { enabled: false });
	t.is((await client.getSecret('db')).value, 'two');
	t.deepEqual(await refused(client.getSecret('db', { version: properties.version! })), {
		status: 403,
		code: 'Forbidden',
		reason: 'SecretDisabled',
	});
});

test('a deleted secret is missing, keeps its name, can be recovered, and is purged for good', async t => {
	const { client } = await start(t);
	await client.setSecret('db', 'one');
	const poller = await client.beginDeleteSecret('db', { intervalInMs: 1 });
	const deleted = await poller.pollUntilDone();
	t.true(deleted.properties.scheduledPurgeDate! > new Date());
	t.is((await refused(client.getSecret('db'))).code, 'SecretNotFound');
	t.deepEqual(await refused(client.setSecret('db', 'two')), {
		status: 409,
		code: 'Conflict',
		reason: 'ObjectIsDeletedButRecoverable',
	});
	await (await client.beginRecoverDeletedSecret('db', { intervalInMs: 1 })).pollUntilDone();
	t.is((await client.getSecret('db')).value, 'one');
	await (await client.beginDeleteSecret('db', { intervalInMs: 1 })).pollUntilDone();
	await client.purgeDeletedSecret('db');
	t.is((await client.setSecret('db', 'two')).value, 'two');
});

test('names and values beyond the limits are refused', async t => {
	const { client } = await start(t);
	t.deepEqual(await refused(client.setSecret('a_b', 'x')), { status: 400, code: 'BadParameter' });
	t.is((await client.setSecret('full', 'x'.repeat(25_600))).name, 'full');
	t.is((await refused(client.setSecret('more', 'x'.repeat(25_601)))).code, 'BadParameter');
});

test('a certificate is a managed secret with the id of its key', async t => {
	const { vault, client } = await start(t);
	vault.put('site', 'PEM', { contentType: 'application/x-pem-file', certificate: true });
	const { properties } = await client.getSecret('site');
	t.like(properties, { contentType: 'application/x-pem-file', managed: true });
	t.is(properties.certificateKeyId, `${vault.vaultUrl}/keys/site/${properties.version}`);
});

test('a forbidden secret is denied whether it exists or not', async t => {
	const { vault, client } = await start(t, { allow: name => name === 'mine' });
	vault.put('mine', 'x');
	vault.put('other', 'x');
	t.is((await client.getSecret('mine')).value, 'x');
	const denied = { status: 403, code: 'Forbidden', reason: 'ForbiddenByRbac' };
	t.deepEqual(await refused(client.getSecret('other')), denied);
	t.deepEqual(await refused(client.getSecret('none')), denied);
});

test('an expired token, one for another resource, and an unknown one are refused', async t => {
	const { vault, client } = await start(t);
	vault.put('db', 'x');
	await client.getSecret('db');
	vault.expireTokens();
	t.like(await refused(client.getSecret('db')), { status: 401, code: 'Unauthorized' });
	const { body } = await requestToken(vault, {
		client_secret: 'client-secret',
		scope: 'https://management.azure.com/.default',
	});
	for (const token of [String(body['access_token']), 'none']) {
		const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
		const other = new SecretClient(vault.url, credential, {
			tlsOptions: { ca: vault.ca },
			retryOptions: { maxRetries: 0 },
			disableChallengeResourceVerification: true,
		});
		t.like(await refused(other.getSecret('db')), { status: 401, code: 'Unauthorized' });
	}
});

test('the faults reach the client as what they are', async t => {
	const { vault, client } = await start(t);
	vault.put('db', 'x');
	for (const [fault, status, code] of [
		['throttled', 429, 'Throttled'],
		[{ retryAfter: 3 }, 429, 'Throttled'],
		['firewall', 403, 'Forbidden'],
		['internal-error', 500, 'InternalServerError'],
		['unavailable', 503, 'ServiceUnavailable'],
	] as const) {
		vault.inject(fault, { times: 1 });
		t.like(await refused(client.getSecret('db')), { status, code });
		t.is((await client.getSecret('db')).value, 'x');
	}
});

test('Entra gives tokens to whom a federated credential names, and says by number why not', async t => {
	const { vault } = await start(t, { trust: { issuer: ISSUER, subjects: [SUBJECT] } });
	const proof = (token: string) => ({ client_assertion_type: ASSERTION, client_assertion: token });
	const good = identityToken(AUDIENCE);
	t.like((await requestToken(vault, proof(good))).body, { token_type: 'Bearer', expires_in: 3_599 });
	for (const [fields, tenant, error, number] of [
		[proof(identityToken('vault')), undefined, 'invalid_client', 700212],
		[proof(identityToken(AUDIENCE, { iss: 'x' })), undefined, 'invalid_client', 700211],
		[proof(identityToken(AUDIENCE, { sub: 'x' })), undefined, 'invalid_client', 700213],
		[proof(identityToken(AUDIENCE, { exp: 1 })), undefined, 'invalid_client', 700024],
		[proof('garbage'), undefined, 'invalid_client', 50027],
		[proof(good), 'other', 'invalid_request', 90002],
		[{ ...proof(good), client_id: 'other' }, undefined, 'unauthorized_client', 700016],
		[{ ...proof(good), scope: 'x' }, undefined, 'invalid_scope', 1002012],
		[{ ...proof(good), grant_type: 'password' }, undefined, 'unsupported_grant_type', 70003],
		[{ client_secret: 'wrong' }, undefined, 'invalid_client', 7000215],
	] as const) {
		const { status, body } = await requestToken(vault, fields, tenant);
		t.true(status === 400 || status === 401);
		t.is(body['error'], error);
		t.deepEqual(body['error_codes'], [number]);
		t.regex(String(body['error_description']), new RegExp(`^AADSTS${number}: `));
	}
});

test('Entra checks signatures where it knows how', async t => {
	const { vault } = await start(t, { trust: { verify: token => token.endsWith('good') } });
	const proof = (end: string) => ({
		client_assertion_type: ASSERTION,
		client_assertion: `${identityToken(AUDIENCE).replace(/[^.]*$/, '')}${end}`,
	});
	t.is((await requestToken(vault, proof('good'))).status, 200);
	t.deepEqual((await requestToken(vault, proof('bad'))).body['error_codes'], [5000811]);
});

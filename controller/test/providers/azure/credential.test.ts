// JASM's identity at Entra: the operator's tenant, client and resource, whatever a challenge says.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { folder } from '../../helpers/servers/aws.ts';
import { AUDIENCE, openKeyVault, requestToken } from '../../helpers/servers/azure.ts';
import { identityToken } from '../../helpers/servers/tokens.ts';
import { refusal } from '../shared/contract.ts';

const when = ({ operation }: { operation: string }) => operation === 'RequestToken';

test('a burst of first reads signs in once', async t => {
	const { server, read } = await openKeyVault(t);
	server.put('db', 'x');
	await Promise.all(Array.from({ length: 10 }, () => read('db')));
	t.is(server.count('RequestToken'), 1);
});

test('whatever tenant and resource a challenge names, those of the operator are asked for', async t => {
	const challenge = {
		tenantId: '99999999-0000-4000-8000-000000000000',
		resource: 'https://management.azure.com',
	};
	const { server, read } = await openKeyVault(t, { server: { challenge } });
	server.put('db', 'x');
	await read('db');
	const asked = server.calls.filter(when);
	t.deepEqual(
		asked.map(({ tenantId, scope }) => [tenantId, scope]),
		[[server.tenantId, 'https://vault.azure.net/.default']],
	);
});

test('a token is used for four fifths of its life', async t => {
	const clock = new VirtualClock();
	const { server, read } = await openKeyVault(t, { clock, server: { tokenLifetime: 1_000 } });
	server.put('db', 'x');
	await read('db');
	await clock.advance(799_000);
	await read('db');
	t.is(server.count('RequestToken'), 1);
	await clock.advance(2_000);
	await read('db');
	t.is(server.count('RequestToken'), 2);
});

test('a token that Key Vault no longer accepts is dropped, and the same read signs in again', async t => {
	const { server, read } = await openKeyVault(t);
	server.put('db', 'x');
	await read('db');
	server.expireTokens();
	t.is((await read('db')).payload().toString(), 'x');
	t.is(server.count('RequestToken'), 2);
});

const CAUSES = {
	700211: /signing in was refused: no federated credential of the client has the issuer/,
	700213: /signing in was refused: no federated credential of the client has the subject/,
	700024: /signing in was refused: the token has expired or is not valid yet, check the clock/,
} as const;

for (const [what, claims, aadsts] of [
	['another issuer', { iss: 'https://other.example' }, 700211],
	['another ServiceAccount', { sub: 'system:serviceaccount:team:app' }, 700213],
	['a past expiry', { exp: 1 }, 700024],
] as const) {
	test(`a token of ${what} is a matter of identity, and the report names its cause`, async t => {
		const { server, tokenFile, read } = await openKeyVault(t);
		writeFileSync(tokenFile, identityToken(AUDIENCE, claims));
		const error = await refusal(read('db'));
		t.is(error.code, 'PROVIDER_AUTH');
		t.is(error.details['aadsts'], aadsts);
		t.regex(error.message, CAUSES[aadsts]);
		t.false(/AADSTS|serviceaccount|issuer\.example|1111/.test(error.message));
		t.is(error.cause, undefined);
		t.is(server.count('GetSecret'), 0);
	});
}

for (const [what, token] of [
	['for the API server', identityToken('https://kubernetes.default.svc')],
	['for Entra and another', identityToken(AUDIENCE, { aud: [AUDIENCE, 'vault'] })],
	['that is none', 'garbage'],
] as const) {
	test(`a token ${what} never leaves the process`, async t => {
		const { server, tokenFile, read } = await openKeyVault(t);
		writeFileSync(tokenFile, token);
		t.is((await refusal(read('db'))).code, 'PROVIDER_AUTH');
		t.is(server.count('RequestToken'), 0);
	});
}

test('the audience of another cloud is the operator to name', async t => {
	const audience = 'api://AzureADTokenExchangeUSGov';
	const { server, tokenFile, read } = await openKeyVault(t, {
		config: { audience },
		server: { trust: { audience } },
	});
	server.put('db', 'x');
	writeFileSync(tokenFile, identityToken(audience));
	t.is((await read('db')).payload().toString(), 'x');
});

test('the token file is that of the environment where the config names none, and read at each sign-in', async t => {
	const file = join(folder(t), 'token');
	writeFileSync(file, identityToken(AUDIENCE));
	const { server, read } = await openKeyVault(t, {
		config: { tokenFile: undefined },
		env: { AZURE_FEDERATED_TOKEN_FILE: file },
	});
	server.put('db', 'x');
	await read('db');
	rmSync(file);
	server.expireTokens();
	await refusal(read('db'));
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.false(error.message.includes(file));
});

test('Entra that throttles, fails or answers garbage is told apart, and a later sign-in is well', async t => {
	const { server, read } = await openKeyVault(t);
	server.put('db', 'x');
	for (const [fault, code] of [
		[{ status: 429, body: '{"error":"x"}', headers: { 'retry-after': '7' } }, 'PROVIDER_THROTTLED'],
		[{ status: 503, body: '{"error":"temporarily_unavailable"}' }, 'PROVIDER_THROTTLED'],
		[{ status: 500, body: '' }, 'PROVIDER_UNAVAILABLE'],
		[{ status: 200, body: '{}' }, 'PROVIDER_UNAVAILABLE'],
		[{ html: 403 }, 'PROVIDER_UNAVAILABLE'],
		['reset', 'PROVIDER_UNAVAILABLE'],
	] as const) {
		const injected = server.inject(fault, { when });
		const error = await refusal(read('db'));
		t.is(error.code, code, JSON.stringify(fault));
		injected.stop();
	}

	t.is((await read('db')).payload().toString(), 'x');
});

test('a sign-in that Entra never answers holds up no other caller, and a later one succeeds', async t => {
	const clock = new VirtualClock();
	const { server, read } = await openKeyVault(t, { clock });
	server.put('db', 'x');
	const injected = server.inject('hang', { when });
	const error = refusal(read('db'));
	await server.waitForCall(when);
	await clock.advance(7_500);
	t.regex((await error).message, /signing in got no answer within 7500 ms/);
	injected.stop();
	t.is((await read('db')).payload().toString(), 'x');
});

test('client-secret: the secret of the environment is sent, and a wrong one is a matter of identity', async t => {
	const config = { credentials: 'client-secret' } as const;
	const env = { AZURE_CLIENT_SECRET: 'client-secret' };
	const { server, read, warnings } = await openKeyVault(t, { config, env });
	server.put('db', 'x');
	t.is((await read('db')).payload().toString(), 'x');
	t.true(warnings[0]?.includes('credentials client-secret are meant for development'));
	const wrong = await openKeyVault(t, { config, env: { AZURE_CLIENT_SECRET: 'wrong-secret' } });
	const error = await refusal(wrong.read('db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.is(error.details['aadsts'], 7000215);
	const without = await openKeyVault(t, { config });
	t.regex((await refusal(without.read('db'))).message, /lacks AZURE_CLIENT_SECRET/);
	t.is(without.server.count('RequestToken'), 0);
});

/** A command az that answers as the Azure CLI does, or fails. */
function fakeCli(path: string, lines: readonly string[]): Record<string, string> {
	const file = join(path, 'az');
	writeFileSync(file, ['#!/bin/sh', `echo "$@" > ${path}/asked`, ...lines, ''].join('\n'));
	chmodSync(file, 0o755);
	return { PATH: `${path}:/usr/bin:/bin` };
}

test('cli: the signed-in developer is asked for a token of the vault alone', async t => {
	const path = folder(t);
	const { server, read } = await openKeyVault(t, {
		config: { credentials: 'cli' },
		env: fakeCli(path, [`cat ${path}/token.json`]),
	});
	server.put('db', 'x');
	const response = await requestToken(server.url, server.ca, server);
	const expires_on = Math.floor(Date.now() / 1_000) + 3_600;
	writeFileSync(join(path, 'token.json'), JSON.stringify({ accessToken: response, expires_on }));
	t.is((await read('db')).payload().toString(), 'x');
	t.is(
		readFileSync(join(path, 'asked'), 'utf8').trim(),
		`account get-access-token --output json --scope https://vault.azure.net/.default --tenant ${server.tenantId}`,
	);
});

test('cli: a developer who is not signed in is told what to run, and nothing that az printed', async t => {
	const path = folder(t);
	const { read } = await openKeyVault(t, {
		config: { credentials: 'cli' },
		env: fakeCli(path, ['echo canary >&2', 'exit 1']),
	});
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.regex(error.message, /run az login/);
	t.false(String(error.stack).includes('canary'));
	const missing = await openKeyVault(t, { config: { credentials: 'cli' }, env: { PATH: path } });
	rmSync(join(path, 'az'));
	t.is((await refusal(missing.read('db'))).code, 'PROVIDER_AUTH');
});

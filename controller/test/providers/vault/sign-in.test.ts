// JASM's identity at Vault: signed in to once, renewed when refused, revoked in the end, never sent elsewhere.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { ISSUER_KEY, identityToken, SUBJECT } from '../../helpers/servers/tokens.ts';
import { openVault, type VaultHarness } from '../../helpers/servers/vault.ts';
import { VAULTS } from '../../helpers/servers/vault-target.ts';
import { refusal } from '../shared/contract.ts';

const logins = ({ vault }: Pick<VaultHarness, 'vault'>) => vault.count('login');
const tokenOf = ({ vault }: VaultHarness) =>
	vault.calls.findLast(({ operation, token }) => operation === 'read' && token !== vault.rootToken)?.token ??
	'';

for (const [target, open] of Object.entries(VAULTS)) {
	test(`${target}: a burst of first reads signs in once`, async t => {
		const harness = await openVault(t, { open });
		await harness.put('db', '{}');
		await Promise.all(Array.from({ length: 50 }, () => harness.read('db')));
		t.is(logins(harness), 1);
	});

	test(`${target}: a token that was revoked is replaced within the read that met it`, async t => {
		const harness = await openVault(t, { open });
		await harness.put('db', '{"a":"1"}');
		await harness.read('db');
		await harness.vault.request('POST', 'auth/token/revoke', { token: tokenOf(harness) });
		t.is((await harness.read('db')).payload().toString(), '{"a":"1"}');
		t.is(logins(harness), 2);
	});

	test(`${target}: closing revokes the token`, async t => {
		const harness = await openVault(t, { open });
		await harness.put('db', '{}');
		await harness.read('db');
		const token = tokenOf(harness);
		await harness.registry.close();
		t.true(harness.vault.calls.some(call => call.operation === 'revoke' && call.token === token));
		await t.throwsAsync(harness.vault.request('POST', 'auth/token/lookup', { token }), { message: /403/ });
	});

	test(`${target}: a denial brings one new token and takes the old one back; further ones wait their turn`, async t => {
		const clock = new VirtualClock();
		const harness = await openVault(t, { open, clock });
		await harness.allow('path "nowhere" { capabilities = ["read"] }');
		t.is((await refusal(harness.read('db'))).code, 'PROVIDER_DENIED');
		const first = tokenOf(harness);
		t.is((await refusal(harness.read('db'))).code, 'PROVIDER_DENIED');
		t.is(logins(harness), 1, 'a new token is not doubted');
		await clock.advance(10_000);
		t.is((await refusal(harness.read('db'))).code, 'PROVIDER_DENIED');
		t.is(logins(harness), 2);
		await harness.vault.waitForCall(call => call.operation === 'revoke' && call.token === first);
		t.not(tokenOf(harness), first);
		t.is((await refusal(harness.read('db'))).code, 'PROVIDER_DENIED');
		t.is(logins(harness), 2);
	});

	test(`${target}: a policy that the role is given later takes effect with the next denial`, async t => {
		const clock = new VirtualClock();
		const harness = await openVault(t, { open, clock, config: { role: 'later' } });
		const { vault, authMount, policy, put, read } = harness;
		const role = {
			role_type: 'jwt',
			user_claim: 'sub',
			bound_audiences: ['vault'],
			token_policies: ['none'],
		};
		await vault.request('POST', `auth/${authMount}/role/later`, role);
		await put('db', '{}');
		t.is((await refusal(read('db'))).code, 'PROVIDER_DENIED');
		await vault.request('POST', `auth/${authMount}/role/later`, { ...role, token_policies: [policy] });
		await clock.advance(10_000);
		t.is((await read('db')).payload().toString(), '{}');
	});

	for (const [what, claims, says] of [
		['another issuer', { iss: 'https://other.example' }, /the token is of another issuer/],
		['another ServiceAccount', { sub: 'system:serviceaccount:team:app' }, /the role is not bound to/],
		['a past expiry', { exp: 1_000_000 }, /the token has expired, check the clock/],
	] as const) {
		test(`${target}: a token of ${what} is a matter of identity, the report says its cause, and nothing is read`, async t => {
			const harness = await openVault(t, { open });
			writeFileSync(harness.tokenFile, identityToken('vault', claims));
			const error = await refusal(harness.read('db'));
			t.is(error.code, 'PROVIDER_AUTH');
			t.regex(error.message, /signing in by jwt was refused: /);
			t.regex(error.message, says);
			t.is(error.cause, undefined);
			t.is(tokenOf(harness), '');
		});
	}
}

test('a token is used for four fifths of its life', async t => {
	const clock = new VirtualClock();
	const harness = await openVault(t, { clock, ttl: '100s' });
	await harness.put('db', '{}');
	await harness.read('db');
	await clock.advance(79_000);
	await harness.read('db');
	t.is(logins(harness), 1);
	await clock.advance(2_000);
	await harness.read('db');
	t.is(logins(harness), 2);
});

test('the token file is read again at every sign-in', async t => {
	const clock = new VirtualClock();
	const harness = await openVault(t, { clock, ttl: '100s' });
	await harness.put('db', '{}');
	await harness.read('db');
	writeFileSync(harness.tokenFile, 'garbage');
	await clock.advance(81_000);
	t.is((await refusal(harness.read('db'))).code, 'PROVIDER_AUTH');
	writeFileSync(harness.tokenFile, identityToken('vault'));
	t.is((await harness.read('db')).payload().toString(), '{}');
});

for (const [what, token] of [
	['for the API server', identityToken('https://kubernetes.default.svc')],
	[
		'for Vault and the API server',
		identityToken('vault', { aud: ['vault', 'https://kubernetes.default.svc'] }),
	],
	['without an audience', identityToken('vault', { aud: undefined })],
	['that is none', 'garbage'],
	['of two lines', `${identityToken('vault')}\n${identityToken('vault')}`],
	['that is empty', ''],
] as const) {
	test(`a token ${what} never leaves the process`, async t => {
		const harness = await openVault(t);
		writeFileSync(harness.tokenFile, token);
		const error = await refusal(harness.read('db'));
		t.is(error.code, 'PROVIDER_AUTH');
		t.is(logins(harness), 0);
		t.false(error.message.includes(harness.tokenFile));
	});
}

test('servers that do not name an invalid token are taken to mean it once the token is old enough', async t => {
	const clock = new VirtualClock();
	const harness = await openVault(t, { clock });
	await harness.put('db', '{}');
	await harness.read('db');
	harness.vault.inject('bare-permission-denied', { times: 1 });
	t.is((await refusal(harness.read('db'))).code, 'PROVIDER_DENIED');
	await clock.advance(10_000);
	harness.vault.inject('bare-permission-denied', { times: 1 });
	t.is((await harness.read('db')).payload().toString(), '{}');
	t.is(logins(harness), 2);
});

test('reads that meet one invalid token at once share one new sign-in', async t => {
	const harness = await openVault(t);
	await harness.put('db', '{}');
	await harness.read('db');
	harness.vault.embedded!.expireTokens();
	await Promise.all(Array.from({ length: 20 }, () => harness.read('db')));
	t.is(logins(harness), 2);
});

test('a sign-in that is throttled, fails or answers garbage is told apart, and a later one is well', async t => {
	const harness = await openVault(t);
	await harness.put('db', '{}');
	const when = ({ operation }: { operation: string }) => operation === 'login';
	for (const [fault, code, text] of [
		['rate-limited', 'PROVIDER_THROTTLED', /throttling/],
		['internal-error', 'PROVIDER_UNAVAILABLE', /no usable answer/],
		[{ html: 403 }, 'PROVIDER_UNAVAILABLE', /no usable answer/],
		[{ status: 200, body: '{"auth":null}' }, 'PROVIDER_UNAVAILABLE', /not one of Vault/],
		[{ status: 200, body: '{"auth":{"client_token":"a\\nb"}}' }, 'PROVIDER_UNAVAILABLE', /not one of Vault/],
		['reset', 'PROVIDER_UNAVAILABLE', /no usable answer/],
	] as const) {
		const injected = harness.vault.inject(fault, { when });
		const error = await refusal(harness.read('db'));
		t.is(error.code, code, JSON.stringify(fault));
		t.regex(error.message, text);
		injected.stop();
	}

	t.is((await harness.read('db')).payload().toString(), '{}');
});

test('a sign-in that hangs holds up no other caller, and a later one succeeds', async t => {
	const clock = new VirtualClock();
	const harness = await openVault(t, { clock });
	await harness.put('db', '{}');
	const when = ({ operation }: { operation: string }) => operation === 'login';
	const injected = harness.vault.inject('hang', { when });
	const error = refusal(harness.read('db'));
	await harness.vault.waitForCall(when);
	await clock.advance(7_500);
	t.regex((await error).message, /signing in got no answer within 7500 ms/);
	injected.stop();
	t.is((await harness.read('db')).payload().toString(), '{}');
});

test('closing does not wait for a Vault that is silent', async t => {
	const clock = new VirtualClock();
	const harness = await openVault(t, { clock });
	await harness.put('db', '{}');
	await harness.read('db');
	harness.vault.inject('hang', { when: ({ operation }) => operation === 'revoke' });
	const closed = harness.registry.close();
	await harness.vault.waitForCall(({ operation }) => operation === 'revoke');
	await clock.advance(2_000);
	await t.notThrowsAsync(closed);
	t.is(clock.timers, 0);
});

test('namespaces: signing in and reading each name their own', async t => {
	const config = { namespace: 'admin/team', authNamespace: 'admin', mount: 'kv', authMount: 'jwt' };
	const harness = await openVault(t, { config });
	const { embedded } = harness.vault;
	const setUp = (path: string, body: object, namespace: string) =>
		embedded!.request('POST', path, body, namespace);
	await setUp('sys/mounts/kv', { type: 'kv', options: { version: '2' } }, 'admin/team');
	await setUp('sys/policies/acl/p', { policy: 'path "team/kv/data/*" { capabilities = ["read"] }' }, 'admin');
	await setUp('sys/auth/jwt', { type: 'jwt' }, 'admin');
	await setUp('auth/jwt/config', { jwt_validation_pubkeys: [ISSUER_KEY] }, 'admin');
	const role = { bound_audiences: ['vault'], bound_subject: SUBJECT, token_policies: ['p'] };
	await setUp(`auth/jwt/role/${harness.role}`, role, 'admin');
	embedded!.put('db', { a: 1 }, { mount: 'kv', namespace: 'admin/team' });
	t.is((await harness.read('db')).payload().toString(), '{"a":1}');
	await harness.registry.close();
	const asked = harness.vault.calls.filter(({ token }) => token !== harness.vault.rootToken);
	t.deepEqual(
		asked.map(({ operation, namespace }) => [operation, namespace]),
		[
			['login', 'admin'],
			['read', 'admin/team'],
			['revoke', 'admin'],
		],
	);
});

// Senders that show a token of an OpenID Connect issuer: its keys are read, kept, and read again when they change.
import test from 'ava';
import type { Teardown } from '../helpers/environment/file-teardown.ts';
import {
	changed,
	post,
	startWebhookEnvironment,
	webhookPort,
} from '../helpers/environment/webhook-environment.ts';
import { ecKey, rsaKey, type SigningKey, signToken, startIssuer } from '../helpers/servers/issuer.ts';

const AUDIENCE = 'api://jasm';
const SUBJECT = 'repo:team/app:ref:refs/heads/main';

async function start(t: Teardown, keys: SigningKey[]) {
	const issuer = await startIssuer(t, keys);
	const stage = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: ({ file }) => ({
			bearerFiles: undefined,
			oidc: {
				issuer: issuer.url,
				audience: AUDIENCE,
				subjects: [SUBJECT],
				caFile: file(issuer.ca),
				proxy: 'none',
			},
		}),
	});
	const controller = await stage.environment.start();
	const port = await webhookPort(controller);
	const claims = (changes: object = {}) => {
		const now = Math.floor(stage.environment.clock.now() / 1_000);
		return { iss: issuer.url, sub: SUBJECT, aud: AUDIENCE, iat: now, nbf: now, exp: now + 600, ...changes };
	};
	const statusOf = async (token: string) => (await post({ port, token, body: changed('/prod/db') })).status;
	return { ...stage, issuer, controller, claims, statusOf };
}

test('a token of the issuer is enough, signed with RS256 or ES256, and its keys are read once', async t => {
	const [rsa, ec] = [rsaKey('rsa'), ecKey('ec')];
	const { environment, issuer, claims, statusOf, served } = await start(t, [rsa, ec]);
	const team = await served();
	environment.secretsManager.put('/prod/db', { password: 'second' });
	t.is(await statusOf(signToken(rsa, claims())), 202);
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	t.is(await statusOf(signToken(ec, claims({ aud: ['other', AUDIENCE] }))), 202);
	t.is(await statusOf(signToken(ec, claims({ sub: 'x', azp: SUBJECT }))), 202);
	t.is(await statusOf(signToken(ec, claims({ sub: 'x', appid: SUBJECT }))), 202);
	t.deepEqual(issuer.calls, ['/.well-known/openid-configuration', '/keys']);
});

test('a token of another issuer, audience, subject, time or key is answered with 401', async t => {
	const key = ecKey('known');
	const { issuer, claims, statusOf, controller } = await start(t, [key]);
	const now = claims().iat;
	for (const changes of [
		{ iss: `${issuer.url}/` },
		{ aud: 'other' },
		{ aud: undefined },
		{ sub: 'other' },
		{ sub: undefined },
		{ exp: now - 61 },
		{ exp: undefined },
		{ exp: String(now + 600) },
		{ nbf: now + 120 },
	]) {
		t.is(await statusOf(signToken(key, claims(changes))), 401, JSON.stringify(changes));
	}

	// None of them was worth a request.
	t.deepEqual(issuer.calls, []);
	const good = signToken(key, claims());
	const [head, body] = good.split('.') as [string, string];
	const none = Buffer.from('{"alg":"none","kid":"known"}').toString('base64url');
	for (const token of [
		signToken({ ...ecKey('known'), id: 'known' }, claims()),
		signToken(key, claims(), { alg: 'HS256' }),
		signToken(key, claims(), { alg: 'RS256' }),
		signToken(key, claims(), { crit: ['b64'] }),
		`${none}.${body}.`,
		`${none}.${body}.AAAA`,
		`${head}.${body}`,
		`${good}.more`,
		`${good.slice(0, -4)}AAAA`,
	]) {
		t.is(await statusOf(token), 401, token);
		t.false(controller.log.text.join('\n').includes(body));
	}

	t.is(await statusOf(good), 202);
});

test('new keys of the issuer are read when a token needs them, at most once a minute', async t => {
	const [first, second] = [ecKey('first'), ecKey('second')];
	const { environment, issuer, claims, statusOf } = await start(t, [first]);
	t.is(await statusOf(signToken(first, claims())), 202);
	issuer.keys = [second];
	for (let times = 0; times < 5; times++) {
		t.is(await statusOf(signToken(second, claims())), 401);
	}

	t.is(issuer.calls.length, 2);
	await environment.clock.advance(60_000);
	t.is(await statusOf(signToken(second, claims())), 202);
	t.is(await statusOf(signToken(first, claims())), 401);
	t.is(issuer.calls.length, 4);
});

test('an issuer that does not answer, or is not the one that is named, admits no sender, and the log says why', async t => {
	const key = ecKey('known');
	const { environment, issuer, claims, statusOf, controller } = await start(t, [key]);
	const message = 'change notices: the keys of the issuer cannot be read';
	const cases = [
		[{ status: 503 }, /answered with 503/],
		[{ status: 200, document: { issuer: 'https://other.example' } }, /names another issuer/],
		[{ document: { jwks_uri: 'https://169.254.169.254/keys' } }, /not an https URL that JASM connects to/],
		[{ document: { jwks_uri: 'http://localhost/keys' } }, /not an https URL that JASM connects to/],
	] as const;
	for (const [index, [fields, why]] of cases.entries()) {
		Object.assign(issuer, fields);
		t.is(await statusOf(signToken(key, claims())), 401);
		const line = controller.log.filter({ message, code: 'CHANGE_SOURCE_UNAVAILABLE' })[index];
		t.regex(line?.error?.message ?? '', why);
		await environment.clock.advance(6_000);
	}

	issuer.document = {};
	t.is(await statusOf(signToken(key, claims())), 202);
	// Known keys stay in use while the issuer does not answer.
	issuer.status = 503;
	await environment.clock.advance(3_700_000);
	t.is(await statusOf(signToken(key, claims())), 202);
});

test('a flood of forged tokens refuses no sender whose token was good; a new one from the same address has to wait', async t => {
	const key = ecKey('known');
	const { environment, controller, claims, statusOf } = await start(t, [key]);
	const port = await webhookPort(controller);
	const good = signToken(key, claims());
	t.is(await statusOf(good), 202);
	const forged = signToken(ecKey('known'), claims());
	for (let times = 0; times < 99; times++) {
		t.is(await statusOf(forged), 401);
	}

	const token = signToken(key, claims({ jti: 'new' }));
	const { status, headers } = await post({ port, token });
	t.deepEqual([status, headers['retry-after']], [429, '5']);
	t.is(await statusOf(good), 202);
	await environment.clock.advance(5_000);
	t.is(await statusOf(token), 202);
});

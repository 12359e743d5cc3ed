// What tokens may cost: how often those of one address are verified, and how long keys outlive the answers of their issuer.
import type { IncomingMessage } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { Authentication } from '../../../src/changes/webhook/authentication.ts';
import { Issuer } from '../../../src/changes/webhook/issuer.ts';
import { Verifications } from '../../../src/changes/webhook/verifications.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { folder } from '../../helpers/environment/folder.ts';
import { ecKey, signToken, startIssuer } from '../../helpers/servers/issuer.ts';

const HOUR = 3_600_000;

async function start(t: ExecutionContext) {
	const [known, strange] = [ecKey('known'), ecKey('known')];
	const server = await startIssuer(t, [known]);
	const clock = new VirtualClock();
	const config = {
		issuer: server.url,
		audience: 'a',
		subjects: ['s'],
		caFile: folder(t).write('ca.pem', server.ca),
		proxy: 'none' as const,
	};
	const logger = createLogger({ level: 'silent' });
	const options = { env: {}, clock, logger, source: 'webhook/0' };
	const issuer = new Issuer({ ...options, config });
	const files = { contentOf: () => undefined };
	const authentication = new Authentication({ ...options, files, config: { oidc: config } });
	t.teardown(() => {
		issuer.close();
		authentication.close();
	});
	let tokens = 0;
	const token = (key = known) => {
		const exp = Math.floor(clock.now() / 1_000) + 200_000;
		return signToken(key, { iss: server.url, aud: 'a', sub: 's', exp, jti: String(tokens++) });
	};
	return { issuer, authentication, server, clock, token, forged: () => token(strange) };
}

test('forged tokens use up the verifications of their own address only, and none of a token that was good', async t => {
	const { issuer, clock, token, forged } = await start(t);
	const before = token();
	t.true(await issuer.accepts(before, '10.0.0.1'));
	// Each one differs: one that was refused costs as much again.
	for (let times = 0; times < 99; times++) {
		t.false(await issuer.accepts(forged(), '10.0.0.1'));
	}

	t.is(await issuer.accepts(forged(), '10.0.0.1'), 'limited');
	t.is(await issuer.accepts(token(), '10.0.0.1'), 'limited');
	t.true(await issuer.accepts(before, '10.0.0.1'));
	t.true(await issuer.accepts(token(), '10.0.0.2'));
	await clock.advance(1_000);
	t.true(await issuer.accepts(token(), '10.0.0.1'));
});

test('the address is that of the connection, whatever the request says', async t => {
	const { authentication, token, forged } = await start(t);
	const senderOf = (text: string, remoteAddress: string) => {
		const headers = {
			authorization: `Bearer ${text}`,
			'x-forwarded-for': '10.0.0.3',
			forwarded: 'for=10.0.0.3',
		};
		return authentication.senderOf({ headers, socket: { remoteAddress } } as unknown as IncomingMessage);
	};
	for (let times = 0; times < 100; times++) {
		t.is(await senderOf(forged(), '10.0.0.1'), undefined);
	}

	t.is(await senderOf(token(), '10.0.0.1'), 'limited');
	t.is(await senderOf(token(), '10.0.0.2'), 'known');
});

test('what needs no verification uses none up: no token, another audience, an unknown key', async t => {
	const { issuer, token, forged, server } = await start(t);
	const other = signToken(ecKey('other'), {});
	const unknown = token(ecKey('unknown'));
	for (let times = 0; times < 200; times++) {
		for (const text of ['x', other, unknown]) {
			t.false(await issuer.accepts(text, '10.0.0.1'));
		}
	}

	t.true(await issuer.accepts(token(), '10.0.0.1'));
	t.false(await issuer.accepts(forged(), '10.0.0.1'));
	t.is(server.calls.length, 2);
});

test('a token that was good before is looked at again: in time, and by the keys of now', async t => {
	const { issuer, server, clock, token } = await start(t);
	const text = token();
	t.true(await issuer.accepts(text, '10.0.0.1'));
	// Another key under the same name.
	server.keys = [ecKey('known')];
	await clock.advance(HOUR - 1);
	t.true(await issuer.accepts(text, '10.0.0.1'));
	await clock.advance(2);
	t.false(await issuer.accepts(text, '10.0.0.1'));

	const { issuer: second, clock: time, token: newToken } = await start(t);
	const short = newToken();
	t.true(await second.accepts(short, '10.0.0.1'));
	time.setWallClock(time.now() + 200_061_000);
	t.false(await second.accepts(short, '10.0.0.1'));
});

test('keys of an issuer that does not answer stay in use for a day, and not longer', async t => {
	const { issuer, server, clock, token } = await start(t);
	const text = token();
	t.true(await issuer.accepts(text, '10.0.0.1'));
	server.status = 503;
	await clock.advance(24 * HOUR);
	t.true(await issuer.accepts(text, '10.0.0.1'));
	t.true(await issuer.accepts(token(), '10.0.0.1'));
	await clock.advance(10_000);
	t.false(await issuer.accepts(text, '10.0.0.1'));
	t.false(await issuer.accepts(token(), '10.0.0.1'));

	server.status = 200;
	await clock.advance(10_000);
	t.true(await issuer.accepts(text, '10.0.0.1'));
});

test('addresses and tokens are kept in bounds: the oldest is forgotten', t => {
	const clock = new VirtualClock();
	const verifications = new Verifications(clock);
	const use = (address: string) => {
		let times = 0;
		while (times <= 100 && verifications.allowed(address)) {
			times++;
		}

		return times;
	};
	t.deepEqual([use('first'), use('first')], [100, 0]);
	for (let index = 0; index < 1_000; index++) {
		t.is(verifications.allowed(`10.${index}`), true);
		verifications.proven(`token ${index}`);
	}

	t.is(use('first'), 100);
	t.true(verifications.isProven('token 0'));
	verifications.proven('one more');
	t.false(verifications.isProven('token 0'));
	t.true(verifications.isProven('token 999'));
	verifications.forget();
	t.false(verifications.isProven('token 999'));
});

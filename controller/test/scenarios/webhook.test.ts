// A secret that changes reaches its Secrets because its notice is posted to the webhook; who may do so, and what comes back.
import test from 'ava';
import {
	changed,
	post,
	startWebhookEnvironment,
	webhookPort,
} from '../helpers/environment/webhook-environment.ts';

const NOTICES = 'jasm_change_notices_total';

test('a notice that is posted brings the new value to the Secret, and is answered with 202', async t => {
	const { environment, token, reads, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const port = await webhookPort(controller);
	const team = await served();
	const before = reads('/prod/db');
	const { versionId } = environment.secretsManager.put('/prod/db', { password: 'second' });
	t.is((await post({ port, token, body: changed('/prod/db', { version: versionId }) })).status, 202);
	const secret = await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	t.is(secret.annotations['jasm.codnod.io/source-version'], versionId);
	t.is(
		(await environment.event(team, 'web', 'SecretUpdated')).note,
		`Secret 'db' now holds version ${versionId}`,
	);
	t.is(reads('/prod/db') - before, 1);
	const source = 'webhook/0';
	t.is(await controller.metric('jasm_change_source_up', { source }), 1);
	t.is(await controller.metric(NOTICES, { source, outcome: 'woke' }), 1);
	t.is(await controller.metric('jasm_change_lag_seconds_count', { source }), 1);
	t.is(await controller.metric('jasm_change_messages_in_hand', { source }), 0);

	t.is((await post({ port, token, body: changed('/prod/db', { version: versionId }) })).status, 202);
	t.is(await controller.metric(NOTICES, { source, outcome: 'known' }), 1);
	t.is(reads('/prod/db') - before, 1);
});

test('the answer does not tell whether a pod asks for the secret', async t => {
	const { environment, token, reads, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const port = await webhookPort(controller);
	await served();
	const before = reads('/prod/db');
	const bodies = [
		changed('/prod/db', { version: 'a-version' }),
		changed('/prod/other'),
		changed('/prod/db', { provider: 'other' }),
		changed('/prod/db', {}, { type: 'com.example.other' }),
	];
	const replies = await Promise.all(bodies.map(body => post({ port, token, body })));
	t.deepEqual(
		replies.map(({ status, text }) => [status, text]),
		bodies.map(() => [202, '']),
	);
	const [first, ...others] = replies.map(({ headers: { date: _, ...headers } }) => headers);
	t.deepEqual(
		others,
		others.map(() => first!),
	);
	t.is(await controller.metric(NOTICES, { source: 'webhook/0', outcome: 'unmatched' }), 1);
	t.is(await controller.metric(NOTICES, { source: 'webhook/0', outcome: 'foreign' }), 2);
	t.true(reads('/prod/db') - before <= 1);
	t.is(reads('/prod/other'), 0);
});

test('a request without the token, or with another, is answered with 401 and causes no read', async t => {
	const { environment, token, reads, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const port = await webhookPort(controller);
	const team = await served();
	const before = reads('/prod/db');
	environment.secretsManager.put('/prod/db', { password: 'second' });
	const headers = [
		{},
		{ authorization: '' },
		{ authorization: `Bearer ${token}x` },
		{ authorization: `Bearer ${token.slice(1)}` },
		{ authorization: `Basic ${token}` },
		{ authorization: token },
	];
	for (const each of headers) {
		const { status, headers: replied, text } = await post({ port, headers: each });
		t.deepEqual([status, replied['www-authenticate'], text], [401, 'Bearer', '']);
	}

	const path = `/v1/changes?access_token=${token}`;
	t.is((await post({ port, path })).status, 401);
	await environment.clock.advance(60_000);
	t.is(reads('/prod/db'), before);
	t.is(environment.world.secret(team, 'db')!.data['password'], 'first');
});

test('a body that holds no notices is answered with 400, one that is too large with 413, another type with 415', async t => {
	const { environment, token, reads, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const port = await webhookPort(controller);
	await served();
	const before = reads('/prod/db');
	const canary = 'content-of-a-body';
	const batch = { 'content-type': 'application/cloudevents-batch+json' };
	const large = `${JSON.stringify(changed('/prod/db'))}${' '.repeat(262_144)}`;
	const cases = [
		[400, { body: `{"${canary}` }],
		[400, { body: { ...changed('/prod/db'), specversion: canary } }],
		[400, { body: [changed('/prod/db'), { id: canary }], headers: batch }],
		[413, { body: Array(101).fill(changed('/prod/db')), headers: batch }],
		[413, { body: large }],
		[413, { body: large, chunked: true }],
		[415, { headers: { 'content-type': 'text/plain' } }],
		[415, { headers: { 'content-encoding': 'gzip' } }],
		[404, { path: '/v1/other' }],
		[404, { path: '/' }],
		[405, { method: 'GET' }],
		[405, { method: 'PUT' }],
		[431, { headers: { 'x-long': 'x'.repeat(9_000) } }],
	] as const;
	for (const [status, request] of cases) {
		t.is((await post({ port, token, ...request })).status, status, JSON.stringify(request).slice(0, 100));
	}

	t.is(await controller.metric(NOTICES, { source: 'webhook/0', outcome: 'malformed' }), 8);
	t.is(reads('/prod/db'), before);
	t.false(controller.log.text.join('\n').includes(canary));
	t.is((await post({ port, token })).status, 202);
});

test('a body that is sent too slowly is answered with 408, and its connection ends', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	const { status, headers } = await post({ port, token, unfinished: true });
	t.deepEqual([status, headers.connection], [408, 'close']);
});

test('more than a hundred requests at once are answered with 429 and a time to wait, and others later', async t => {
	const { environment, token, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const port = await webhookPort(await environment.start());
	await served();
	const statuses: number[] = [];
	for (let times = 0; times < 101; times++) {
		statuses.push((await post({ port, token })).status);
	}

	t.deepEqual(statuses, [...Array(100).fill(202), 429]);
	const { status, headers } = await post({ port, token });
	t.is(status, 429);
	t.regex(headers['retry-after']!, /^[1-9]\d?$/);
	await environment.clock.advance(1_000);
	t.is((await post({ port, token })).status, 202);
});

test('a flood of requests without the token leaves room for those with it', async t => {
	const { environment, token } = await startWebhookEnvironment(t, { virtualTime: true });
	const port = await webhookPort(await environment.start());
	const statuses: number[] = [];
	for (let times = 0; times < 102; times++) {
		statuses.push((await post({ port, ...(times % 2 === 0 && { path: '/v1/other' }) })).status);
	}

	t.deepEqual(statuses.slice(-4), [404, 401, 429, 429]);
	t.is((await post({ port, token })).status, 202);
});

test('Event Grid gets its code back, and permission to send, and its address is never opened', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	const calls = environment.secretsManager.calls.length;
	const event = {
		id: 'v',
		eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
		data: { validationCode: 'the-code', validationUrl: `${environment.secretsManager.url}/validate` },
	};
	const headers = { 'content-type': 'application/json; charset=utf-8' };
	const { status, text } = await post({ port, token, body: [event], headers });
	t.deepEqual([status, text], [200, '{"validationResponse":"the-code"}']);
	t.is((await post({ port, body: [event], headers })).status, 401);
	t.is(environment.secretsManager.calls.length, calls);

	const origin = (value: string) => ({ 'webhook-request-origin': value });
	const asked = await post({ port, method: 'OPTIONS', headers: origin('eventgrid.azure.net') });
	t.like(asked, { status: 200, headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } });
	t.truthy(asked.headers['webhook-allowed-rate']);
	t.is((await post({ port, method: 'OPTIONS', headers: origin('other.example') })).status, 403);
});

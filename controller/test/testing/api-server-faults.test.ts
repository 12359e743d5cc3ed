// Every fault that the embedded API server has on demand does what it says.
import { once } from 'node:events';
import { connect } from 'node:http2';
import test from 'ava';
import { ContractClient } from '../../testing/contract/client.ts';
import { answers } from '../../testing/index.ts';
import { addSecret, SECRETS, startServer, watchFromNow } from '../helpers/servers/api-server.ts';

test('an injected answer replaces so many requests that match, and no others', async t => {
	const { server, client } = await startServer(t);
	const rule = server.faults.inject(
		{ verb: 'list', resource: 'secrets' },
		{ answer: answers.tooManyRequests(5) },
		2,
	);
	for (const _ of [1, 2]) {
		const { status, headers, body } = await client.send('GET', SECRETS);
		t.deepEqual([status, headers['retry-after'], body['details'].retryAfterSeconds], [429, '5', 5]);
	}
	t.is((await client.send('GET', SECRETS)).status, 200);
	t.is((await client.send('GET', '/api/v1/pods')).status, 200);
	t.is(rule.hits, 2);
});

test('410 and 504 are answered at connect in the shapes of the real server', async t => {
	const { server, client } = await startServer(t);
	server.faults.inject({ verb: 'watch' }, { answer: answers.expired });
	const expired = await client.send('GET', `${SECRETS}?watch=1`);
	t.deepEqual([expired.status, expired.body['reason']], [410, 'Expired']);
	server.faults.inject({ verb: 'watch' }, { answer: answers.versionTooLarge });
	const large = await client.send('GET', `${SECRETS}?watch=1`);
	t.deepEqual([large.status, large.body['details'].causes[0].reason], [504, 'ResourceVersionTooLarge']);
});

test('a connection dropped before the request was carried out leaves nothing behind, after it the write', async t => {
	const { server, client } = await startServer(t);
	const post = (name: string): Promise<unknown> =>
		client.send('POST', SECRETS, { body: { metadata: { name } } });
	server.faults.inject({ verb: 'create' }, { drop: 'before' });
	await t.throwsAsync(post('a'), { code: 'ECONNRESET' });
	t.is(server.find('secrets', 'default', 'a'), undefined);
	server.faults.inject({ verb: 'create' }, { drop: 'after' });
	await t.throwsAsync(post('b'), { code: 'ECONNRESET' });
	t.truthy(server.find('secrets', 'default', 'b'));
});

test('a hanging request is logged and never answered', async t => {
	const { server, client } = await startServer(t);
	server.faults.inject({ verb: 'get' }, { hang: true });
	const hanging = client.send('GET', `${SECRETS}/a`);
	await client.send('GET', SECRETS);
	const [entry] = server.requests.filter({ verb: 'get' });
	t.deepEqual([entry?.status, entry?.closed], [undefined, false]);
	server.faults.dropConnections();
	await t.throwsAsync(hanging);
});

test('an answer is cut after exactly so many bytes', async t => {
	const { server, client } = await startServer(t);
	for (const name of ['a', 'b', 'c']) addSecret(server, name);
	const whole = (await client.send('GET', SECRETS)).text;
	server.faults.inject({ verb: 'list' }, { cutAfterBytes: 100 });
	await t.throwsAsync(client.send('GET', SECRETS), { message: /aborted|ECONNRESET/ });
	server.faults.inject({ verb: 'list' }, { cutAfterBytes: whole.length + 1 });
	t.is((await client.send('GET', SECRETS)).text, whole);
});

test('a watch is cut in the middle of a line', async t => {
	const { server, client } = await startServer(t);
	const watch = await watchFromNow(server, client);
	server.faults.cutWatches(30);
	addSecret(server, 'a');
	t.is(await watch.line(), '{"type":"ADDED","object":{"kin');
	t.is(await watch.line(), undefined);
});

test('a stalled watch stays open and silent, and catches up when it is resumed', async t => {
	const { server, client } = await startServer(t);
	const watch = await watchFromNow(server, client);
	server.faults.stallWatches({ resource: 'secrets' });
	addSecret(server, 'a');
	const silent = await watchFromNow(server, client);
	addSecret(server, 'b');
	await client.send('GET', SECRETS);
	t.is(server.requests.filter({ verb: 'watch' }).filter(({ closed }) => !closed).length, 2);
	server.faults.resumeWatches();
	t.deepEqual(await watch.take(2), ['ADDED a', 'ADDED b']);
	t.deepEqual(await silent.take(1), ['ADDED b']);
});

test('watches end cleanly, or with an ERROR event, or get a line that is no JSON', async t => {
	const { server, client } = await startServer(t);
	const ended = await watchFromNow(server, client);
	server.faults.endWatches();
	t.is(await ended.line(), undefined);
	const failed = await watchFromNow(server, client);
	server.faults.injectLine('nonsense\n');
	server.faults.failWatches(answers.expired);
	t.is(await failed.line(), 'nonsense');
	const { type, object } = await failed.next();
	t.deepEqual([type, object.code, object.reason], ['ERROR', 410, 'Expired']);
	t.is(await failed.line(), undefined);
});

test('expired history is 410 in the stream for watches and at once for pages', async t => {
	const { server, client } = await startServer(t);
	for (const name of ['a', 'b']) addSecret(server, name);
	const before = server.resourceVersion;
	const page = await client.must('GET', `${SECRETS}?limit=1`);
	addSecret(server, 'c');
	server.faults.expireHistory();
	const watch = await client.watch(SECRETS, `resourceVersion=${before}`);
	t.is((await watch.next())['object'].code, 410);
	t.is((await client.send('GET', `${SECRETS}?limit=1&continue=${page['metadata'].continue}`)).status, 410);
	t.deepEqual((await watchFromNow(server, client)) instanceof Object, true);
});

test('history reaches as far back as it was told', async t => {
	const { server, client } = await startServer(t, { historySize: 4 });
	const before = server.resourceVersion;
	for (const name of ['a', 'b', 'c']) addSecret(server, name);
	t.deepEqual(await (await client.watch(SECRETS, `resourceVersion=${before}`)).take(3), [
		'ADDED a',
		'ADDED b',
		'ADDED c',
	]);
	for (const name of ['d', 'e', 'f']) addSecret(server, name);
	t.is((await (await client.watch(SECRETS, `resourceVersion=${before}`)).next())['object'].code, 410);
});

test('connections are refused until they are accepted again, on the same port', async t => {
	const { server, client } = await startServer(t);
	const { url } = server;
	const watch = await watchFromNow(server, client);
	await server.faults.refuseConnections();
	t.is(await watch.line(), undefined);
	await t.throwsAsync(client.send('GET', SECRETS), { code: 'ECONNREFUSED' });
	await server.faults.acceptConnections();
	t.is(server.url, url);
	t.is((await client.send('GET', SECRETS)).status, 200);
});

test('a changed certificate is of a new authority, for new connections alone', async t => {
	const { server, client } = await startServer(t);
	const watch = await watchFromNow(server, client);
	const ca = server.ca;
	t.not(server.faults.changeCertificate(), ca);
	addSecret(server, 'a');
	t.deepEqual(await watch.take(1), ['ADDED a']);
	await t.throwsAsync(client.watch(SECRETS), { message: /unable to verify|certificate/ });
	const fresh = new ContractClient(server.kubeconfig());
	t.is((await fresh.send('GET', SECRETS)).status, 200);
	fresh.close();
});

test('an HTTP/2 session is told to go away, finishes its request and closes', async t => {
	const { server } = await startServer(t);
	const session = connect(server.url, { ca: server.ca });
	const headers = { ':path': SECRETS, authorization: `Bearer ${server.adminToken}` };
	server.faults.inject({ verb: 'list' }, { delayMs: 20 });
	const stream = session.request(headers);
	const away = once(session, 'goaway');
	const response = once(stream, 'response');
	stream.resume();
	await server.requests.waitFor({ verb: 'list' }, { received: true });
	server.faults.goAway();
	await away;
	t.is((await response)[0][':status'], 200);
	await once(session, 'close');
});

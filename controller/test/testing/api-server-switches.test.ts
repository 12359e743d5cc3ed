// What tests hold the embedded API server by: its log, tokens, bookmarks, guard and bulk storage.
import { once } from 'node:events';
import { connect } from 'node:http2';
import test from 'ava';
import type { Json } from '../../testing/contract/client.ts';
import { addSecret, SECRETS, startServer, watchFromNow } from '../helpers/servers/api-server.ts';

const watchList = 'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';

test('requests of one HTTP/2 session share a connection number, and the log tells the protocol', async t => {
	const { server, client } = await startServer(t);
	const session = connect(server.url, { ca: server.ca });
	for (const name of ['a', 'b']) {
		const stream = session.request({
			':path': `${SECRETS}/${name}`,
			authorization: `Bearer ${server.adminToken}`,
		});
		stream.resume();
		await once(stream, 'end');
	}
	session.close();
	await client.send('GET', SECRETS, { userAgent: 'jasm/1' });
	const [a, b, list] = server.requests.all;
	t.deepEqual([a?.protocol, a?.verb, a?.name, a?.status], ['2.0', 'get', 'a', 404]);
	t.is(a?.connection, b?.connection);
	t.not(list?.connection, a?.connection);
	t.like(list, {
		protocol: '1.1',
		verb: 'list',
		resource: 'secrets',
		namespace: 'default',
		user: 'kubernetes-admin',
		userAgent: 'jasm/1',
	});
	t.is(server.connections, 2);
});

test('the log waits for requests and says what came instead', async t => {
	const { server, client } = await startServer(t);
	const second = server.requests.waitFor({ verb: 'list' }, { count: 2 });
	await client.send('GET', SECRETS);
	await client.send('GET', '/api/v1/pods');
	t.is((await second).resource, 'pods');
	await t.throwsAsync(server.requests.waitFor({ verb: 'delete' }, { timeoutMs: 1 }), {
		message: /list \/api\/v1\/pods 200/,
	});
});

test('a token ends at its time, when it is revoked, and the others with it when all are', async t => {
	let now = new Date();
	const { server, client } = await startServer(t, { now: () => now });
	const status = async (token: string): Promise<number> =>
		(await client.send('GET', SECRETS, { token })).status;
	const short = server.createToken('default', 'default', { seconds: 60 });
	const long = server.createToken('default', 'default', { seconds: 3600 });
	t.is(await status(short), 403);
	now = new Date(now.getTime() + 60_000);
	t.is(await status(short), 401);
	t.is(await status(long), 403);
	const other = server.createToken('default', 'default');
	server.faults.revokeTokens(long);
	t.deepEqual([await status(long), await status(other)], [401, 403]);
	server.faults.revokeTokens();
	t.is(await status(other), 401);
	t.is(await status(server.adminToken), 200);
});

test('WatchList can be switched off as by the feature gate and as before it existed', async t => {
	const { server, client } = await startServer(t);
	server.faults.watchList = 'off';
	const gate = await client.send('GET', `${SECRETS}?watch=1&${watchList}`);
	t.is(gate.status, 422);
	t.regex(
		gate.body['message'],
		/sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled/,
	);
	server.faults.watchList = 'unknown';
	t.regex(
		(await client.send('GET', `${SECRETS}?watch=1&${watchList}`)).body['message'],
		/resourceVersionMatch is forbidden for watch/,
	);
	server.faults.clear();
	t.is((await (await client.watch(SECRETS, watchList)).next())['type'], 'BOOKMARK');
});

test('bookmarks come at the interval and on demand, and only to those who allow them', async t => {
	const { server, client } = await startServer(t, { bookmarkIntervalMs: 20 });
	const without = await watchFromNow(server, client);
	const watch = await watchFromNow(server, client, '&allowWatchBookmarks=true');
	const first: Json = await watch.next();
	t.deepEqual(first, {
		type: 'BOOKMARK',
		object: { kind: 'Secret', apiVersion: 'v1', metadata: { resourceVersion: server.resourceVersion } },
	});
	addSecret(server, 'a');
	server.sendBookmarks();
	let event = await watch.next();
	while (event['type'] === 'BOOKMARK') event = await watch.next();
	t.is(event['object'].metadata.name, 'a');
	t.is((await watch.next())['object'].metadata.resourceVersion, server.resourceVersion);
	t.deepEqual(await without.take(1), ['ADDED a']);
});

test('pretty printing makes every answer but a stream many lines', async t => {
	const { server, client } = await startServer(t);
	server.faults.prettyPrint = true;
	addSecret(server, 'a');
	t.regex((await client.send('GET', `${SECRETS}/a`)).text, /^\{\n {2}"kind"/);
	t.regex((await (await client.watch(SECRETS)).line()) ?? '', /^\{"type"/);
});

test('the guard holds JASM while its policy and binding are stored, or while it is forced', async t => {
	const { server, client } = await startServer(t);
	const admission = [
		{ kind: 'ValidatingAdmissionPolicy', metadata: { name: 'jasm-secrets' }, spec: {} },
		{
			kind: 'ValidatingAdmissionPolicyBinding',
			metadata: { name: 'b' },
			spec: { policyName: 'jasm-secrets', validationActions: ['Deny'] },
		},
	];
	server.apply([
		{ kind: 'Namespace', metadata: { name: 'jasm' } },
		{ kind: 'ServiceAccount', metadata: { name: 'jasm', namespace: 'jasm' } },
		{
			kind: 'ClusterRole',
			metadata: { name: 'jasm' },
			rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }],
		},
		{
			kind: 'ClusterRoleBinding',
			metadata: { name: 'jasm' },
			roleRef: { kind: 'ClusterRole', name: 'jasm' },
			subjects: [{ kind: 'ServiceAccount', name: 'jasm', namespace: 'jasm' }],
		},
	]);
	const token = server.createToken('jasm', 'jasm');
	const post = async (): Promise<number> =>
		(await client.send('POST', `${SECRETS}?dryRun=All`, { token, body: { metadata: { name: 'a' } } })).status;
	t.is(await post(), 201);
	server.apply(admission);
	t.is(await post(), 422);
	server.setGuard(false);
	t.is(await post(), 201);
	server.setGuard(undefined);
	server.delete('ValidatingAdmissionPolicy', '', 'jasm-secrets');
	t.is(await post(), 201);
	server.setGuard(true);
	t.is(await post(), 422);
});

test('ten thousand seeded pods are listed and watched as any others', async t => {
	const { server, client } = await startServer(t);
	const spec = { containers: [{ name: 'c', image: 'x' }] };
	server.seed(
		'pods',
		Array.from({ length: 10_000 }, (_, index) => ({
			metadata: { name: `p${index}`, namespace: `ns${index % 7}` },
			spec,
		})),
	);
	t.is((await client.must('GET', '/api/v1/pods?limit=1'))['metadata'].remainingItemCount, 9999);
	const watch = await client.watch('/api/v1/pods', watchList);
	t.is(new Set(await watch.take(10_000)).size, 10_000);
	t.is((await watch.next())['type'], 'BOOKMARK');
	const [pod] = server.list('pods', 'ns3');
	server.seed('pods', [{ ...pod!, status: { phase: 'Running' } }]);
	t.like(await watch.next(), { type: 'MODIFIED', object: { metadata: { uid: pod!.metadata.uid } } });
});

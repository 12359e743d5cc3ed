// What the watcher over the wire promises: whatever the API server does, the store ends up right and nothing is missed.
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { serviceAccountCredentials } from '../../../src/kubernetes/auth/credentials.ts';
import { KubernetesError } from '../../../src/kubernetes/errors.ts';
import { type ApiServer, answers } from '../../../testing/index.ts';
import { until } from '../../helpers/clocks/until.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { folder } from '../../helpers/environment/folder.ts';
import { annotate, createPod, watching } from '../../helpers/watches/pod-watch.ts';
import { apiServer, clusterOf, hasty } from '../../helpers/watches/wired.ts';

const WATCH = { verb: 'watch', resource: 'pods' } as const;
const OPEN = { ...WATCH, status: 200 } as const;

/** A stream that is open and has delivered the collection of one annotated pod. */
async function streaming(t: ExecutionContext, options: Parameters<typeof apiServer>[1] = {}) {
	const server = await apiServer(t, options);
	createPod(server, 'first', '1');
	const watch = watching(t, server);
	await until(() => watch.names().length === 1);
	await server.requests.waitFor(OPEN);
	return { server, ...watch };
}

test('after a clean close the stream goes on where it was, without a relist', async t => {
	const { server, names, changes, lists } = await streaming(t);
	server.faults.endWatches();
	createPod(server, 'gap', '2');
	await until(() => names().length === 2);
	t.deepEqual(changes, ['+first=1', '+gap=2']);
	t.is(lists(), 1);
	t.is((await server.requests.waitFor(OPEN, { count: 2 })).query['sendInitialEvents'], undefined);
});

test('a connection that is reset in the middle of a line costs nothing but that line', async t => {
	const { server, names, changes, lists } = await streaming(t);
	for (const bytes of [1, 100, 300, 555]) {
		const name = `after-${bytes}`;
		const opened = server.requests.count(WATCH);
		server.faults.cutWatches(bytes);
		createPod(server, name, 'x');
		await until(() => names().includes(`${name}=x`));
		await server.requests.waitFor(OPEN, { count: opened + 1 });
	}
	t.is(changes.length, 5);
	t.is(lists(), 1);
});

for (const form of ['at connect', 'within the stream'] as const) {
	test(`an expired version ${form} brings a relist that notices what was deleted`, async t => {
		const { server, names, changes, lists } = await streaming(t);
		createPod(server, 'doomed', '2');
		await until(() => names().length === 2);
		if (form === 'at connect') {
			server.faults.inject(request => request.verb === 'watch' && 'resourceVersion' in request.query, {
				answer: answers.expired,
			});
			server.faults.stallWatches();
			server.delete('Pod', 'default', 'doomed');
			createPod(server, 'gap', '3');
			server.faults.endWatches();
			server.faults.resumeWatches();
		} else {
			server.faults.stallWatches();
			server.delete('Pod', 'default', 'doomed');
			createPod(server, 'gap', '3');
			server.faults.resumeWatches();
			server.faults.failWatches(answers.expired);
		}
		await until(() => names().join() === 'first=1,gap=3' && lists() === 2);
		t.deepEqual(
			changes.filter(change => change.includes('first')),
			['+first=1'],
		);
	});
}

test('a server that is behind is not believed: what was known stays until a fresh list', async t => {
	const { server, names, changes, lists } = await streaming(t);
	server.faults.inject(WATCH, { answer: answers.versionTooLarge });
	server.faults.endWatches();
	await until(() => lists() === 2 && names().length === 1);
	await server.requests.waitFor(OPEN, { count: 2 });
	t.deepEqual(changes, ['+first=1']);
});

test('a server that keeps the connection and says nothing is left after 70 s', async t => {
	const clock = new VirtualClock();
	const server = await apiServer(t);
	const { names, ends, lists } = watching(t, server, { clock });
	createPod(server, 'first', '1');
	await until(() => names().length === 1);
	server.faults.stallWatches();
	createPod(server, 'unseen', '2');
	await clock.advance(70_000);
	await until(() => ends.length === 1);
	t.like(ends[0], { reason: 'failed' });
	server.faults.resumeWatches();
	await clock.advance(1_600);
	await until(() => names().length === 2);
	t.is(lists(), 1);
});

test('a restart of the API server (refused, then 429, then ok) loses nothing', async t => {
	const { server, names, ends, lists } = await streaming(t);
	const rule = server.faults.inject(WATCH, { answer: answers.tooManyRequests(5) }, 2);
	await server.faults.refuseConnections();
	createPod(server, 'gap', '2');
	await until(() => ends.length >= 3);
	await server.faults.acceptConnections();
	await until(() => names().length === 2);
	t.is(rule.hits, 2);
	t.true(ends.some(end => end.reason === 'failed' && end.retryAfterMs === 5_000));
	t.is(lists(), 1);
});

/** A pod's ServiceAccount files. */
function serviceAccountFiles(t: ExecutionContext, server: ApiServer) {
	const { write } = folder(t);
	const tokenFile = write('token', server.adminToken);
	const caFile = write('ca.crt', server.ca);
	const credentials = serviceAccountCredentials({ tokenFile, caFile, clock: hasty });
	return { cluster: clusterOf(server, credentials), write };
}

test('a rotated token is read again as soon as the old one is refused', async t => {
	const server = await apiServer(t);
	server.create({ kind: 'ServiceAccount', metadata: { name: 'jasm', namespace: 'default' } });
	server.apply([
		{
			kind: 'ClusterRoleBinding',
			apiVersion: 'rbac.authorization.k8s.io/v1',
			metadata: { name: 'jasm' },
			roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pods' },
			subjects: [{ kind: 'ServiceAccount', name: 'jasm', namespace: 'default' }],
		},
		{
			kind: 'ClusterRole',
			apiVersion: 'rbac.authorization.k8s.io/v1',
			metadata: { name: 'pods' },
			rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }],
		},
	]);
	const { cluster, write } = serviceAccountFiles(t, server);
	const old = server.createToken('jasm', 'default');
	write('token', old);
	const { names, ends } = watching(t, server, { cluster });
	createPod(server, 'first', '1');
	await until(() => names().length === 1);
	server.faults.revokeTokens(old);
	write('token', server.createToken('jasm', 'default'));
	server.faults.endWatches();
	createPod(server, 'gap', '2');
	await until(() => names().length === 2);
	t.deepEqual(
		ends.map(({ reason }) => reason),
		['closed', 'failed'],
	);
});

test('a new authority is trusted from the next connection on', async t => {
	const server = await apiServer(t);
	const { cluster, write } = serviceAccountFiles(t, server);
	const { names, ends } = watching(t, server, { cluster });
	createPod(server, 'first', '1');
	await until(() => names().length === 1);
	const ca = server.faults.changeCertificate();
	server.faults.endWatches();
	createPod(server, 'gap', '2');
	await until(() => ends.some(({ reason }) => reason === 'failed'));
	write('ca.crt', ca);
	await until(() => names().length === 2);
	t.pass();
});

test('a right that was taken away is waited for, and named', async t => {
	const { server, names, ends } = await streaming(t);
	const rule = server.faults.inject(
		WATCH,
		{ answer: { status: 403, reason: 'Forbidden' } },
		Number.POSITIVE_INFINITY,
	);
	server.faults.endWatches();
	annotate(server, 'first', '2');
	await until(() => rule.hits === 2);
	const end = ends.find(({ reason }) => reason === 'failed');
	t.true(end?.reason === 'failed' && (end.error as KubernetesError).code === 'forbidden');
	t.true(end?.reason === 'failed' && end.error instanceof KubernetesError && end.retryAfterMs === 30_000);
	rule.remove();
	await until(() => names().join() === 'first=2');
});

test('a stream of arbitrary pieces of trouble ends with the same pods as the API server', async t => {
	const { server, names } = await streaming(t, { historySize: 40 });
	for (let round = 0; round < 30; round++) {
		createPod(server, `p${round}`, `v${round}`);
		if (round % 3 === 0) server.faults.endWatches();
		if (round % 4 === 1) server.faults.cutWatches(round * 37);
		if (round % 5 === 2) annotate(server, `p${round - 1}`, undefined);
		if (round % 6 === 3) server.delete('Pod', 'default', `p${round - 3}`);
		if (round % 7 === 4) server.faults.expireHistory();
		if (round % 10 === 5) server.faults.dropConnections();
		if (round % 11 === 6) server.faults.failWatches(answers.internalError);
		for (let turns = 0; turns < (round % 8) * 10; turns++) await turn();
	}
	const expected = server
		.list('Pod')
		.filter(({ metadata }) => metadata.annotations?.['jasm.codnod.io/secret-sync'] !== undefined)
		.map(({ metadata }) => `${metadata.name}=${metadata.annotations?.['jasm.codnod.io/secret-sync']}`)
		.sort();
	await until(() => names().join() === expected.join());
	t.is(names().join(), expected.join());
});

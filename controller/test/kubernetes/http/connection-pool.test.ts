// What the session promises: one connection for everybody, replaced when it ages, drains, breaks or goes deaf.
import test, { type ExecutionContext } from 'ava';
import { ConnectionLostError, DeadlineError } from '../../../src/kubernetes/http/connection.ts';
import { ConnectionPool } from '../../../src/kubernetes/http/connection-pool.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import type { ApiServer } from '../../../testing/index.ts';
import { until } from '../../helpers/clocks/until.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { rawServer } from '../../helpers/servers/raw-server.ts';
import { relayTo } from '../../helpers/servers/tcp-proxy.ts';
import { apiServer, clusterOf } from '../../helpers/watches/wired.ts';

const signal = new AbortController().signal;
const SECRETS = { resource: 'secrets' } as const;

type Options = { clock?: Clock; port?: number; maxInFlight?: number; maxWaiting?: number };

function sessionOf(
	t: ExecutionContext,
	server: ApiServer,
	{ clock = systemClock, port, ...limits }: Options = {},
) {
	const own = clusterOf(server);
	const cluster = { ...own, port: port ?? own.port };
	const pool = new ConnectionPool({ cluster, clock, random: () => 0.5, ...limits });
	t.teardown(() => pool.close());
	const headers = { authorization: `Bearer ${server.adminToken}`, 'user-agent': 'jasm/0' };
	const get = (abort = signal) =>
		pool.request({ method: 'GET', path: '/api/v1/namespaces/default/secrets/x', headers }, abort);
	const post = (name: string, bytes = 1) =>
		pool.request(
			{
				method: 'POST',
				path: '/api/v1/namespaces/default/secrets',
				headers: {
					...headers,
					'content-type': 'application/json',
					accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
				},
				body: JSON.stringify({
					apiVersion: 'v1',
					kind: 'Secret',
					metadata: { name },
					data: { a: Buffer.alloc(bytes).toString('base64') },
				}),
			},
			signal,
		);
	return { pool, get, post };
}

test('a hundred requests at once take one connection', async t => {
	const server = await apiServer(t);
	const { post } = sessionOf(t, server);
	const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => post(`s${i}`)));
	t.true(answers.every(({ status }) => status === 201));
	t.is(server.connections, 1);
	t.deepEqual([...new Set(server.requests.filter(SECRETS).map(({ protocol }) => protocol))], ['2.0']);
});

test('no more than 64 requests are in flight; the next starts when one ends', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true }, Number.POSITIVE_INFINITY);
	const { get } = sessionOf(t, server);
	const aborts = Array.from({ length: 70 }, () => new AbortController());
	const all = aborts.map(abort => get(abort.signal).catch(() => {}));
	await until(() => server.requests.count(SECRETS) === 64);
	aborts[0]!.abort();
	await until(() => server.requests.count(SECRETS) === 65);
	// One that waits can be called off without ever being sent.
	aborts[69]!.abort();
	await all[69];
	for (const abort of aborts.slice(1, 3)) abort.abort();
	await until(() => server.requests.count(SECRETS) === 67);
	for (const abort of aborts) abort.abort();
	await Promise.all(all);
	t.is(server.requests.count(SECRETS), 67);
	t.is(server.connections, 1);
});

test('a queue that is full refuses instead of growing', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true }, Number.POSITIVE_INFINITY);
	const { get, pool } = sessionOf(t, server, { maxInFlight: 1, maxWaiting: 1 });
	const pending = [get(), get()].map(request => request.catch((error: Error) => error.message));
	await t.throwsAsync(get(), { message: '1 requests are waiting already' });
	pool.close();
	await Promise.all(pending);
});

test('sixty-four Secrets of 1 MB at once are written', async t => {
	const server = await apiServer(t);
	const { post } = sessionOf(t, server);
	const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => post(`big${i}`, 1_000_000)));
	t.true(answers.every(({ status }) => status === 201));
});

test('connecting ahead opens the connection that the first request uses, and never rejects', async t => {
	const server = await apiServer(t);
	const { pool, get } = sessionOf(t, server);
	await Promise.all([pool.connect(), pool.connect()]);
	await until(() => server.connections === 1);
	await get();
	t.is(server.connections, 1);
	await sessionOf(t, server, { port: 1 }).pool.connect();
});

test('after GOAWAY what is in flight finishes and what follows goes elsewhere', async t => {
	const server = await apiServer(t);
	const { get } = sessionOf(t, server);
	await get();
	server.faults.inject(SECRETS, { delayMs: 50 });
	const inFlight = get();
	await until(() => server.requests.count(SECRETS) === 2);
	server.faults.goAway();
	t.is((await inFlight).status, 404);
	t.is((await get()).status, 404);
	t.deepEqual(
		server.requests.filter(SECRETS).map(({ connection }) => connection),
		[1, 1, 2],
	);
});

test('a reset connection fails what was in flight as lost and the next request opens another', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true });
	const { get } = sessionOf(t, server);
	const lost = t.throwsAsync(get(), { instanceOf: ConnectionLostError });
	await until(() => server.requests.count(SECRETS) === 1);
	server.faults.dropConnections();
	await lost;
	t.is((await get()).status, 404);
});

test('an answer that is cut off is lost, never taken for a shorter one', async t => {
	const server = await apiServer(t);
	const { get } = sessionOf(t, server);
	const { length } = (await get()).body;
	for (const bytes of [0, 1, length - 1]) {
		server.faults.inject(SECRETS, { cutAfterBytes: bytes });
		const outcome = await get().catch((error: unknown) => error);
		// An error status that arrived is an answer, however its text fares.
		t.true(outcome instanceof ConnectionLostError || (outcome as { status: number }).status === 404);
	}
	server.create({ kind: 'Secret', metadata: { name: 'x', namespace: 'default' } });
	server.faults.inject(SECRETS, { cutAfterBytes: 10 });
	await t.throwsAsync(get(), { instanceOf: ConnectionLostError });
});

test('a connection that owes an answer and gives none, not even to a PING, is given up after 4 s', async t => {
	const clock = new VirtualClock();
	const server = await apiServer(t);
	const relay = await relayTo(t, Number(new URL(server.url).port));
	const { get } = sessionOf(t, server, { clock, port: relay.port });
	await get();
	relay.stall();
	const wedged = get();
	let lost = false;
	const outcome = t.throwsAsync(wedged, { instanceOf: ConnectionLostError }).then(() => {
		lost = true;
	});
	await clock.advance(3_999);
	t.false(lost);
	await clock.advance(1);
	await outcome;
	relay.resume();
	t.is((await get()).status, 404);
	t.is(server.connections, 2);
});

test('a quiet connection that answers its PINGs is kept, until it is half an hour old', async t => {
	const clock = new VirtualClock();
	const server = await apiServer(t);
	const { get } = sessionOf(t, server, { clock });
	await get();
	const quarter = async () => {
		await clock.advance(15_000);
		await until(() => clock.pending === 15_000);
	};
	for (let minutes = 0.25; minutes < 30; minutes += 0.25) await quarter();
	await get();
	t.is(server.connections, 1);
	await quarter();
	await get();
	t.is(server.connections, 2);
});

test('a request that ran out of time takes its connection with it', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true });
	const { get } = sessionOf(t, server);
	const abort = new AbortController();
	const late = get(abort.signal);
	await until(() => server.requests.count(SECRETS) === 1);
	abort.abort(new DeadlineError());
	await t.throwsAsync(late, { instanceOf: DeadlineError });
	await get();
	t.deepEqual(
		server.requests.filter(SECRETS).map(({ connection }) => connection),
		[1, 2],
	);
});

test('a request that its caller called off leaves the connection alone', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true });
	const { get } = sessionOf(t, server);
	const abort = new AbortController();
	const called = get(abort.signal);
	await until(() => server.requests.count(SECRETS) === 1);
	abort.abort(new Error('obsolete'));
	await t.throwsAsync(called, { message: 'obsolete' });
	await get();
	t.is(server.connections, 1);
});

test('a server that accepts and says nothing is given up after 5 s', async t => {
	const clock = new VirtualClock();
	const server = await rawServer(t, { mute: true });
	const pool = new ConnectionPool({ cluster: server.cluster, clock, random: () => 0.5 });
	const request = pool.request({ method: 'GET', path: '/', headers: {} }, signal);
	await until(() => server.connections === 1);
	void clock.advance(5_000);
	await t.throwsAsync(request, { message: 'connecting took longer than 5000 ms' });
	pool.close();
});

test('closing fails what is in flight and what waits, and nothing starts after it', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true }, Number.POSITIVE_INFINITY);
	const { pool, get } = sessionOf(t, server, { maxInFlight: 1 });
	const inFlight = t.throwsAsync(get());
	const waiting = t.throwsAsync(get());
	await until(() => server.requests.count(SECRETS) === 1);
	pool.close();
	await Promise.all([inFlight, waiting]);
	await t.throwsAsync(get(), { message: 'the session is closed' });
	t.is(server.requests.count(SECRETS), 1);
});

test('recycling opens a new connection for what follows, while what is in flight finishes', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { delayMs: 50 });
	const { pool, get } = sessionOf(t, server);
	const inFlight = get();
	await until(() => server.requests.count(SECRETS) === 1);
	pool.recycle();
	t.is((await get()).status, 404);
	t.is((await inFlight).status, 404);
	t.is(server.connections, 2);
});

test('an answer beyond the limit is refused before it fills the memory, and the connection lives on', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { answer: { status: 200, body: 'x'.repeat(5_000_000) } });
	const { get } = sessionOf(t, server);
	await t.throwsAsync(get(), { message: 'the answer is larger than 4194304 bytes' });
	t.is((await get()).status, 404);
	t.is(server.connections, 1);
});

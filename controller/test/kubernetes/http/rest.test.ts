// A unary request ends in time, with a response or a KubernetesError; it is resent once and refreshed once.
import test, { type ExecutionContext } from 'ava';
import { KubernetesError } from '../../../src/kubernetes/errors.ts';
import type { RestRequest } from '../../../src/kubernetes/http/rest.ts';
import { answers } from '../../../testing/index.ts';
import { until } from '../../helpers/clocks/until.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { FixedCredentials } from '../../helpers/servers/raw-server.ts';
import { apiServer, clusterOf, wired } from '../../helpers/watches/wired.ts';

const SECRETS = { resource: 'secrets' } as const;
const read: RestRequest = {
	verb: 'get',
	resource: 'secrets',
	doing: 'reading a test',
	path: '/api/v1/namespaces/default/secrets/x',
};
const create: RestRequest = {
	...read,
	verb: 'create',
	path: '/api/v1/namespaces/default/secrets',
	body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } },
};

const unavailable = (t: ExecutionContext, promise: Promise<unknown>, message: string | RegExp) =>
	t.throwsAsync<KubernetesError>(promise, { instanceOf: KubernetesError, code: 'unavailable', message });

test('any answer is an answer: status, headers and the parsed body', async t => {
	const server = await apiServer(t);
	const { rest } = wired(t, server);
	t.like(await rest.request(create), { status: 201, body: { kind: 'Secret', metadata: { name: 'x' } } });
	server.faults.inject(SECRETS, { answer: answers.tooManyRequests(5) });
	t.like(await rest.request(read), {
		status: 429,
		headers: { 'retry-after': '5' },
		body: { kind: 'Status' },
	});
	server.faults.inject(SECRETS, { answer: { status: 502, body: '<html>' } });
	t.like(await rest.request(read), { status: 502, body: undefined });
});

test('a connection that is lost before or after the work was done costs one resend', async t => {
	for (const drop of ['before', 'after'] as const) {
		const server = await apiServer(t);
		server.faults.inject(SECRETS, { drop });
		const { rest } = wired(t, server);
		// What was carried out is met by its own resend.
		t.is((await rest.request(create)).status, drop === 'before' ? 201 : 409);
		t.is(server.requests.count(SECRETS), 2);
	}
});

test('a connection that is lost twice is reported, not tried a third time', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { drop: 'before' }, Number.POSITIVE_INFINITY);
	const { rest } = wired(t, server);
	await unavailable(t, rest.request(read), 'reading a test: the API server cannot be reached');
	t.is(server.requests.count(SECRETS), 2);
});

test('a server that cannot be reached is reported with the cause in the details alone', async t => {
	const server = await apiServer(t);
	const { rest, facts } = wired(t, server, { cluster: { ...clusterOf(server), port: 1 } });
	const error = await unavailable(t, rest.request(read), 'reading a test: the API server cannot be reached');
	t.is(error?.details['error'], 'ECONNREFUSED');
	t.like(facts, [{ verb: 'get', resource: 'secrets', status: 0 }]);
});

test('an answer that does not come is waited for ten seconds', async t => {
	const clock = new VirtualClock();
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true });
	const { rest, facts } = wired(t, server, { clock });
	const late = unavailable(t, rest.request(read), 'reading a test: no answer within 10000 ms');
	await until(() => server.requests.count(SECRETS) === 1);
	await clock.advance(9_999);
	t.is(facts.length, 0);
	await clock.advance(1);
	await late;
	t.deepEqual(facts, [{ verb: 'get', resource: 'secrets', status: 0, durationMs: 10_000 }]);
	t.is((await rest.request(read)).status, 404);
});

test('after a 401 the token is read again and the request sent once more, after a moment', async t => {
	const server = await apiServer(t);
	const credentials = new FixedCredentials({ ca: server.ca, token: 'stale' });
	let read401 = 0;
	const fresh = {
		tls: credentials.tls,
		authorization: async () => `Bearer ${read401 > 0 ? server.adminToken : 'stale'}`,
		invalidate: () => void read401++,
	};
	const clock = new VirtualClock();
	const { rest, facts } = wired(t, server, { clock, cluster: clusterOf(server, fresh) });
	const answer = rest.request(read);
	await until(() => read401 === 1);
	await until(() => clock.pending === 250 + 750 * 0.5);
	await clock.advance(625);
	t.is((await answer).status, 404);
	t.is(server.requests.count(SECRETS), 2);
	t.like(facts, [{ status: 404 }]);
});

test('a token that is refused twice is reported as it is', async t => {
	const server = await apiServer(t);
	const credentials = new FixedCredentials({ ca: server.ca, token: 'wrong' });
	const { rest } = wired(t, server, { cluster: clusterOf(server, credentials) });
	t.is((await rest.request(read)).status, 401);
	t.is(server.requests.count(SECRETS), 2);
	t.is(credentials.invalidations, 1);
});

test('credentials that cannot be read make the API server unavailable, not the work invalid', async t => {
	const server = await apiServer(t);
	const credentials = new FixedCredentials({ ca: server.ca });
	credentials.authorization = async () => {
		throw new KubernetesError({ code: 'configuration', doing: 'reading "token"', why: 'ENOENT' });
	};
	const { rest } = wired(t, server, { cluster: clusterOf(server, credentials) });
	await unavailable(t, rest.request(read), 'reading a test: the credentials for it cannot be read');
});

test('a request that is called off rejects as aborted, before, while and instead of sending', async t => {
	const server = await apiServer(t);
	server.faults.inject(SECRETS, { hang: true });
	const { rest } = wired(t, server);
	const aborted = {
		instanceOf: KubernetesError,
		code: 'aborted',
		message: 'reading a test: aborted',
	} as const;
	await t.throwsAsync(rest.request({ ...read, signal: AbortSignal.abort() }), aborted);
	t.is(server.requests.count(SECRETS), 0);
	const abort = new AbortController();
	const called = t.throwsAsync(rest.request({ ...read, signal: abort.signal }), aborted);
	await until(() => server.requests.count(SECRETS) === 1);
	abort.abort();
	await called;
});

test('a request leaves nothing behind: no timer, no listener', async t => {
	const clock = new VirtualClock();
	const server = await apiServer(t);
	const { rest, pool } = wired(t, server, { clock });
	const abort = new AbortController();
	let listeners = 0;
	const { signal } = abort;
	const add = signal.addEventListener.bind(signal);
	const remove = signal.removeEventListener.bind(signal);
	signal.addEventListener = (...args: Parameters<typeof add>) => {
		listeners++;
		add(...args);
	};
	signal.removeEventListener = (...args: Parameters<typeof remove>) => {
		listeners--;
		remove(...args);
	};
	for (let i = 0; i < 5; i++) await rest.request({ ...read, signal });
	t.is(listeners, 0);
	pool.close();
	await until(() => clock.timers === 0);
});

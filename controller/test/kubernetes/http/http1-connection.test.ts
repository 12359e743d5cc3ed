// What the fallback promises where h2 is refused: the same requests, over a few connections that are kept.
import type { ServerResponse } from 'node:http';
import test from 'ava';
import { ConnectionLostError } from '../../../src/kubernetes/http/connection.ts';
import { ConnectionPool } from '../../../src/kubernetes/http/connection-pool.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { until } from '../../helpers/clocks/until.ts';
import { type HttpsServer, httpsServer } from '../../helpers/servers/https-server.ts';

const signal = new AbortController().signal;
const get = { method: 'GET', path: '/api/v1/x?y=1', headers: { authorization: 'Bearer token' } } as const;
const sessionOf = ({ cluster }: HttpsServer) =>
	new ConnectionPool({ cluster, clock: systemClock, random: () => 0.5 });

test('requests and answers pass whole, body and headers included', async t => {
	const server = await httpsServer(t, (request, response) => {
		let body = '';
		request.on('data', bytes => {
			body += bytes;
		});
		request.on('end', () => {
			response.writeHead(201, { 'retry-after': '5' });
			const { host, authorization, 'content-length': length } = request.headers;
			response.end(
				JSON.stringify({ method: request.method, url: request.url, host, authorization, length, body }),
			);
		});
	});
	const pool = sessionOf(server);
	t.teardown(() => pool.close());
	const answer = await pool.request({ ...get, method: 'PUT', body: '{"ü":1}' }, signal);
	t.is(answer.status, 201);
	t.is(answer.headers['retry-after'], '5');
	t.deepEqual(JSON.parse(answer.body.toString()), {
		method: 'PUT',
		url: '/api/v1/x?y=1',
		host: `127.0.0.1:${server.cluster.port}`,
		authorization: 'Bearer token',
		length: '8',
		body: '{"ü":1}',
	});
});

test('a hundred requests take no more than sixteen connections, one after the other a single one', async t => {
	const server = await httpsServer(t, (_request, response) => response.end('{}'));
	const pool = sessionOf(server);
	t.teardown(() => pool.close());
	for (let i = 0; i < 5; i++) await pool.request(get, signal);
	// One more found out that the server refuses h2.
	t.true(server.connections <= 2);
	await Promise.all(Array.from({ length: 100 }, () => pool.request(get, signal)));
	t.true(server.connections <= 17);
});

test('a connection that breaks fails its request as lost, a server error does not', async t => {
	const server = await httpsServer(t, (request, response) => {
		if (request.url === '/500') response.writeHead(500).end('oops');
		else if (request.url === '/cut')
			response.writeHead(200, { 'content-length': '100' }).write('x', () => request.socket.destroy());
		else request.socket.destroy();
	});
	const pool = sessionOf(server);
	t.teardown(() => pool.close());
	await t.throwsAsync(pool.request({ ...get, path: '/reset' }, signal), {
		instanceOf: ConnectionLostError,
	});
	await t.throwsAsync(pool.request({ ...get, path: '/cut' }, signal), { instanceOf: ConnectionLostError });
	t.is((await pool.request({ ...get, path: '/500' }, signal)).status, 500);
});

test('an answer beyond the limit is refused before it fills the memory', async t => {
	const server = await httpsServer(t, (_request, response) => response.end(Buffer.alloc(5_000_000)));
	const pool = sessionOf(server);
	t.teardown(() => pool.close());
	await t.throwsAsync(pool.request(get, signal), { message: 'the answer is larger than 4194304 bytes' });
});

test('a request that is called off ends at once', async t => {
	const open: ServerResponse[] = [];
	const server = await httpsServer(t, (_request, response) => open.push(response));
	const pool = sessionOf(server);
	t.teardown(() => pool.close());
	const abort = new AbortController();
	const request = pool.request(get, abort.signal);
	await until(() => open.length === 1);
	abort.abort(new Error('obsolete'));
	await t.throwsAsync(request, { message: 'obsolete' });
	await until(() => open[0]!.destroyed);
});

test('closing the session closes the connections', async t => {
	const open: ServerResponse[] = [];
	const server = await httpsServer(t, (_request, response) => open.push(response));
	const pool = sessionOf(server);
	const lost = t.throwsAsync(pool.request(get, signal), { instanceOf: ConnectionLostError });
	await until(() => open.length === 1);
	pool.close();
	await lost;
});

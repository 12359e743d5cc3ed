// Connections through a proxy: both versions of HTTP work, and a proxy that refuses or hangs is reported in time.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import { ConnectionPool } from '../../../src/kubernetes/http/connection-pool.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { until } from '../../helpers/clocks/until.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { httpsServer } from '../../helpers/servers/https-server.ts';
import { apiServer, clusterOf } from '../../helpers/watches/wired.ts';

/** A proxy on loopback until the test ends; `refusal` answers every CONNECT. */
async function proxy(t: ExecutionContext, refusal?: string) {
	const server = createServer();
	const sockets = new Set<Socket>();
	const targets: string[] = [];
	server.on('connection', socket => sockets.add(socket.on('error', () => {})));
	server.on('connect', ({ url = '' }, near) => {
		targets.push(url);
		if (refusal !== undefined) {
			near.end(refusal);
			return;
		}
		const { hostname, port } = new URL(`http://${url}`);
		const far = connect(Number(port), hostname, () => {
			near.write('HTTP/1.1 200 OK\r\n\r\n');
			near.pipe(far).pipe(near);
		});
		sockets.add(far.on('error', () => near.destroy()));
		near.on('error', () => far.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	return { targets, config: { secure: false, host: '127.0.0.1', port } };
}

const never = new AbortController().signal;
const get = { method: 'GET', path: '/version', headers: {} } as const;

function poolOf(t: ExecutionContext, cluster: ClusterConfig, clock = systemClock) {
	const pool = new ConnectionPool({ cluster, clock, random: () => 0.5 });
	t.teardown(() => pool.close());
	return pool;
}

test('one connection of HTTP/2 through the proxy serves many requests', async t => {
	const server = await apiServer(t);
	const { targets, config } = await proxy(t);
	const pool = poolOf(t, { ...clusterOf(server), proxy: config });
	for (let i = 0; i < 3; i++) t.is((await pool.request(get, never)).status, 200);
	t.deepEqual(targets, [new URL(server.url).host]);
});

test('a server of HTTP/1.1 is reached through the proxy too', async t => {
	const { cluster } = await httpsServer(t, (_, response) => response.end('{}'));
	const { targets, config } = await proxy(t);
	const pool = poolOf(t, { ...cluster, proxy: config });
	for (let i = 0; i < 3; i++) t.is((await pool.request(get, never)).status, 200);
	// The first connection shows which version is spoken, the second one carries the requests.
	t.deepEqual(targets, [`127.0.0.1:${cluster.port}`, `127.0.0.1:${cluster.port}`]);
});

test('a proxy that refuses is reported with its status', async t => {
	const server = await apiServer(t);
	const { config } = await proxy(t, 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
	const pool = poolOf(t, { ...clusterOf(server), proxy: config });
	await t.throwsAsync(pool.request(get, never), { message: 'the proxy refused to connect (407)' });
});

test('a proxy that says nothing is given up after five seconds', async t => {
	const server = await apiServer(t);
	const sockets: Socket[] = [];
	const mute = createTcpServer(socket => sockets.push(socket.on('error', () => {})));
	mute.listen(0, '127.0.0.1');
	await once(mute, 'listening');
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		mute.close();
	});
	const { port } = mute.address() as AddressInfo;
	const clock = new VirtualClock();
	const pool = poolOf(t, { ...clusterOf(server), proxy: { secure: false, host: '127.0.0.1', port } }, clock);
	const late = t.throwsAsync(pool.request(get, never), { message: 'connecting took longer than 5000 ms' });
	await until(() => sockets.length === 1);
	await clock.advance(5_000);
	await late;
});

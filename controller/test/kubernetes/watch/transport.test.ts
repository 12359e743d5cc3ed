// What the transport promises: bytes as they come, one end for every stream, and no wait without a limit.
import test from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import { createWatchTransport, type WatchRequest } from '../../../src/kubernetes/watch/transport.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { until } from '../../helpers/clocks/until.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { FixedCredentials, rawServer } from '../../helpers/servers/raw-server.ts';

type Options = { clock?: Clock; request?: Partial<WatchRequest>; onChunk?: (text: string) => void };

function open(cluster: ClusterConfig, { clock = systemClock, request = {}, onChunk }: Options = {}) {
	const transport = createWatchTransport({ cluster, clock, userAgent: 'jasm/1.2.3' });
	const { promise: ended, resolve } = Promise.withResolvers<Error | undefined>();
	const abort = new AbortController();
	const seen = { status: 0, headers: {} as Readonly<Record<string, string>>, body: '', ends: 0 };
	transport.open(
		{ path: '/api/v1/pods?watch=1', accept: 'application/json', ...request },
		{
			onHeaders: (status, headers) => Object.assign(seen, { status, headers }),
			onChunk(chunk) {
				const text = Buffer.from(chunk).toString();
				seen.body += text;
				onChunk?.(text);
			},
			onEnd(error) {
				seen.ends++;
				resolve(error);
			},
		},
		abort.signal,
	);
	return { seen, ended, abort };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

test('a stream is delivered as it comes and ends without an error when the server ends it', async t => {
	const server = await rawServer(t);
	const { seen, ended } = open(server.cluster);
	const { socket } = await server.next();
	socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunk('{"a":1}\n')}`);
	await until(() => seen.body === '{"a":1}\n');
	t.like(seen, { status: 200, ends: 0, headers: { 'content-type': 'application/json' } });
	socket.end(`${chunk('{"b":2}\n')}0\r\n\r\n`);
	t.is(await ended, undefined);
	t.is(seen.body, '{"a":1}\n{"b":2}\n');
});

test('the request names JASM, its token and what it accepts, and asks for no encoding', async t => {
	const server = await rawServer(t, { basePath: '/k8s/clusters/c1' });
	open(server.cluster);
	const { request, socket } = await server.next();
	t.regex(request, /^GET \/k8s\/clusters\/c1\/api\/v1\/pods\?watch=1 HTTP\/1\.1\r\n/);
	t.regex(request, /\r\nuser-agent: jasm\/1\.2\.3\r\n/);
	t.regex(request, /\r\nauthorization: Bearer token\r\n/);
	t.regex(request, /\r\naccept: application\/json\r\n/);
	t.notRegex(request, /accept-encoding/i);
	t.is(socket.alpnProtocol, 'http/1.1');
});

test('bodies with a length, up to the close, and after a 1xx come through whole', async t => {
	const forms = [
		`${OK}content-length: 4\r\n\r\nbody`,
		`${OK}connection: close\r\n\r\nbody`,
		`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}content-length: 4\r\n\r\nbody`,
		`${OK}transfer-encoding: chunked\r\n\r\n0002;ext="x"\r\nbo\r\n2\r\ndy\r\n0\r\ntrailer: x\r\n\r\n`,
	];
	for (const form of forms) {
		const server = await rawServer(t);
		const { seen, ended } = open(server.cluster);
		(await server.next()).socket.end(form);
		t.is(await ended, undefined);
		t.like(seen, { status: 200, body: 'body', ends: 1 });
	}
});

test('a stream that breaks ends with an error, never as if it were complete', async t => {
	const forms = [
		`${OK}transfer-encoding: chunked\r\n\r\n${chunk('{"a":1}\n')}`,
		`${OK}transfer-encoding: chunked\r\n\r\n8\r\n{"a"`,
		`${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`,
		`${OK}content-length: 100\r\n\r\nshort`,
		`${OK}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\nbody`,
		'HTTP/1.1 200',
		'SSH-2.0-OpenSSH\r\n',
		'',
	];
	for (const form of forms) {
		const server = await rawServer(t);
		const { seen, ended } = open(server.cluster);
		(await server.next()).socket.end(form);
		t.true((await ended) instanceof Error, form);
		t.is(seen.ends, 1);
	}
});

test('a refused connection and an unknown authority end the stream with an error', async t => {
	const server = await rawServer(t);
	const closed = open({ ...server.cluster, port: 1 });
	t.true((await closed.ended) instanceof Error);
	const other = (await rawServer(t)).cluster;
	const untrusted = open({ ...other, credentials: new FixedCredentials({ ca: '' }) });
	t.true((await untrusted.ended) instanceof Error);
	t.is(untrusted.seen.status, 0);
});

test('an encoded body is refused: nothing here could decode it', async t => {
	const server = await rawServer(t);
	const { seen, ended } = open(server.cluster);
	(await server.next()).socket.end(`${OK}content-encoding: gzip\r\ncontent-length: 4\r\n\r\nbody`);
	t.is((await ended)?.message, 'the answer is encoded as "gzip"');
	t.is(seen.body, '');
});

test('a redirect is an answer, not a place to send the token to', async t => {
	const server = await rawServer(t);
	const { seen, ended } = open(server.cluster);
	(await server.next()).socket.end(
		'HTTP/1.1 302 Found\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n',
	);
	t.is(await ended, undefined);
	t.is(seen.status, 302);
	t.is(server.connections, 1);
});

test('of an answer that is not 200 no more than 64 KiB are kept', async t => {
	const server = await rawServer(t);
	const { seen, ended } = open(server.cluster);
	const { socket } = await server.next();
	socket.write(`HTTP/1.1 500 Oops\r\ncontent-length: 10000000\r\n\r\n${'x'.repeat(200_000)}`);
	t.is(await ended, undefined);
	t.is(seen.body.length, 64 * 1024);
});

test('a 401 drops the cached token', async t => {
	const server = await rawServer(t);
	const { ended } = open(server.cluster);
	(await server.next()).socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
	await ended;
	t.is(server.credentials.invalidations, 1);
});

test('an abort ends the stream at once, without an error and only once', async t => {
	const server = await rawServer(t);
	const { seen, ended, abort } = open(server.cluster);
	const { socket } = await server.next();
	socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunk('x')}`);
	await until(() => seen.body === 'x');
	abort.abort();
	t.is(seen.ends, 1);
	t.is(await ended, undefined);
	await until(() => socket.destroyed);
	t.is(seen.ends, 1);
});

test('a signal that aborted before opens no connection', async t => {
	const server = await rawServer(t);
	const transport = createWatchTransport({
		cluster: server.cluster,
		clock: systemClock,
		userAgent: 'jasm/1',
	});
	let ends = 0;
	const sink = { onHeaders: () => t.fail(), onChunk: () => t.fail(), onEnd: () => void ends++ };
	transport.open({ path: '/', accept: '' }, sink, AbortSignal.abort());
	t.is(ends, 1);
	t.is(server.connections, 0);
});

test('what the sink throws ends the stream with it', async t => {
	const server = await rawServer(t);
	const fault = new Error('a bug in the sink');
	const { ended } = open(server.cluster, {
		onChunk() {
			throw fault;
		},
	});
	const { socket } = await server.next();
	socket.write(`${OK}transfer-encoding: chunked\r\n\r\n${chunk('x')}`);
	t.is(await ended, fault);
	await until(() => socket.destroyed);
});

test('a server that accepts and says nothing is given up after 5 s', async t => {
	const clock = new VirtualClock();
	const server = await rawServer(t, { mute: true });
	const { ended } = open(server.cluster, { clock });
	await until(() => server.connections === 1);
	await clock.advance(5_000);
	t.is((await ended)?.message, 'connecting took longer than 5000 ms');
});

test('an answer has 10 s to begin, or as long as the request says', async t => {
	for (const headerTimeoutMs of [undefined, 30_000]) {
		const clock = new VirtualClock();
		const server = await rawServer(t);
		const limit = headerTimeoutMs ?? 10_000;
		const { seen, ended } = open(server.cluster, {
			clock,
			request: headerTimeoutMs === undefined ? {} : { headerTimeoutMs },
		});
		await server.next();
		await clock.advance(limit - 1);
		t.is(seen.ends, 0);
		await clock.advance(1);
		t.is((await ended)?.message, `waiting for an answer took longer than ${limit} ms`);
	}
});

test('a stream that is silent for 70 s ends, a byte in between is enough to keep it', async t => {
	const clock = new VirtualClock();
	const server = await rawServer(t);
	const { seen, ended } = open(server.cluster, { clock });
	const { socket } = await server.next();
	socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
	await until(() => seen.status === 200);
	for (const text of ['a', 'b']) {
		await clock.advance(69_999);
		socket.write(chunk(text));
		await until(() => seen.body.endsWith(text));
	}
	await clock.advance(69_999);
	t.is(seen.ends, 0);
	await clock.advance(1);
	t.is((await ended)?.message, 'the stream was silent for 70000 ms');
	t.is(clock.timers, 0);
});

test('credentials that do not come are waited for, but not for ever', async t => {
	const clock = new VirtualClock();
	const server = await rawServer(t);
	const credentials = new FixedCredentials();
	credentials.authorization = () => new Promise(() => {});
	const { ended } = open({ ...server.cluster, credentials }, { clock });
	await clock.advance(30_000);
	t.is((await ended)?.message, 'reading credentials took longer than 30000 ms');
});

// What one stream over the wire promises: the collection, its changes, a version to resume from, a reason to end.
import test from 'ava';
import { KubernetesError } from '../../../src/kubernetes/errors.ts';
import { answers } from '../../../testing/index.ts';
import { until } from '../../helpers/clocks/until.ts';
import { annotate, createPod, openStream } from '../../helpers/watches/pod-watch.ts';
import { ANNOTATION, bookmark, line, podMeta } from '../../helpers/watches/watch-lines.ts';
import { apiServer } from '../../helpers/watches/wired.ts';

const WATCH = { verb: 'watch', resource: 'pods' } as const;
const LIST = { verb: 'list', resource: 'pods' } as const;

for (const watchList of ['on', 'off', 'unknown'] as const) {
	test(`the collection, then its changes, from a server whose WatchList is ${watchList}`, async t => {
		const server = await apiServer(t, { watchList });
		for (const name of ['a', 'b']) createPod(server, name, `for ${name}`);
		createPod(server, 'other');
		const { messages } = openStream(t, server);
		await until(() => messages.at(-1)?.type === 'initial-end');
		const brought = messages.map(message => (message.type === 'apply' ? message.record.name : message.type));
		t.deepEqual(brought, ['a', 'b', 'initial-end']);
		annotate(server, 'a', 'changed');
		annotate(server, 'b', undefined);
		annotate(server, 'other', 'new');
		server.delete('Pod', 'default', 'a');
		await until(() => messages.filter(({ type }) => type === 'delete').length === 2);
		const changes = messages.slice(3).filter(({ type }) => type !== 'progress');
		t.deepEqual(
			changes.map(message => (message.type === 'apply' ? message.record.annotation : message.type)),
			// A pod that is being deleted changes first, then goes.
			['changed', 'delete', 'new', 'changed', 'delete'],
		);
		t.is(server.requests.count(LIST), watchList === 'on' ? 0 : 1);
	});
}

test('a stream asks for metadata alone, of live pods, with bookmarks and an end within ten minutes', async t => {
	const server = await apiServer(t);
	openStream(t, server);
	const { query, accept, userAgent, protocol } = await server.requests.waitFor(WATCH);
	t.deepEqual(query, {
		fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
		watch: '1',
		allowWatchBookmarks: 'true',
		sendInitialEvents: 'true',
		resourceVersionMatch: 'NotOlderThan',
		timeoutSeconds: '450',
	});
	t.regex(accept, /^application\/json;as=PartialObjectMetadata;g=meta\.k8s\.io;v=v1/);
	t.is(userAgent, 'jasm/0.0.0');
	t.is(protocol, '1.1');
});

test('a server without WatchList is asked for it once, not at every start', async t => {
	const server = await apiServer(t, { watchList: 'unknown' });
	let fallbacks = 0;
	const stream = openStream(t, server, undefined, { listWatch: { onFallback: () => fallbacks++ } });
	for (let lists = 1; lists <= 2; lists++) {
		await server.requests.waitFor({ ...WATCH, status: 200 }, { count: lists });
		server.faults.endWatches();
		await stream.ended;
		if (lists === 1) void stream.reopen();
	}
	t.is(server.requests.count({ ...WATCH, status: 422 }), 1);
	t.is(fallbacks, 1);
});

test('a long collection is listed in pages of 500 and comes whole', async t => {
	const server = await apiServer(t, { watchList: 'unknown' });
	const pod = (name: string) => ({
		kind: 'Pod',
		metadata: { name, namespace: 'default', annotations: { [ANNOTATION]: 'x' } },
	});
	server.seed(
		'Pod',
		Array.from({ length: 1_234 }, (_, i) => pod(`p${i}`)),
	);
	const { messages } = openStream(t, server);
	await until(() => messages.at(-1)?.type === 'initial-end');
	t.is(new Set(messages.map(message => message.type === 'apply' && message.record.uid)).size, 1_235);
	const pages = server.requests.filter(LIST);
	t.deepEqual(
		pages.map(({ query }) => [query['limit'], query['continue'] !== undefined, query['resourceVersion']]),
		[
			['500', false, undefined],
			['500', true, undefined],
			['500', true, undefined],
		],
	);
});

test('a page token that expired on page 3 starts the list again', async t => {
	const server = await apiServer(t, { watchList: 'unknown' });
	const pod = (name: string) => ({ kind: 'Pod', metadata: { name, namespace: 'default' } });
	server.seed(
		'Pod',
		Array.from({ length: 1_100 }, (_, i) => pod(`p${i}`)),
	);
	let page = 0;
	server.faults.inject(request => request.verb === 'list' && ++page === 3, { answer: answers.expired });
	const { messages, ended, reopen } = openStream(t, server);
	t.deepEqual(await ended, { reason: 'expired' });
	void reopen();
	await until(() => messages.at(-1)?.type === 'initial-end');
	t.is(server.requests.count({ ...LIST, status: 200 }), 5);
});

test('a version that is too old is told as expired, at connect and within the stream', async t => {
	const server = await apiServer(t);
	createPod(server, 'a', 'x');
	server.faults.expireHistory();
	const { ended, reopen } = openStream(t, server, '1');
	t.deepEqual(await ended, { reason: 'expired' });
	server.requests.clear();
	const again = reopen(server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	server.faults.failWatches(answers.expired);
	t.deepEqual(await again, { reason: 'expired' });
});

test('a server that is behind our version is told as such, at connect and within the stream', async t => {
	const server = await apiServer(t);
	server.faults.inject(WATCH, { answer: answers.versionTooLarge });
	const { ended, reopen } = openStream(t, server, server.resourceVersion);
	t.deepEqual(await ended, { reason: 'ahead' });
	const again = reopen(server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	server.faults.failWatches(answers.versionTooLarge);
	t.deepEqual(await again, { reason: 'ahead' });
});

test('other errors are failures that carry their Retry-After, at connect and within the stream', async t => {
	const server = await apiServer(t);
	server.faults.inject(WATCH, { answer: answers.tooManyRequests(5) });
	const { ended, reopen } = openStream(t, server, server.resourceVersion);
	const end = await ended;
	t.like(end, { reason: 'failed', retryAfterMs: 5_000 });
	t.is(end.reason === 'failed' && (end.error as KubernetesError).code, 'unavailable');
	const again = reopen(server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	server.faults.failWatches(answers.internalError);
	t.like(await again, { reason: 'failed' });
});

test('what a proxy says in place of the API server is a failure, and a list it mangled is not believed', async t => {
	const server = await apiServer(t, { watchList: 'unknown' });
	server.faults.inject(WATCH, { answer: { status: 502, body: '<html>' } });
	const { ended, reopen, messages } = openStream(t, server);
	const bad = await ended;
	t.is(bad.reason === 'failed' && (bad.error as KubernetesError).code, 'unavailable');
	for (const body of [
		'<html>',
		'{}',
		'{"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"1"},',
	]) {
		server.faults.inject(LIST, { answer: { status: 200, body } });
		t.like(await reopen(), { reason: 'failed' });
	}
	t.deepEqual(messages, []);
});

test('a missing right fails the stream, names the verb and asks for half a minute', async t => {
	const server = await apiServer(t);
	const forbidden = { status: 403, reason: 'Forbidden', message: 'pods is forbidden' };
	server.faults.inject(WATCH, { answer: forbidden });
	const { ended } = openStream(t, server);
	const end = await ended;
	t.true(end.reason === 'failed' && end.error instanceof KubernetesError);
	if (end.reason !== 'failed') return;
	t.is((end.error as KubernetesError).code, 'forbidden');
	t.is(end.error.message, 'watching pods: not allowed to watch pods');
	t.is(end.retryAfterMs, 30_000);
});

test('a cleanly closed stream is told as closed, a reset one as failed', async t => {
	const server = await apiServer(t);
	const first = openStream(t, server, server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	server.faults.endWatches();
	t.deepEqual(await first.ended, { reason: 'closed' });
	const second = first.reopen(server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 }, { count: 2 });
	server.faults.dropConnections();
	t.like(await second, { reason: 'failed' });
});

test('an abort ends a stream as closed and closes its connection', async t => {
	const server = await apiServer(t);
	const { ended, abort } = openStream(t, server, server.resourceVersion);
	const request = await server.requests.waitFor({ ...WATCH, status: 200 });
	abort.abort();
	t.deepEqual(await ended, { reason: 'closed' });
	await until(() => request.closed);
});

test('after garbage the next stream starts at the beginning: resuming would bring it again', async t => {
	for (const garbage of [
		'{"type":"ADDED"\n',
		`${line('ADDED', { name: 'x' })}`,
		`${'x'.repeat(5_000_000)}\n`,
	]) {
		const server = await apiServer(t);
		const { ended, reopen, messages } = openStream(t, server, server.resourceVersion);
		await server.requests.waitFor({ ...WATCH, status: 200 });
		server.faults.injectLine(bookmark(77));
		await until(() => messages.length === 1);
		server.faults.injectLine(garbage);
		t.like(await ended, { reason: 'failed' });
		t.deepEqual(await reopen('77'), { reason: 'expired' });
		void reopen();
		await until(() => messages.at(-1)?.type === 'initial-end');
	}
});

test('lines of another encoder, with CRLF, a mark or spaces, are understood', async t => {
	const server = await apiServer(t);
	const { messages } = openStream(t, server, server.resourceVersion);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	const text = (name: string) => line('ADDED', podMeta({ name, annotation: name })).trimEnd();
	server.faults.injectLine(`\ufeff${text('a')}\r\n\r\n${text('b').replaceAll('/', '\\/')}\n`);
	server.faults.injectLine(`${JSON.stringify(JSON.parse(text('c')), undefined, 1).replaceAll('\n', '')}\n`);
	const applied = () => messages.filter(({ type }) => type === 'apply');
	await until(() => applied().length === 3);
	t.deepEqual(
		applied().map(message => message.type === 'apply' && message.record.annotation),
		['a', 'b', 'c'],
	);
});

test('what a stream said last is dated, bookmarks included, and a header alone says nothing', async t => {
	const server = await apiServer(t);
	const { listWatch, messages } = openStream(t, server, server.resourceVersion);
	t.is(listWatch.lastByteAt, Number.NEGATIVE_INFINITY);
	await server.requests.waitFor({ ...WATCH, status: 200 });
	t.is(listWatch.lastByteAt, Number.NEGATIVE_INFINITY);
	createPod(server, 'other');
	await until(() => listWatch.lastByteAt > 0);
	const before = listWatch.lastByteAt;
	server.sendBookmarks();
	await until(() => messages.length > 0 && listWatch.lastByteAt > before);
	t.pass();
});

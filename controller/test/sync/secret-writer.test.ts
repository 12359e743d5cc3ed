// What writing promises: few requests, nothing that JASM does not own, and a success only if the Secret stands.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { until } from '../helpers/clocks/until.ts';
import {
	again,
	first,
	foreign,
	liveOf,
	OURS,
	secret,
	selfHeal,
	stored,
	verbs,
	writeOnly,
} from './secret-fixtures.ts';

test('write-only: a new Secret takes one create', async t => {
	const { server, writer } = await writeOnly(t);
	const written = await writer.write(secret(), first);
	const { resourceVersion } = liveOf(server);
	const createdAt = Date.parse(String(stored(server).metadata['creationTimestamp']));
	t.deepEqual(written, { verb: 'created', resourceVersion, changedAt: createdAt, createdAt });
	t.deepEqual(verbs(server), ['create 201']);
});

test('write-only: a Secret whose version is known takes one replace, and holds exactly what the source holds', async t => {
	const { server, writer } = await writeOnly(t);
	foreign(server, { labels: { ...OURS, team: 'x' } });
	const { resourceVersion } = liveOf(server);
	t.like(await writer.write(secret(), { ...again, resourceVersion }), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 200']);
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('write-only: a Secret of unknown version is looked at by a dry run, then replaced in that version', async t => {
	const { server, writer } = await writeOnly(t);
	foreign(server, { labels: OURS });
	t.like(await writer.write(secret(), again), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 200', 'update 200']);
	t.deepEqual(
		server.requests.filter({ resource: 'secrets' }).map(({ query }) => query['dryRun']),
		['All', undefined],
	);
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('write-only: a wrong guess costs one or two more requests', async t => {
	const { server, writer } = await writeOnly(t);
	t.like(await writer.write(secret(), again), { verb: 'created' });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.like(await writer.write(secret(), { ...again, resourceVersion: '1' }), { verb: 'replaced' });
	server.delete('Secret', 'default', 'db');
	t.like(await writer.write(secret(), { ...again, resourceVersion: '1' }), { verb: 'created' });
	t.deepEqual(verbs(server), [
		...['update 404', 'create 201'],
		...['create 409', 'update 200', 'update 200'],
		...['update 409', 'update 200', 'update 200'],
		...['update 404', 'create 201'],
	]);
});

test('write-only: a Secret that exists is replaced although the quota of the namespace is used up', async t => {
	const { server, writer } = await writeOnly(t);
	const full = {
		status: 403,
		reason: 'Forbidden',
		message: 'secrets "db" is forbidden: exceeded quota: full',
	};
	server.faults.inject({ verb: 'create', resource: 'secrets' }, { answer: full }, 2);
	await t.throwsAsync<JasmError>(writer.write(secret(), first), {
		code: 'SECRET_REJECTED',
		message: 'writing secret "default/db": a quota of the namespace is used up',
	});
	foreign(server, { labels: OURS });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('write-only: where an admission webhook refuses dry runs the write itself decides', async t => {
	const { server, writer } = await writeOnly(t);
	const message = 'admission webhook "x.example" does not support dry run';
	foreign(server, { labels: OURS });
	server.faults.inject(
		{ verb: 'update', resource: 'secrets' },
		{ answer: { status: 400, reason: 'BadRequest', message } },
	);
	t.like(await writer.write(secret(), again), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 400', 'update 200']);
});

test('write-only: writing the same again changes nothing and says so by the same version', async t => {
	const { writer } = await writeOnly(t);
	const { resourceVersion } = await writer.write(secret(), first);
	t.is((await writer.write(secret(), again)).resourceVersion, resourceVersion);
	t.is((await writer.write(secret(), { ...again, resourceVersion })).resourceVersion, resourceVersion);
});

test('write-only: a Secret that appears and disappears meanwhile is left for a retry', async t => {
	const { server, writer } = await writeOnly(t);
	server.faults.inject(
		{ verb: 'create', resource: 'secrets' },
		{ answer: { status: 409, reason: 'AlreadyExists' } },
		2,
	);
	await t.throwsAsync<JasmError>(writer.write(secret(), first), { code: 'KUBERNETES_UNAVAILABLE' });
	await t.throwsAsync<JasmError>(writer.write(secret(), again), { code: 'KUBERNETES_UNAVAILABLE' });
	t.deepEqual(verbs(server), ['create 409', 'update 404', 'update 404', 'create 409']);
});

test('write-only: a Secret that changes between look and write is left for a retry', async t => {
	const { server, writer } = await writeOnly(t);
	foreign(server, { labels: OURS });
	const answer = { status: 409, reason: 'Conflict' };
	server.faults.inject({ verb: 'update', resource: 'secrets' }, { answer });
	server.faults.inject({ verb: 'update', resource: 'secrets' }, { answer });
	await t.throwsAsync<JasmError>(writer.write(secret(), { ...again, resourceVersion: '1' }), {
		code: 'KUBERNETES_UNAVAILABLE',
	});
	t.deepEqual(stored(server)['data'], { theirs: 'eA==' });
});

test('write-only: a namespace that is gone is reported as gone', async t => {
	const { server, writer } = await writeOnly(t);
	await t.throwsAsync(writer.write(secret({ namespace: 'none' }), again), { code: 'NAMESPACE_GONE' });
	t.deepEqual(verbs(server), ['update 404', 'create 404']);
});

test('a write whose answer was lost is completed by its resend', async t => {
	const { server, writer } = await writeOnly(t);
	server.faults.inject({ verb: 'create', resource: 'secrets' }, { drop: 'after' });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('an aborted write rejects as aborted and sends nothing more', async t => {
	const { server, writer } = await writeOnly(t);
	server.faults.inject({ resource: 'secrets' }, { hang: true });
	const abort = new AbortController();
	const write = t.throwsAsync(writer.write(secret(), { likelyExists: false, signal: abort.signal }), {
		code: 'ABORTED',
	});
	await until(() => server.requests.count({ resource: 'secrets' }) === 1);
	abort.abort();
	await write;
	t.is(server.requests.count({ resource: 'secrets' }), 1);
});

test('self-heal: a new Secret takes one create', async t => {
	const { server, writer } = await selfHeal(t);
	t.like(await writer.write(secret(), first), { verb: 'created' });
	t.deepEqual(verbs(server), ['create 201']);
});

test('self-heal: a known Secret is replaced in the version that was seen, and keeps what others set', async t => {
	const { server, writer } = await selfHeal(t, () => liveOf(server));
	foreign(server, {
		labels: { ...OURS, team: 'x', 'jasm.codnod.io/stale': 'y' },
		annotations: {
			'reloader/match': 'true',
			'jasm.codnod.io/stale': 'y',
			'jasm.codnod.io/source-version': '1',
		},
		finalizers: ['example.com/hold'],
	});
	t.like(await writer.write(secret(), again), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 200']);
	const { labels, annotations, finalizers } = stored(server).metadata;
	t.deepEqual(labels, { ...OURS, team: 'x', 'jasm.codnod.io/provider': 'vault' });
	t.deepEqual(annotations, { 'reloader/match': 'true', 'jasm.codnod.io/source-version': '2' });
	t.deepEqual(finalizers, ['example.com/hold']);
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('self-heal: a Secret that changed since it was seen is left for a retry', async t => {
	const { server, writer } = await selfHeal(t, () => ({ ...liveOf(server), resourceVersion: '1' }));
	foreign(server, { labels: OURS });
	const error = await t.throwsAsync<JasmError>(writer.write(secret(), again), {
		code: 'KUBERNETES_UNAVAILABLE',
	});
	t.is(error.retry, 'fast');
	t.deepEqual(stored(server)['data'], { theirs: 'eA==' });
});

test('self-heal: a known Secret that was deleted meanwhile is created', async t => {
	const { server, writer } = await selfHeal(t, () => ({ resourceVersion: '1', labels: OURS }));
	t.like(await writer.write(secret(), again), { verb: 'created' });
	t.deepEqual(verbs(server), ['update 404', 'create 201']);
});

test('self-heal: a Secret that others own is refused and stays as it is', async t => {
	for (const labels of [undefined, { 'app.kubernetes.io/managed-by': 'Helm' }]) {
		const { server, writer } = await selfHeal(t);
		foreign(server, { labels });
		const error = await t.throwsAsync<JasmError>(writer.write(secret(), first), { instanceOf: JasmError });
		t.is(error.code, 'SECRET_NOT_OWNED');
		t.is(error.message, 'writing secret "default/db": it exists and JASM does not own it');
		t.deepEqual(verbs(server), ['create 409', 'get 200']);
		t.deepEqual(stored(server)['data'], { theirs: 'eA==' });
	}
});

test('self-heal: a Secret of JASM that was not known yet is replaced in the version just seen', async t => {
	const { server, writer } = await selfHeal(t);
	foreign(server, { labels: { ...OURS, team: 'x' } });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['create 409', 'get 200', 'update 200']);
	t.is(stored(server).metadata.labels?.['team'], 'x');
});

test('self-heal: a Secret that changes or goes between look and write is left for a retry', async t => {
	for (const [verb, answer] of [
		['get', { status: 404, reason: 'NotFound' }],
		['update', { status: 404, reason: 'NotFound' }],
		['update', { status: 409, reason: 'Conflict' }],
	] as const) {
		const { server, writer } = await selfHeal(t);
		foreign(server, { labels: OURS });
		server.faults.inject({ verb, resource: 'secrets' }, { answer });
		await t.throwsAsync<JasmError>(writer.write(secret(), first), { code: 'KUBERNETES_UNAVAILABLE' });
	}
});

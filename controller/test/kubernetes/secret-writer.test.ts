// What writing promises: one request where the guess was right, two where not, and nothing that is not ours.
import test, { type ExecutionContext } from 'ava';
import { JasmError } from '../../src/errors.ts';
import { type LiveSecret, selfHealWriter, writeOnlyWriter } from '../../src/kubernetes/secret-writer.ts';
import type { SecretManifest } from '../../src/kubernetes/types.ts';
import type { ApiServer } from '../../testing/index.ts';
import { until } from '../helpers/until.ts';
import { apiServer, wired } from '../helpers/wired.ts';

const { signal } = new AbortController();
const first = { likelyExists: false, signal };
const again = { likelyExists: true, signal };
const OURS = { 'app.kubernetes.io/managed-by': 'jasm' };

const secret = (overrides: Partial<SecretManifest> = {}): SecretManifest => ({
	namespace: 'default',
	name: 'db',
	type: 'Opaque',
	labels: { ...OURS, 'jasm.codnod.io/provider': 'vault' },
	annotations: { 'jasm.codnod.io/source-version': '2' },
	data: { password: 'aHVudGVyMg==' },
	...overrides,
});

const foreign = (server: ApiServer, metadata: object = {}) =>
	server.create({
		kind: 'Secret',
		metadata: { name: 'db', namespace: 'default', ...metadata },
		data: { theirs: 'eA==' },
	} as never);

const verbs = (server: ApiServer) =>
	server.requests.filter({ resource: 'secrets' }).map(({ verb, status }) => `${verb} ${status}`);

async function writeOnly(t: ExecutionContext) {
	const server = await apiServer(t);
	return { server, writer: writeOnlyWriter(wired(t, server).client) };
}

async function selfHeal(
	t: ExecutionContext,
	live: (key: string) => LiveSecret | undefined = () => undefined,
) {
	const server = await apiServer(t);
	return { server, writer: selfHealWriter(wired(t, server).client, live) };
}

const stored = (server: ApiServer) => server.get('Secret', 'default', 'db');
const liveOf = (server: ApiServer) => stored(server).metadata as LiveSecret;

test('write-only: a new Secret takes one create', async t => {
	const { server, writer } = await writeOnly(t);
	const written = await writer.write(secret(), first);
	t.deepEqual(written, { verb: 'created', resourceVersion: liveOf(server).resourceVersion });
	t.deepEqual(verbs(server), ['create 201']);
});

test('write-only: a known Secret takes one replace, and holds exactly what the source holds', async t => {
	const { server, writer } = await writeOnly(t);
	foreign(server, { labels: { ...OURS, team: 'x' } });
	t.like(await writer.write(secret(), again), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 200']);
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('write-only: a wrong guess costs one more request, either way', async t => {
	const { server, writer } = await writeOnly(t);
	t.like(await writer.write(secret(), again), { verb: 'created' });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.deepEqual(verbs(server), ['update 404', 'create 201', 'create 409', 'update 200']);
});

test('write-only: writing the same again changes nothing and says so by the same version', async t => {
	const { writer } = await writeOnly(t);
	const { resourceVersion } = await writer.write(secret(), first);
	t.is((await writer.write(secret(), again)).resourceVersion, resourceVersion);
});

test('write-only: a Secret that comes and goes is left for a retry, not chased', async t => {
	const { server, writer } = await writeOnly(t);
	server.faults.inject(
		{ verb: 'create', resource: 'secrets' },
		{ answer: { status: 409, reason: 'AlreadyExists' } },
		2,
	);
	await t.throwsAsync<JasmError>(writer.write(secret(), first), { code: 'KUBERNETES_UNAVAILABLE' });
	await t.throwsAsync<JasmError>(writer.write(secret(), again), { code: 'KUBERNETES_UNAVAILABLE' });
	t.is(verbs(server).length, 4);
});

test('write-only: a namespace that is gone is told as gone', async t => {
	const { server, writer } = await writeOnly(t);
	await t.throwsAsync(writer.write(secret({ namespace: 'none' }), again), { code: 'NAMESPACE_GONE' });
	t.deepEqual(verbs(server), ['update 404', 'create 404']);
});

test('a write that lost its connection after it was done is finished by its own resend', async t => {
	const { server, writer } = await writeOnly(t);
	server.faults.inject({ verb: 'create', resource: 'secrets' }, { drop: 'after' });
	t.like(await writer.write(secret(), first), { verb: 'replaced' });
	t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
});

test('a write that is called off rejects as aborted and sends nothing more', async t => {
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

test('self-heal: a known Secret is replaced in the version that was seen, with what others set', async t => {
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

test('self-heal: a known Secret that is gone meanwhile is created', async t => {
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

test('self-heal: a Secret of ours that was not known yet is replaced in the version just seen', async t => {
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

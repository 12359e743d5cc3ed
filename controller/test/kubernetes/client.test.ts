// The client's few calls ask for metadata only; expected outcomes are results, all others are errors.
import test from 'ava';
import { KubernetesError } from '../../src/kubernetes/errors.ts';
import type { EventManifest, SecretManifest } from '../../src/kubernetes/types.ts';
import { answers } from '../../testing/index.ts';
import { apiServer, wired } from '../helpers/watches/wired.ts';

const SECRETS = { resource: 'secrets' } as const;

const secret = (overrides: Partial<SecretManifest> = {}): SecretManifest => ({
	namespace: 'default',
	name: 'db',
	type: 'Opaque',
	labels: { 'app.kubernetes.io/managed-by': 'jasm' },
	annotations: { 'jasm.codnod.io/source-version': '1' },
	data: { password: 'aHVudGVyMg==' },
	...overrides,
});

test('a Secret is created, replaced and dry-run with its version as the answer and nothing of its data', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	const created = await client.createSecret(secret());
	t.like(server.get('Secret', 'default', 'db'), { data: { password: 'aHVudGVyMg==' }, type: 'Opaque' });
	t.is(created.result, 'created');
	t.deepEqual(
		created.result === 'created' && created.metadata,
		server.get('Secret', 'default', 'db').metadata,
	);
	t.deepEqual(await client.createSecret(secret()), { result: 'exists' });
	const other = secret({ data: { password: 'bmV3' } });
	t.like(await client.replaceSecret(other, { dryRun: true }), { result: 'replaced' });
	t.like(server.get('Secret', 'default', 'db'), { data: { password: 'aHVudGVyMg==' } });
	const replaced = await client.replaceSecret(other);
	t.like(server.get('Secret', 'default', 'db'), { data: { password: 'bmV3' } });
	t.deepEqual(await client.replaceSecret(other), replaced, 'a replace that changes nothing is no change');
	t.deepEqual(await client.replaceSecret(secret({ name: 'none' })), { result: 'missing' });
	for (const { accept, query, contentType, verb } of server.requests.filter(SECRETS)) {
		t.is(accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
		t.is(query['fieldManager'], 'jasm');
		t.is(contentType, 'application/json');
		t.true(verb === 'create' || verb === 'update');
	}
});

test('an answer that is not the metadata of the Secret that was written proves nothing, whatever its status', async t => {
	const server = await apiServer(t);
	const { client } = wired(t, server);
	for (const body of [
		{},
		{ kind: 'Status', status: 'Success' },
		{ metadata: { name: 'db', namespace: 'default' } },
		{ metadata: { name: 'db', namespace: 'other', resourceVersion: '7' } },
		{ metadata: { name: 'other', namespace: 'default', resourceVersion: '7' } },
	]) {
		server.faults.inject(
			{ verb: 'create', resource: 'secrets' },
			{ answer: { status: 200, body: JSON.stringify(body) } },
		);
		await t.throwsAsync(client.createSecret(secret()), {
			code: 'KUBERNETES_UNAVAILABLE',
			message: /the response of the API server is not the metadata of this object/,
		});
	}
});

test('a key of the payload may be called __proto__', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	const data = Object.assign(Object.create(null), JSON.parse('{"__proto__":"eA=="}'));
	await client.createSecret(secret({ data }));
	const stored = server.get('Secret', 'default', 'db')['data'] as object;
	t.deepEqual(Object.entries(stored), [['__proto__', 'eA==']]);
});

test('a version that was overtaken is a conflict where one was given, and a retry where none was', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	await client.createSecret(secret());
	t.deepEqual(await client.replaceSecret(secret(), { resourceVersion: '1' }), { result: 'conflict' });
	server.faults.inject(SECRETS, { answer: { status: 409, reason: 'Conflict' } }, 2);
	await t.throwsAsync(client.replaceSecret(secret()), { code: 'unavailable' });
	// Quotas are updated under the hood of a create and may collide there.
	await t.throwsAsync(client.createSecret(secret()), { code: 'unavailable' });
});

test('names go into the path as they are, never as part of it', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	t.is(await client.getSecretMetadata({ namespace: '../x', name: 'a/../../b?c' }), undefined);
	t.is(server.requests.all[0]?.path.split('?')[0], '/api/v1/namespaces/..%2Fx/secrets/a%2F..%2F..%2Fb%3Fc');
});

test('metadata of a Secret comes without its data, or not at all', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	await client.createSecret(secret());
	const metadata = await client.getSecretMetadata({ namespace: 'default', name: 'db' });
	t.like(metadata, { name: 'db', labels: { 'app.kubernetes.io/managed-by': 'jasm' } });
	t.notRegex(JSON.stringify(metadata), /aHVudGVyMg/);
	t.is(await client.getSecretMetadata({ namespace: 'default', name: 'none' }), undefined);
});

test('every refusal is a KubernetesError that says what was attempted', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	const ref = { namespace: 'default', name: 'x' };
	const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: ref } as const;
	const calls = [
		() => client.createSecret(secret()),
		() => client.replaceSecret(secret()),
		() => client.getSecretMetadata(ref),
		() => client.createEvent(event('e')),
		() => client.getLease(ref),
		() => client.createLease(lease),
		() => client.replaceLease(lease),
	];
	for (const call of calls) {
		server.faults.inject({}, { answer: answers.tooManyRequests(3) });
		const error = await t.throwsAsync<KubernetesError>(call(), {
			instanceOf: KubernetesError,
			code: 'unavailable',
		});
		t.regex(error.message, /^(writing|reading|recording|holding) .*default/);
		t.is(error.retryAfterMs, 3_000);
	}
});

test('a response without a resourceVersion is not a success', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	server.faults.inject(SECRETS, { answer: { status: 200, body: '{}' } }, 2);
	await t.throwsAsync(client.createSecret(secret()), { code: 'unavailable' });
	await t.throwsAsync(client.replaceSecret(secret()), { code: 'unavailable' });
});

const event = (name: string): EventManifest => ({
	apiVersion: 'events.k8s.io/v1',
	kind: 'Event',
	metadata: { namespace: 'default', name },
	eventTime: '2030-01-01T00:00:00.000000Z',
	type: 'Normal',
	reason: 'Tested',
	action: 'Test',
	note: 'a note',
	reportingController: 'jasm',
	reportingInstance: 'jasm-0',
	regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web', uid: 'u' },
});

test('an Event that a resend meets again counts as recorded', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	server.faults.inject({ resource: 'events' }, { drop: 'after' });
	await client.createEvent(event('e1'));
	t.is(server.list('Event').length, 1);
	t.is(server.requests.count({ resource: 'events', verb: 'create' }), 2);
});

test('a Lease is created once, replaced in its version only, and may be asked for from memory', async t => {
	const server = await apiServer(t);
	const { raw: client } = wired(t, server);
	const ref = { namespace: 'default', name: 'jasm.codnod.io' };
	t.is(await client.getLease(ref), undefined);
	const lease = {
		apiVersion: 'coordination.k8s.io/v1',
		kind: 'Lease',
		metadata: ref,
		spec: { holderIdentity: 'a', leaseDurationSeconds: 30 },
	} as const;
	const created = await client.createLease(lease);
	t.is(created?.spec?.holderIdentity, 'a');
	t.is(await client.createLease(lease), undefined);
	const replaced = await client.replaceLease({
		...created!,
		spec: { ...created!.spec, holderIdentity: 'b' },
	});
	t.is(replaced?.spec?.holderIdentity, 'b');
	t.is(await client.replaceLease(created!), undefined);
	server.requests.clear();
	t.is((await client.getLease(ref, { cached: true }))?.spec?.holderIdentity, 'b');
	t.is(server.requests.all[0]?.query['resourceVersion'], '0');
});

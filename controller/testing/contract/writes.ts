// The contract of creates and replaces.
import assert from 'node:assert/strict';
import { type Answer, type Json, metadataAccept } from './client.ts';
import { assertStatus, create, secret, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const writes: readonly ContractPromise[] = [
	{
		title: 'a created Secret is answered with 201, its identity and the default type',
		run: async (client, ns) => {
			const answer = await client.send('POST', `${secrets(ns)}?fieldManager=jasm`, { body: secret('a') });
			assert.equal(answer.status, 201);
			const { metadata, type, data } = answer.body as Json;
			assert.equal(type, 'Opaque');
			assert.deepEqual(data, { k: 'dg==' });
			assert.match(metadata.uid, /^[0-9a-f]{8}-/);
			assert.match(metadata.resourceVersion, /^\d+$/);
			assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
			assert.equal(metadata.managedFields[0].manager, 'jasm');
			assert.deepEqual(metadata.managedFields[0].fieldsV1['f:data'], { '.': {}, 'f:k': {} });
			assert.deepEqual(await client.must('GET', `${secrets(ns)}/a`), answer.body);
		},
	},
	{
		title:
			'a body starts with kind, apiVersion and metadata in the order of the Go types and ends with a newline',
		run: async (client, ns) => {
			const metadata = { name: 'a', annotations: { z: '<&>/', b: '1' }, labels: { z: '1', a: '2' } };
			const { text } = await client.send('POST', secrets(ns), { body: secret('a', { metadata }) });
			const order =
				/^\{"kind":"Secret","apiVersion":"v1","metadata":\{"name":"a","namespace":"[^"]+","uid":"[^"]+","resourceVersion":"\d+","creationTimestamp":"[^"]+","labels":\{"a":"2","z":"1"\},"annotations":\{"b":"1","z":"\\u003c\\u0026\\u003e\/"\},"managedFields":\[.*\]\},"data":\{"k":"dg=="\},"type":"Opaque"\}\n$/;
			assert.match(text, order);
		},
	},
	{
		title: 'a write that asks for PartialObjectMetadata hears nothing of the data',
		run: async (client, ns) => {
			const made = await client.send('POST', secrets(ns), { body: secret('a'), accept: metadataAccept });
			assert.match(
				made.text,
				/^\{"kind":"PartialObjectMetadata","apiVersion":"meta\.k8s\.io\/v1","metadata":\{"name":"a",/,
			);
			assert.deepEqual(Object.keys(made.body), ['kind', 'apiVersion', 'metadata']);
			const put = await client.send('PUT', `${secrets(ns)}/a`, {
				body: secret('a', { data: { k: 'dw==' } }),
				accept: metadataAccept,
			});
			assert.deepEqual(Object.keys(put.body), ['kind', 'apiVersion', 'metadata']);
		},
	},
	{
		title: 'generateName makes a name with five more characters',
		run: async (client, ns) => {
			const made = await client.must('POST', secrets(ns), { body: { metadata: { generateName: 'gen-' } } });
			assert.match(made['metadata'].name, /^gen-[a-z0-9]{5}$/);
			assert.equal(made['metadata'].generateName, 'gen-');
		},
	},
	{
		title: 'a second create of a name is 409 AlreadyExists',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const answer = await client.send('POST', secrets(ns), { body: secret('a') });
			assertStatus(answer, 409, 'AlreadyExists', 'secrets "a" already exists', {
				name: 'a',
				kind: 'secrets',
			});
		},
	},
	{
		title: 'a create in a missing namespace is 404 and names the namespace',
		run: async (client, ns) => {
			const missing = `${ns}-missing`;
			const answer = await client.send('POST', secrets(missing), { body: secret('a') });
			assertStatus(answer, 404, 'NotFound', `namespaces "${missing}" not found`, {
				name: missing,
				kind: 'namespaces',
			});
		},
	},
	{
		title: 'a PUT on a missing Secret is 404, with and without a resourceVersion',
		run: async (client, ns) => {
			for (const resourceVersion of ['', '5']) {
				const body = secret('zz', { metadata: { name: 'zz', resourceVersion } });
				const answer = await client.send('PUT', `${secrets(ns)}/zz`, { body });
				assertStatus(answer, 404, 'NotFound', 'secrets "zz" not found', { name: 'zz', kind: 'secrets' });
			}
		},
	},
	{
		title: 'a PUT without a resourceVersion replaces whatever is there',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a', { metadata: { name: 'a', labels: { x: 'y' } } });
			const put = await client.must('PUT', `${secrets(ns)}/a`, {
				body: secret('a', { data: { other: 'dw==' } }),
			});
			assert.deepEqual(put['data'], { other: 'dw==' });
			assert.equal(put['metadata'].labels, undefined);
			assert.equal(put['metadata'].uid, made['metadata'].uid);
			assert.notEqual(versionOf(put), versionOf(made));
		},
	},
	{
		title: 'a PUT with the current resourceVersion replaces, with a stale one it is 409 Conflict',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			const at = (resourceVersion: string, k: string): Promise<Answer> =>
				client.send('PUT', `${secrets(ns)}/a`, {
					body: secret('a', { metadata: { name: 'a', resourceVersion }, data: { k } }),
				});
			assert.equal((await at(versionOf(made), 'dw==')).status, 200);
			assertStatus(
				await at(versionOf(made), 'eA=='),
				409,
				'Conflict',
				'Operation cannot be fulfilled on secrets "a": the object has been modified; please apply your changes to the latest version and try again',
				{ name: 'a', kind: 'secrets' },
			);
		},
	},
	{
		title: 'a PUT that changes nothing keeps the resourceVersion and makes no event',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			const watch = await client.watch(secrets(ns), `resourceVersion=${versionOf(made)}`);
			const same = await client.must('PUT', `${secrets(ns)}/a?fieldManager=other`, { body: secret('a') });
			assert.equal(versionOf(same), versionOf(made));
			assert.deepEqual(same['metadata'].managedFields, made['metadata'].managedFields);
			await create(client, ns, 'next');
			assert.deepEqual(await watch.take(1), ['ADDED next']);
			watch.close();
		},
	},
	{
		title:
			'a PUT with a foreign uid is 409, with a foreign or without a name 400, with a mad resourceVersion 500',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const put = (metadata: object): Promise<Answer> =>
				client.send('PUT', `${secrets(ns)}/a`, { body: secret('a', { metadata, data: { k: 'eA==' } }) });
			const uid = '11111111-1111-1111-1111-111111111111';
			assertStatus(
				await put({ name: 'a', uid }),
				409,
				'Conflict',
				/Precondition failed: UID in precondition: 11111111-/,
				{ name: 'a', kind: 'secrets' },
			);
			assertStatus(
				await put({ name: 'b' }),
				400,
				'BadRequest',
				'the name of the object (b) does not match the name on the URL (a)',
			);
			assertStatus(
				await put({}),
				400,
				'BadRequest',
				'the name of the object (a based on URL) was undeterminable: name must be provided',
			);
			assertStatus(
				await put({ name: 'a', resourceVersion: 'abc' }),
				500,
				undefined,
				'strconv.ParseUint: parsing "abc": invalid syntax',
			);
		},
	},
	{
		title: 'a dry run answers as a write does and stores nothing',
		run: async (client, ns) => {
			const made = await client.send('POST', `${secrets(ns)}?dryRun=All`, { body: secret('a') });
			assert.equal(made.status, 201);
			assert.equal(versionOf(made.body), undefined);
			assert.equal((await client.send('GET', `${secrets(ns)}/a`)).status, 404);
			await create(client, ns, 'a');
			await client.must('PUT', `${secrets(ns)}/a?dryRun=All`, { body: secret('a', { data: {} }) });
			await client.must('DELETE', `${secrets(ns)}/a?dryRun=All`);
			assert.deepEqual((await client.must('GET', `${secrets(ns)}/a`))['data'], { k: 'dg==' });
		},
	},
	{
		title: 'a Lease wants a resourceVersion to be replaced and is created by a PUT on its name',
		run: async (client, ns) => {
			const path = `/apis/coordination.k8s.io/v1/namespaces/${ns}/leases`;
			const lease = (more = {}): unknown => ({
				apiVersion: 'coordination.k8s.io/v1',
				kind: 'Lease',
				metadata: { name: 'l', ...more },
				spec: { holderIdentity: 'x', leaseDurationSeconds: 30 },
			});
			assert.equal((await client.send('PUT', `${path}/l`, { body: lease() })).status, 201);
			assertStatus(
				await client.send('PUT', `${path}/l`, { body: lease() }),
				422,
				'Invalid',
				/^leases\.coordination\.k8s\.io "l" is invalid: metadata\.resourceVersion: Invalid value: (0|0x0): must be specified for an update$/,
			);
			assertStatus(
				await client.send('PUT', `${path}/l`, { body: lease({ resourceVersion: '1' }) }),
				409,
				'Conflict',
				/^Operation cannot be fulfilled on leases\.coordination\.k8s\.io "l"/,
			);
		},
	},
	{
		title: 'an event is one object in both API groups',
		run: async (client, ns) => {
			const regarding = { kind: 'Pod', namespace: ns, name: 'p', uid: 'u', apiVersion: 'v1' };
			const event = {
				metadata: { name: 'e' },
				eventTime: '2026-01-02T03:04:05.000000Z',
				reportingController: 'jasm',
				reportingInstance: 'i',
				action: 'Sync',
				reason: 'R',
				note: 'n',
				type: 'Normal',
				regarding,
			};
			const made = await client.must('POST', `/apis/events.k8s.io/v1/namespaces/${ns}/events`, {
				body: event,
			});
			assert.equal(made['apiVersion'], 'events.k8s.io/v1');
			assert.deepEqual([made['note'], made['reportingController']], ['n', 'jasm']);
			const fields = 'involvedObject.name%3Dp,involvedObject.uid%3Du,reason%3DR';
			const [core] = (await client.must('GET', `/api/v1/namespaces/${ns}/events?fieldSelector=${fields}`))[
				'items'
			];
			assert.equal(core.metadata.uid, made['metadata'].uid);
			assert.deepEqual(core.involvedObject, regarding);
			assert.deepEqual([core.message, core.reportingComponent, core.firstTimestamp], ['n', 'jasm', null]);
		},
	},
];

// The contract of gets, lists, pages, selectors and forms.
import assert from 'node:assert/strict';
import { type Json, metadataAccept, metadataListAccept } from './client.ts';
import { assertStatus, create, createAll, names, secrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const reads: readonly ContractPromise[] = [
	{
		title: 'a missing Secret is 404 NotFound, also where metadata is asked for',
		run: async (client, ns) => {
			for (const accept of ['application/json', metadataAccept]) {
				const answer = await client.send('GET', `${secrets(ns)}/zz`, { accept });
				assertStatus(answer, 404, 'NotFound', 'secrets "zz" not found', { name: 'zz', kind: 'secrets' });
			}
		},
	},
	{
		title: 'a list is in name order, has a version, and its items carry no kind',
		run: async (client, ns) => {
			await createAll(client, ns, 'b', 'c', 'a');
			const { body, text } = await client.send('GET', secrets(ns));
			assert.match(
				text,
				/^\{"kind":"SecretList","apiVersion":"v1","metadata":\{"resourceVersion":"\d+"\},"items":\[\{"metadata":/,
			);
			assert.deepEqual(names(body), ['a', 'b', 'c']);
		},
	},
	{
		title: 'a list of a missing namespace is empty',
		run: async (client, ns) => {
			assert.deepEqual(names(await client.must('GET', secrets(`${ns}-missing`))), []);
		},
	},
	{
		title: 'each item of a metadata list carries its kind and nothing but metadata',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b');
			const { body, text } = await client.send('GET', secrets(ns), { accept: metadataListAccept });
			assert.match(
				text,
				/^\{"kind":"PartialObjectMetadataList","apiVersion":"meta\.k8s\.io\/v1","metadata":\{[^}]*\},"items":\[\{"kind":"PartialObjectMetadata","apiVersion":"meta\.k8s\.io\/v1","metadata":\{"name":"a"/,
			);
			for (const item of body['items'])
				assert.deepEqual(Object.keys(item), ['kind', 'apiVersion', 'metadata']);
		},
	},
	{
		title: 'asking for the metadata of a list as of an object, or the reverse, is 406',
		run: async (client, ns) => {
			const [accept] = metadataAccept.split(',');
			const list = await client.send('GET', secrets(ns), { accept: accept ?? '' });
			assertStatus(
				list,
				406,
				'NotAcceptable',
				'you requested PartialObjectMetadata, but the requested object is a list (*core.SecretList)',
			);
			await create(client, ns, 'a');
			const [listAccept] = metadataListAccept.split(',');
			const item = await client.send('GET', `${secrets(ns)}/a`, { accept: listAccept ?? '' });
			assertStatus(
				item,
				406,
				'NotAcceptable',
				'you requested PartialObjectMetadataList, but the requested object is not a list (*core.Secret)',
			);
			assertStatus(
				await client.send('GET', secrets(ns), { accept: 'text/plain' }),
				406,
				'NotAcceptable',
				/^406: Not Acceptable/,
			);
		},
	},
	{
		title: 'label selectors know equality, inequality, sets and existence',
		run: async (client, ns) => {
			const label = (name: string, labels: object): Promise<Json> =>
				create(client, ns, name, { metadata: { name, labels } });
			await label('a', { x: '1' });
			await label('b', { x: '2', y: 'z' });
			await label('c', {});
			const select = async (selector: string): Promise<string> =>
				names(await client.must('GET', `${secrets(ns)}?labelSelector=${encodeURIComponent(selector)}`)).join(
					'',
				);
			assert.equal(await select('x=1'), 'a');
			assert.equal(await select('x==1'), 'a');
			assert.equal(await select('x!=1'), 'bc');
			assert.equal(await select('x in (1,2)'), 'ab');
			assert.equal(await select('x notin (1)'), 'bc');
			assert.equal(await select('y'), 'b');
			assert.equal(await select('!x'), 'c');
			assert.equal(await select('x in (1,2),y=z'), 'b');
			assertStatus(
				await client.send('GET', `${secrets(ns)}?labelSelector=x%3D%3D%3Dy`),
				400,
				'BadRequest',
				/^unable to parse requirement: found '=', expected: identifier/,
			);
		},
	},
	{
		title: 'field selectors know names and types, and refuse other fields',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b');
			const select = async (selector: string): Promise<string[]> =>
				names(await client.must('GET', `${secrets(ns)}?fieldSelector=${encodeURIComponent(selector)}`));
			assert.deepEqual(await select('metadata.name=a'), ['a']);
			assert.deepEqual(await select('metadata.name!=a,type=Opaque'), ['b']);
			assertStatus(
				await client.send('GET', `${secrets(ns)}?fieldSelector=spec.x%3Da`),
				400,
				'BadRequest',
				/^field label not supported: spec\.x$/,
			);
		},
	},
	{
		title: 'an unknown resource, group and path are 404, a wrong method is 405',
		run: async (client, ns) => {
			assertStatus(
				await client.send('GET', `/api/v1/namespaces/${ns}/widgets`),
				404,
				'NotFound',
				'the server could not find the requested resource',
				{},
			);
			const group = await client.send('GET', '/apis/nowhere.example/v1/widgets');
			assert.deepEqual([group.status, group.text], [404, '404 page not found\n']);
			assert.equal((await client.send('GET', '/nowhere')).status, 404);
			assertStatus(
				await client.send('PUT', secrets(ns), { body: {} }),
				405,
				'MethodNotAllowed',
				'the server does not allow this method on the requested resource',
				{},
			);
		},
	},
	{
		title: 'a client that calls itself curl gets pretty JSON, others do not, and watches never',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			assert.match(
				(await client.send('GET', `${secrets(ns)}/a`, { userAgent: 'curl/8' })).text,
				/^\{\n {2}"kind": "Secret",\n/,
			);
			assert.match(
				(await client.send('GET', `${secrets(ns)}/a`, { userAgent: 'jasm/1' })).text,
				/^\{"kind":"Secret",/,
			);
			const watch = await client.watch(secrets(ns), '', { userAgent: 'curl/8' });
			assert.match((await watch.line()) ?? '', /^\{"type":"ADDED","object":\{"kind":"Secret",/);
			watch.close();
		},
	},
	{
		title: 'discovery names the resources with their verbs, and the version is told',
		run: async client => {
			const core = await client.must('GET', '/api/v1');
			const pods = core['resources'].find((resource: Json) => resource['name'] === 'pods');
			assert.deepEqual([pods.kind, pods.namespaced], ['Pod', true]);
			assert.ok(pods.verbs.includes('watch'));
			const groups = (await client.must('GET', '/apis'))['groups'].map((group: Json) => group['name']);
			for (const group of ['apps', 'coordination.k8s.io', 'events.k8s.io', 'rbac.authorization.k8s.io'])
				assert.ok(groups.includes(group));
			assert.match((await client.must('GET', '/version'))['gitVersion'], /^v1\.\d+/);
			assert.equal((await client.send('GET', '/readyz')).text, 'ok');
		},
	},
];

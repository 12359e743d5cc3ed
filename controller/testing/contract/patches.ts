// The contract of the patch kinds.
import assert from 'node:assert/strict';
import type { Answer } from './client.ts';
import { assertStatus, create, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const patches: readonly ContractPromise[] = [
	{
		title: 'a merge patch sets and removes, and one that changes nothing keeps the resourceVersion',
		run: async (client, ns) => {
			await create(client, ns, 'a', { metadata: { name: 'a', annotations: { gone: '1', kept: '2' } } });
			const contentType = 'application/merge-patch+json';
			const patch = { body: { metadata: { annotations: { gone: null, new: '3' } } }, contentType };
			const changed = await client.must('PATCH', `${secrets(ns)}/a`, patch);
			assert.deepEqual(changed['metadata'].annotations, { kept: '2', new: '3' });
			assert.equal(versionOf(await client.must('PATCH', `${secrets(ns)}/a`, patch)), versionOf(changed));
			const stale = await client.send('PATCH', `${secrets(ns)}/a`, {
				body: { metadata: { resourceVersion: '1' }, data: { k: 'eA==' } },
				contentType,
			});
			assertStatus(stale, 409, 'Conflict', /the object has been modified/);
		},
	},
	{
		title: 'a strategic merge patch merges maps',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const contentType = 'application/strategic-merge-patch+json';
			const patched = await client.must('PATCH', `${secrets(ns)}/a`, {
				body: { data: { n: 'eA==', k: null } },
				contentType,
			});
			assert.deepEqual(patched['data'], { n: 'eA==' });
		},
	},
	{
		title: 'a JSON patch applies, and one whose test fails is 422',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const contentType = 'application/json-patch+json';
			const patch = (body: unknown): Promise<Answer> =>
				client.send('PATCH', `${secrets(ns)}/a`, { body, contentType });
			const added = await patch([{ op: 'add', path: '/metadata/labels', value: { x: 'y' } }]);
			assert.deepEqual(added.body['metadata'].labels, { x: 'y' });
			const failed = await patch([{ op: 'test', path: '/data/k', value: 'zz' }]);
			assertStatus(
				failed,
				422,
				'Invalid',
				'the server rejected our request due to an error in our request',
				{},
			);
			assertStatus(
				await patch({ a: 1 }),
				400,
				'BadRequest',
				/^(error decoding patch: )?json: cannot unmarshal object into Go value of type /,
			);
			const type = await client.send('PATCH', `${secrets(ns)}/a`, {
				body: {},
				contentType: 'application/json',
			});
			assertStatus(
				type,
				415,
				'UnsupportedMediaType',
				/415: Unsupported Media Type|the body of the request was in an unknown format/,
			);
			assert.equal((await client.send('PATCH', `${secrets(ns)}/zz`, { body: [], contentType })).status, 404);
		},
	},
	{
		title: 'a JSON patch that copies data into validated fields gets the value back inside the refusal',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const contentType = 'application/json-patch+json';
			const patch = (...body: unknown[]): Promise<Answer> =>
				client.send('PATCH', `${secrets(ns)}/a`, { body, contentType });
			const type = await patch({ op: 'copy', from: '/data/k', path: '/type' });
			assertStatus(
				type,
				422,
				'Invalid',
				'Secret "a" is invalid: type: Invalid value: "dg==": field is immutable',
			);
			const label = await patch(
				{ op: 'add', path: '/metadata/labels', value: {} },
				{ op: 'copy', from: '/data/k', path: '/metadata/labels/x' },
			);
			assertStatus(label, 422, 'Invalid', /metadata\.labels: Invalid value: "dg=="/);
			const finalizer = await patch(
				{ op: 'add', path: '/metadata/finalizers', value: [] },
				{ op: 'copy', from: '/data/k', path: '/metadata/finalizers/0' },
			);
			assertStatus(finalizer, 422, 'Invalid', /metadata\.finalizers(\[0\])?: Invalid value: "dg=="/);
		},
	},
];

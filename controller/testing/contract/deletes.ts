// The contract of deletes, finalizers and terminating namespaces.
import assert from 'node:assert/strict';
import { type Answer, type Json, metadataAccept } from './client.ts';
import { assertStatus, create, secret, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const deletes: readonly ContractPromise[] = [
	{
		title: 'a delete answers a Status with the uid, then the Secret is gone',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			const answer = await client.send('DELETE', `${secrets(ns)}/a`);
			assert.equal(answer.status, 200);
			assert.equal(answer.body['status'], 'Success');
			assert.deepEqual(answer.body['details'], { name: 'a', kind: 'secrets', uid: made['metadata'].uid });
			assert.equal((await client.send('DELETE', `${secrets(ns)}/a`)).status, 404);
		},
	},
	{
		title: 'a delete with a precondition that does not hold is 409',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const remove = (preconditions: object): Promise<Answer> =>
				client.send('DELETE', `${secrets(ns)}/a`, { body: { preconditions } });
			assertStatus(
				await remove({ uid: '11111111-1111-1111-1111-111111111111' }),
				409,
				'Conflict',
				/^Operation cannot be fulfilled on Secret "a": the UID in the precondition/,
			);
			assertStatus(
				await remove({ resourceVersion: '1' }),
				409,
				'Conflict',
				/the ResourceVersion in the precondition \(1\) does not match/,
				{ name: 'a', kind: 'Secret' },
			);
		},
	},
	{
		title: 'deletecollection removes what its selector matches and answers the list of it',
		run: async (client, ns) => {
			await create(client, ns, 'a', { metadata: { name: 'a', labels: { x: 'y' } } });
			await create(client, ns, 'b');
			const answer = await client.must('DELETE', `${secrets(ns)}?labelSelector=x%3Dy`);
			assert.equal(answer['kind'], 'SecretList');
			assert.deepEqual(
				answer['items'].map((item: Json) => item['metadata'].name),
				['a'],
			);
			const left = await client.must('GET', secrets(ns));
			assert.deepEqual(
				left['items'].map((item: Json) => item['metadata'].name),
				['b'],
			);
		},
	},
	{
		title: 'a finalizer holds a deleted object until it is taken off',
		run: async (client, ns) => {
			const path = `/api/v1/namespaces/${ns}/configmaps`;
			const made = await client.must('POST', path, {
				body: { metadata: { name: 'a', finalizers: ['x.example/y'] } },
			});
			const watch = await client.watch(
				path,
				`resourceVersion=${versionOf(made)}&fieldSelector=metadata.name%3Da`,
			);
			const marked = await client.must('DELETE', `${path}/a`);
			assert.equal(marked['kind'], 'ConfigMap');
			assert.equal(typeof marked['metadata'].deletionTimestamp, 'string');
			await client.must('PATCH', `${path}/a`, {
				body: { metadata: { finalizers: null } },
				contentType: 'application/merge-patch+json',
			});
			assert.deepEqual(await watch.take(2), ['MODIFIED a', 'DELETED a']);
			watch.close();
		},
	},
	{
		title:
			'a dry-run PUT of a Secret that is being deleted answers its version and its deletion mark, and leaves its finalizer',
		run: async (client, ns) => {
			const path = `${secrets(ns)}/a`;
			const made = await create(client, ns, 'a', { metadata: { name: 'a', finalizers: ['x.example/y'] } });
			const live = await client.must('PUT', `${path}?dryRun=All`, {
				body: secret('a', { data: { k: 'dw==' } }),
			});
			assert.equal(versionOf(live), versionOf(made));
			await client.must('DELETE', path);
			const marked = await client.must('GET', path);
			const seen = await client.must('PUT', `${path}?dryRun=All`, {
				body: secret('a', { data: { k: 'dw==' } }),
				accept: metadataAccept,
			});
			assert.equal(versionOf(seen), versionOf(marked));
			assert.equal(seen['metadata'].deletionTimestamp, marked['metadata'].deletionTimestamp);
			const stale = secret('a', { metadata: { name: 'a', resourceVersion: versionOf(made) } });
			assertStatus(
				await client.send('PUT', path, { body: stale }),
				409,
				'Conflict',
				/the object has been modified/,
			);
			assert.deepEqual(await client.must('GET', path), marked);
			const second = await client.send('POST', secrets(ns), { body: secret('a') });
			assertStatus(second, 409, 'AlreadyExists', /secrets "a" already exists$/);
		},
	},
	{
		title:
			'a PUT that takes off the last finalizer of a deleted Secret is 200 with a deletion mark, and the Secret is gone',
		run: async (client, ns) => {
			await create(client, ns, 'a', { metadata: { name: 'a', finalizers: ['x.example/y'] } });
			await client.must('DELETE', `${secrets(ns)}/a`);
			const put = await client.must('PUT', `${secrets(ns)}/a`, { body: secret('a') });
			assert.equal(typeof put['metadata'].deletionTimestamp, 'string');
			assert.equal((await client.send('GET', `${secrets(ns)}/a`)).status, 404);
		},
	},
	{
		title:
			'nothing is created in a namespace that is being terminated, and the refusal says so in its causes',
		run: async (client, ns) => {
			const path = `/api/v1/namespaces/${ns}/configmaps`;
			await client.must('POST', path, { body: { metadata: { name: 'hold', finalizers: ['x.example/y'] } } });
			await create(client, ns, 'a');
			const going = await client.must('DELETE', `/api/v1/namespaces/${ns}`);
			assert.equal(going['status'].phase, 'Terminating');
			try {
				const answer = await client.send('POST', secrets(ns), { body: secret('b') });
				assertStatus(
					answer,
					403,
					'Forbidden',
					`secrets "b" is forbidden: unable to create new content in namespace ${ns} because it is being terminated`,
					{
						name: 'b',
						kind: 'secrets',
						causes: [
							{
								reason: 'NamespaceTerminating',
								message: `namespace ${ns} is being terminated`,
								field: 'metadata.namespace',
							},
						],
					},
				);
				await client.until(({ status }) => status === 404, 'GET', `${secrets(ns)}/a`);
			} finally {
				await client.send('PATCH', `${path}/hold`, {
					body: { metadata: { finalizers: null } },
					contentType: 'application/merge-patch+json',
				});
			}
		},
	},
	{
		title: 'a deleted namespace goes with everything in it',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const home = await client.must('GET', `/api/v1/namespaces/${ns}`);
			const query = `resourceVersion=${versionOf(home)}&fieldSelector=metadata.name%3D${ns}`;
			const watch = await client.watch('/api/v1/namespaces', query);
			await client.must('DELETE', `/api/v1/namespaces/${ns}`);
			while ((await watch.next())['type'] !== 'DELETED');
			watch.close();
			assert.deepEqual((await client.must('GET', secrets(ns)))['items'], []);
			assert.equal((await client.send('POST', secrets(ns), { body: secret('a') })).status, 404);
		},
	},
];

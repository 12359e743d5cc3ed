// The contract of tokens, RBAC and the admission guard.
import assert from 'node:assert/strict';
import { type Answer, type Json, metadataAccept } from './client.ts';
import { account, assertStatus, create, grant, secret, secrets, writeSecrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const allowed = ({ status }: Answer): boolean => status !== 403;

export const access: readonly ContractPromise[] = [
	{
		title: 'an unknown token is 401 Unauthorized, without details',
		run: async (client, ns) => {
			const answer = await client.send('GET', secrets(ns), { token: 'nonsense' });
			assert.equal(
				answer.text,
				'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}\n',
			);
			const token = await account(client, ns);
			const forged = `${token.slice(0, -8)}AAAAAAAA`;
			assertStatus(
				await client.send('GET', secrets(ns), { token: forged }),
				401,
				'Unauthorized',
				'Unauthorized',
			);
		},
	},
	{
		title: 'a token ends with its ServiceAccount',
		run: async (client, ns) => {
			const token = await account(client, ns);
			assert.equal((await client.send('GET', secrets(ns), { token })).status, 403);
			await client.must('DELETE', `/api/v1/namespaces/${ns}/serviceaccounts/jasm`);
			await client.until(({ status }) => status === 401, 'GET', secrets(ns), { token });
		},
	},
	{
		title:
			'a token request tells the audience and the expiry, and refuses less than ten minutes and unknown accounts',
		run: async (client, ns) => {
			const path = `/api/v1/namespaces/${ns}/serviceaccounts`;
			await client.must('POST', path, { body: { metadata: { name: 'jasm' } } });
			const request = (name: string, expirationSeconds: number): Promise<Answer> =>
				client.send('POST', `${path}/${name}/token`, {
					body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } },
				});
			const made = await request('jasm', 600);
			assert.equal(made.status, 201);
			const { token, expirationTimestamp } = made.body['status'];
			const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
			assert.equal(claims.sub, `system:serviceaccount:${ns}:jasm`);
			assert.equal(claims.exp - claims.iat, 600);
			assert.equal(new Date(claims.exp * 1000).toISOString().slice(0, 19), expirationTimestamp.slice(0, 19));
			assertStatus(
				await request('jasm', 60),
				422,
				'Invalid',
				'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
			);
			assertStatus(await request('zz', 600), 404, 'NotFound', 'serviceaccounts "zz" not found');
		},
	},
	{
		title: 'a token review knows a token from nonsense',
		run: async (client, ns) => {
			const token = await account(client, ns);
			const review = async (of: string): Promise<Json> =>
				(
					await client.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
						body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: of } },
					})
				)['status'];
			const good = await review(token);
			assert.equal(good['authenticated'], true);
			assert.equal(good['user'].username, `system:serviceaccount:${ns}:jasm`);
			const bad = await review('nonsense');
			assert.notEqual(bad['authenticated'], true);
			assert.match(bad['error'], /invalid bearer token/);
		},
	},
	{
		title: 'a token review accepts a token for those audiences alone that it is meant for',
		run: async (client, ns) => {
			const path = `/api/v1/namespaces/${ns}/serviceaccounts`;
			await client.must('POST', path, { body: { metadata: { name: 'jasm' } } });
			const request = await client.must('POST', `${path}/jasm/token`, {
				body: {
					apiVersion: 'authentication.k8s.io/v1',
					kind: 'TokenRequest',
					spec: { audiences: ['vault'], expirationSeconds: 600 },
				},
			});
			const { token } = request['status'];
			const review = async (audiences?: readonly string[]): Promise<Json> => {
				const spec = { token, ...(audiences && { audiences }) };
				const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
				return (await client.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body }))['status'];
			};
			const good = await review(['other', 'vault']);
			assert.equal(good['authenticated'], true);
			assert.deepEqual(good['audiences'], ['vault']);
			assert.equal(good['user'].username, `system:serviceaccount:${ns}:jasm`);
			for (const audiences of [undefined, ['other']]) {
				assert.notEqual((await review(audiences))['authenticated'], true);
			}
		},
	},
	{
		title: 'every verb without a right is 403 Forbidden with the user, the verb, the resource and the scope',
		run: async (client, ns) => {
			const token = await account(client, ns);
			const user = `system:serviceaccount:${ns}:jasm`;
			const path = secrets(ns);
			const where = `in the namespace "${ns}"`;
			const refused = async (
				method: string,
				url: string,
				subject: string,
				verb: string,
				resource: string,
				group: string,
				scope: string,
			): Promise<void> => {
				const body = method === 'GET' || method === 'DELETE' ? undefined : {};
				const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
				const answer = await client.send(method, url, { token, body, contentType });
				const message = `${subject} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`;
				assertStatus(answer, 403, 'Forbidden', message);
			};
			await refused('POST', path, 'secrets', 'create', 'secrets', '', where);
			await refused('GET', path, 'secrets', 'list', 'secrets', '', where);
			await refused('GET', `${path}?watch=1`, 'secrets', 'watch', 'secrets', '', where);
			await refused('GET', `${path}/x`, 'secrets "x"', 'get', 'secrets', '', where);
			await refused('PUT', `${path}/x`, 'secrets "x"', 'update', 'secrets', '', where);
			await refused('PATCH', `${path}/x`, 'secrets "x"', 'patch', 'secrets', '', where);
			await refused('DELETE', `${path}/x`, 'secrets "x"', 'delete', 'secrets', '', where);
			await refused('DELETE', path, 'secrets', 'deletecollection', 'secrets', '', where);
			await refused('GET', '/api/v1/pods', 'pods', 'list', 'pods', '', 'at the cluster scope');
			await refused('GET', `/api/v1/namespaces/${ns}`, `namespaces "${ns}"`, 'get', 'namespaces', '', where);
			await refused(
				'POST',
				`/api/v1/namespaces/${ns}/serviceaccounts/jasm/token`,
				'serviceaccounts "jasm"',
				'create',
				'serviceaccounts/token',
				'',
				where,
			);
			await refused(
				'PATCH',
				`/api/v1/namespaces/${ns}/pods/p/status`,
				'pods "p"',
				'patch',
				'pods/status',
				'',
				where,
			);
			await refused(
				'GET',
				`/apis/apps/v1/namespaces/${ns}/deployments`,
				'deployments.apps',
				'list',
				'deployments',
				'apps',
				where,
			);
		},
	},
	{
		title:
			'everybody with a token may ask for the version, discovery and his own rights; others may ask for the version',
		run: async (client, ns) => {
			const token = await account(client, ns);
			for (const path of ['/version', '/api/v1', '/apis', '/readyz'])
				await client.must('GET', path, { token });
			await client.must('GET', '/version', { token: '' });
			const metrics = await client.send('GET', '/metrics', { token });
			assertStatus(
				metrics,
				403,
				'Forbidden',
				`forbidden: User "system:serviceaccount:${ns}:jasm" cannot get path "/metrics"`,
				{},
			);
			const anonymous = await client.send('GET', secrets(ns), { token: '' });
			assertStatus(
				anonymous,
				403,
				'Forbidden',
				/^secrets is forbidden: User "system:anonymous" cannot list resource "secrets"/,
			);
		},
	},
	{
		title: 'a Role gives its verbs in its namespace and nothing else',
		run: async (client, ns) => {
			const token = await account(client, ns);
			await grant(client, ns, ns, [writeSecrets]);
			await client.until(allowed, 'POST', secrets(ns), { token, body: secret('a'), accept: metadataAccept });
			const put = await client.send('PUT', `${secrets(ns)}/a`, {
				token,
				body: secret('a'),
				accept: metadataAccept,
			});
			assert.equal(put.status, 200);
			assert.equal((await client.send('GET', `${secrets(ns)}/a`, { token })).status, 403);
			assert.equal((await client.send('POST', secrets('default'), { token, body: secret('a') })).status, 403);
			const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
			const may = async (verb: string): Promise<boolean> =>
				(
					await client.must('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
						token,
						body: { ...review, spec: { resourceAttributes: { namespace: ns, verb, resource: 'secrets' } } },
					})
				)['status'].allowed;
			assert.deepEqual([await may('create'), await may('patch')], [true, false]);
		},
	},
	{
		title: 'resourceNames narrow a rule, also for lists and watches that select one name',
		run: async (client, ns) => {
			const token = await account(client, ns);
			await create(client, ns, 'a');
			await create(client, ns, 'b');
			await grant(client, ns, ns, [
				{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'], resourceNames: ['a'] },
			]);
			await client.until(allowed, 'GET', `${secrets(ns)}/a`, { token });
			assert.equal((await client.send('GET', `${secrets(ns)}/b`, { token })).status, 403);
			assert.equal((await client.send('GET', secrets(ns), { token })).status, 403);
			assert.equal(
				(await client.send('GET', `${secrets(ns)}?fieldSelector=metadata.name%3Da`, { token })).status,
				200,
			);
		},
	},
];

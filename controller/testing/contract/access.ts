// The contract of tokens, RBAC and the admission guard.
import assert from 'node:assert/strict';
import { type Answer, type ContractClient, type Json, metadataAccept } from './client.ts';
import { assertStatus, create, secret, secrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const rbac = 'rbac.authorization.k8s.io';

/** Makes ServiceAccount `jasm` of a namespace and a token of it. */
const account = async (client: ContractClient, ns: string): Promise<string> => {
	const path = `/api/v1/namespaces/${ns}/serviceaccounts`;
	await client.must('POST', path, { body: { metadata: { name: 'jasm' } } });
	const request = await client.must('POST', `${path}/jasm/token`, {
		body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
	});
	return request['status'].token;
};

/** Gives rules to ServiceAccount `jasm` of `home` by a Role in `ns`. */
const grant = async (
	client: ContractClient,
	ns: string,
	home: string,
	rules: readonly object[],
): Promise<void> => {
	const path = `/apis/${rbac}/v1/namespaces/${ns}`;
	await client.must('POST', `${path}/roles`, { body: { metadata: { name: 'jasm' }, rules } });
	await client.must('POST', `${path}/rolebindings`, {
		body: {
			metadata: { name: 'jasm' },
			roleRef: { apiGroup: rbac, kind: 'Role', name: 'jasm' },
			subjects: [{ kind: 'ServiceAccount', name: 'jasm', namespace: home }],
		},
	});
};

const writeSecrets = { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'update'] };
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
	{
		title:
			'the guard refuses JASM foreign Secrets, types and namespaces, with the policy and binding in the text',
		needs: 'admission-policies',
		run: async (client, ns, { guard }) => {
			const admission = '/apis/admissionregistration.k8s.io/v1';
			const managed = (name: string, more = {}): unknown =>
				secret(name, { metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'jasm' } }, ...more });
			await client.must('POST', '/api/v1/namespaces', { body: { metadata: { name: guard } } });
			const token = await account(client, guard);
			for (const home of [ns, guard])
				await grant(client, home, guard, [{ ...writeSecrets, verbs: ['create', 'update', 'patch'] }]);
			await create(client, ns, 'foreign');
			await create(client, guard, 'sentinel');
			await client.must('POST', `${admission}/validatingadmissionpolicies`, { body: policy(guard) });
			await client.must('POST', `${admission}/validatingadmissionpolicybindings`, {
				body: { metadata: { name: guard }, spec: { policyName: guard, validationActions: ['Deny'] } },
			});
			try {
				const denied = (answer: Answer, name: string): void => {
					const prefix = `secrets "${name}" is forbidden: ValidatingAdmissionPolicy '${guard}' with binding '${guard}' denied request: `;
					assert.ok(answer.body['message'].startsWith(prefix), answer.text);
					assertStatus(answer, 422, 'Invalid', /./);
					assert.deepEqual(
						answer.body['details'].causes[0].message,
						answer.body['message'].slice(answer.body['message'].indexOf('Validating')),
					);
				};
				const write = (method: string, path: string, body: unknown): Promise<Answer> =>
					client.send(method, path, { token, body, accept: metadataAccept });
				const sentinel = `${secrets(guard)}/sentinel?dryRun=All`;
				denied(
					await client.until(({ status }) => status === 422, 'PUT', sentinel, {
						token,
						body: secret('sentinel'),
					}),
					'sentinel',
				);
				denied(await write('PUT', `${secrets(ns)}/foreign`, managed('foreign')), 'foreign');
				denied(await write('POST', secrets(ns), secret('n')), 'n');
				denied(await write('POST', secrets(ns), secret('foreign')), 'foreign');
				denied(await write('POST', secrets(ns), managed('n', { type: 'example.com/x' })), 'n');
				denied(await write('POST', secrets(guard), managed('n')), 'n');
				denied(
					await client.send('PATCH', `${secrets(ns)}/foreign`, {
						token,
						body: {},
						contentType: 'application/merge-patch+json',
					}),
					'foreign',
				);
				assert.equal((await write('PUT', `${secrets(ns)}/nope`, secret('nope'))).status, 404);
				assert.equal((await write('POST', secrets(ns), managed('mine'))).status, 201);
				assert.equal((await write('PUT', `${secrets(ns)}/mine`, managed('mine', { data: {} }))).status, 200);
				const trick = [{ op: 'copy', from: '/data/k', path: '/type' }];
				const leaked = await client.send('PATCH', `${secrets(ns)}/foreign`, {
					token,
					body: trick,
					contentType: 'application/json-patch+json',
				});
				assertStatus(
					leaked,
					422,
					'Invalid',
					'Secret "foreign" is invalid: type: Invalid value: "dg==": field is immutable',
				);
			} finally {
				await client.send('DELETE', `${admission}/validatingadmissionpolicybindings/${guard}`);
				await client.send('DELETE', `${admission}/validatingadmissionpolicies/${guard}`);
				await client.send('DELETE', `/api/v1/namespaces/${guard}`);
			}
		},
	},
];

// The installation's policy under the names of this run.
const policy = (guard: string): unknown => ({
	metadata: { name: guard },
	spec: {
		failurePolicy: 'Fail',
		matchConstraints: {
			resourceRules: [
				{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] },
			],
		},
		matchConditions: [
			{ name: 'jasm', expression: `request.userInfo.username == 'system:serviceaccount:${guard}:jasm'` },
		],
		validations: [
			{ expression: "object.?metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') == 'jasm'" },
			{
				expression:
					"oldObject == null || oldObject.?metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') == 'jasm'",
			},
			{ expression: "object.type in ['Opaque', 'kubernetes.io/tls']" },
			{ expression: `!request.namespace.startsWith('kube-') && request.namespace != '${guard}'` },
		],
	},
});

// The contract of the admission guard, with the installation's policy on a real server and its double on the other.
import assert from 'node:assert/strict';
import { type Answer, metadataAccept } from './client.ts';
import { account, assertStatus, create, grant, secret, secrets, writeSecrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const guards: readonly ContractPromise[] = [
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

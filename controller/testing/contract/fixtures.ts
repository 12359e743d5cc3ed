// What several parts of the contract share: the Secret that they write, and the check of a failure's Status.
import assert from 'node:assert/strict';
import type { Answer, ContractClient, Json } from './client.ts';

export const secrets = (ns: string): string => `/api/v1/namespaces/${ns}/secrets`;
export const secret = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
	apiVersion: 'v1',
	kind: 'Secret',
	metadata: { name },
	data: { k: 'dg==' },
	...more,
});

export const versionOf = (object: Json): string => object['metadata'].resourceVersion;

/** Asserts a failure's whole Status. */
export const assertStatus = (
	answer: Answer,
	code: number,
	reason: string | undefined,
	message: string | RegExp,
	details?: unknown,
): void => {
	const { body } = answer;
	assert.equal(answer.status, code, answer.text);
	assert.equal(body['kind'], 'Status');
	assert.equal(body['apiVersion'], 'v1');
	assert.equal(body['status'], 'Failure');
	assert.equal(body['code'], code);
	assert.equal(body['reason'], reason);
	if (typeof message === 'string') assert.equal(body['message'], message);
	else assert.match(body['message'], message);
	if (details !== undefined) assert.deepEqual(body['details'], details);
};

export const create = (client: ContractClient, ns: string, name: string, more = {}): Promise<Json> =>
	client.must('POST', secrets(ns), { body: secret(name, more) });

/** The names of a list's items. */
export const names = (list: Json): string[] => list['items'].map((item: Json) => item['metadata'].name);

/** Creates several Secrets, one after the other. */
export const createAll = async (client: ContractClient, ns: string, ...all: string[]): Promise<void> => {
	for (const name of all) await create(client, ns, name);
};

const rbac = 'rbac.authorization.k8s.io';

/** Makes ServiceAccount `jasm` of a namespace and a token of it. */
export const account = async (client: ContractClient, ns: string): Promise<string> => {
	const path = `/api/v1/namespaces/${ns}/serviceaccounts`;
	await client.must('POST', path, { body: { metadata: { name: 'jasm' } } });
	const request = await client.must('POST', `${path}/jasm/token`, {
		body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
	});
	return request['status'].token;
};

/** Gives rules to ServiceAccount `jasm` of `home` by a Role in `ns`. */
export const grant = async (
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

/** What the profile `write-only` may do to Secrets. */
export const writeSecrets = { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'update'] };

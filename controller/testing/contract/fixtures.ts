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

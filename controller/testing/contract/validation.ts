// The contract of field validation: what is refused, with which status, text and causes.
import assert from 'node:assert/strict';
import { assertStatus, create, secret, secrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

type Case = {
	readonly title: string;
	/** Fields of a Secret `c`, in place of the fixture's. */
	readonly body: Record<string, unknown> | string;
	readonly code: number;
	readonly reason: string;
	readonly message: string | RegExp;
};

const inSecret = (text: string): string => `Secret "c" is invalid: ${text}`;
const asSecret = (text: string): string => `Secret in version "v1" cannot be handled as a Secret: ${text}`;
const required = (key: string): string => `data[${key}]: Required value`;
const typed = (type: string): Record<string, unknown> => ({ type, data: {} });

const cases: readonly Case[] = [
	{
		title: 'a body without name or generateName',
		body: { metadata: {} },
		code: 422,
		reason: 'Invalid',
		message: 'Secret "" is invalid: metadata.name: Required value: name or generateName is required',
	},
	{
		title: 'a name that is no DNS subdomain',
		body: { metadata: { name: 'Bad_Name' } },
		code: 422,
		reason: 'Invalid',
		message:
			/^Secret "Bad_Name" is invalid: metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of/,
	},
	{
		title: 'a data key with a space',
		body: { data: { 'a b': 'dg==' } },
		code: 422,
		reason: 'Invalid',
		message: /^Secret "c" is invalid: data\[a b\]: Invalid value: "a b": a valid config key must consist of/,
	},
	{
		title: 'the data key ..',
		body: { data: { '..': 'dg==' } },
		code: 422,
		reason: 'Invalid',
		message: inSecret('data[..]: Invalid value: "..": must not be \'..\''),
	},
	{
		title: 'data that is no base64',
		body: { data: { a: '***' } },
		code: 400,
		reason: 'BadRequest',
		message: asSecret('illegal base64 data at input byte 0'),
	},
	{
		title: 'data that is no text',
		body: { data: { a: 5 } },
		code: 400,
		reason: 'BadRequest',
		message: asSecret('json: cannot unmarshal number into Go struct field Secret.data of type []uint8'),
	},
	{
		title: 'data of one byte more than 1 MiB',
		body: { data: { a: Buffer.alloc(1_048_577).toString('base64') } },
		code: 422,
		reason: 'Invalid',
		message:
			/^Secret "c" is invalid: data: Too long: (may not be more than|must have at most) 1048576 bytes$/,
	},
	{
		title: 'a body of more than 3 MiB',
		body: { data: { a: Buffer.alloc(3 * 1_048_576).toString('base64') } },
		code: 413,
		reason: 'RequestEntityTooLarge',
		message: 'Request entity too large: limit is 3145728',
	},
	{
		title: 'a label key with a space',
		body: { metadata: { name: 'c', labels: { 'a b': 'x' } } },
		code: 422,
		reason: 'Invalid',
		message: /^Secret "c" is invalid: metadata\.labels: Invalid value: "a b": name part must consist of/,
	},
	{
		title: 'a label value with a dash at its ends',
		body: { metadata: { name: 'c', labels: { ok: '-bad-' } } },
		code: 422,
		reason: 'Invalid',
		message:
			/^Secret "c" is invalid: metadata\.labels: Invalid value: "-bad-": a valid label must be an empty string or/,
	},
	{
		title: 'an annotation key with a space',
		body: { metadata: { name: 'c', annotations: { 'a b': 'x' } } },
		code: 422,
		reason: 'Invalid',
		message: /^Secret "c" is invalid: metadata\.annotations: Invalid value: "a b": name part must consist of/,
	},
	{
		title: 'annotations of more than 256 KiB',
		body: { metadata: { name: 'c', annotations: { a: 'x'.repeat(262_145) } } },
		code: 422,
		reason: 'Invalid',
		message:
			/^Secret "c" is invalid: metadata\.annotations: Too long: (may not be more than|must have at most) 262144 bytes$/,
	},
	{
		title: 'a TLS Secret without its keys',
		body: typed('kubernetes.io/tls'),
		code: 422,
		reason: 'Invalid',
		message: inSecret(`[${required('tls.crt')}, ${required('tls.key')}]`),
	},
	{
		title: 'a basic-auth Secret without its keys',
		body: typed('kubernetes.io/basic-auth'),
		code: 422,
		reason: 'Invalid',
		message: inSecret(`[${required('username')}, ${required('password')}]`),
	},
	{
		title: 'an SSH Secret without its key',
		body: typed('kubernetes.io/ssh-auth'),
		code: 422,
		reason: 'Invalid',
		message: inSecret(required('ssh-privatekey')),
	},
	{
		title: 'a docker config Secret without its key',
		body: typed('kubernetes.io/dockerconfigjson'),
		code: 422,
		reason: 'Invalid',
		message: inSecret(required('.dockerconfigjson')),
	},
	{
		title: 'a docker config that is no JSON, without telling it',
		body: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'eHl6enk=' } },
		code: 422,
		reason: 'Invalid',
		message:
			/^Secret "c" is invalid: data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>": (?!.*xyzzy)/,
	},
	{
		title: 'a ServiceAccount token Secret without its account',
		body: typed('kubernetes.io/service-account-token'),
		code: 422,
		reason: 'Invalid',
		message: inSecret('metadata.annotations[kubernetes.io/service-account.name]: Required value'),
	},
	{
		title: 'another namespace than that of the URL',
		body: { metadata: { name: 'c', namespace: 'other' } },
		code: 400,
		reason: 'BadRequest',
		message: 'the namespace of the provided object does not match the namespace sent on the request',
	},
	{
		title: 'another kind than that of the URL',
		body: { kind: 'ConfigMap' },
		code: 400,
		reason: 'BadRequest',
		message:
			'ConfigMap in version "v1" cannot be handled as a Secret: converting (v1.ConfigMap) to (core.Secret): unknown conversion',
	},
	{
		title: 'a body that is no JSON',
		body: '{"a":',
		code: 400,
		reason: 'BadRequest',
		message:
			/^the object provided is unrecognized \(must be of type Secret\): couldn't get version\/kind; json parse error: /,
	},
];

const refusals: readonly ContractPromise[] = cases.map(({ title, body, code, reason, message }) => ({
	title: `${title} is ${code} ${reason}`,
	run: async (client, ns) => {
		const sent = typeof body === 'string' ? body : secret('c', { metadata: { name: 'c' }, ...body });
		assertStatus(await client.send('POST', secrets(ns), { body: sent }), code, reason, message);
		assert.deepEqual((await client.must('GET', secrets(ns)))['items'], []);
	},
}));

export const validation: readonly ContractPromise[] = [
	...refusals,
	{
		title: 'the causes of a 422 name field, reason and text',
		run: async (client, ns) => {
			const answer = await client.send('POST', secrets(ns), {
				body: secret('c', typed('kubernetes.io/tls')),
			});
			assert.deepEqual(answer.body['details'], {
				name: 'c',
				kind: 'Secret',
				causes: ['tls.crt', 'tls.key'].map(key => ({
					reason: 'FieldValueRequired',
					message: 'Required value',
					field: `data[${key}]`,
				})),
			});
		},
	},
	{
		title: 'data of exactly 1 MiB is stored',
		run: async (client, ns) => {
			await create(client, ns, 'a', { data: { a: Buffer.alloc(1_048_576).toString('base64') } });
		},
	},
	{
		title: 'the type of a Secret cannot change, not even by leaving it out',
		run: async (client, ns) => {
			await create(client, ns, 'a', { type: 'example.com/x' });
			const put = (more: object): Promise<unknown> =>
				client.send('PUT', `${secrets(ns)}/a`, { body: secret('a', { ...more }) });
			const text = (type: string): string =>
				`Secret "a" is invalid: type: Invalid value: "${type}": field is immutable`;
			assertStatus((await put({ type: 'example.com/y' })) as never, 422, 'Invalid', text('example.com/y'));
			assertStatus((await put({})) as never, 422, 'Invalid', text('Opaque'));
		},
	},
	{
		title: 'an immutable Secret keeps its data and its mark, but not its labels',
		run: async (client, ns) => {
			await create(client, ns, 'a', { immutable: true });
			const why = 'Forbidden: field is immutable when `immutable` is set';
			const data = await client.send('PUT', `${secrets(ns)}/a`, {
				body: secret('a', { immutable: true, data: { k: 'dw==' } }),
			});
			assertStatus(data, 422, 'Invalid', `Secret "a" is invalid: data: ${why}`);
			const both = await client.send('PUT', `${secrets(ns)}/a`, {
				body: secret('a', { data: { k: 'dw==' } }),
			});
			assertStatus(both, 422, 'Invalid', `Secret "a" is invalid: [immutable: ${why}, data: ${why}]`);
			await client.must('PUT', `${secrets(ns)}/a`, {
				body: secret('a', { immutable: true, metadata: { name: 'a', labels: { x: 'y' } } }),
			});
		},
	},
	{
		title: 'stringData becomes data and is not answered',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a', { stringData: { s: 'v' } });
			assert.deepEqual(made['data'], { k: 'dg==', s: 'dg==' });
			assert.equal(made['stringData'], undefined);
		},
	},
	{
		title: 'an unknown field is dropped',
		run: async (client, ns) => {
			assert.equal((await create(client, ns, 'a', { foo: 1 }))['foo'], undefined);
		},
	},
	{
		title: 'a pod without containers, a Lease without duration and an event without time are 422',
		run: async (client, ns) => {
			await client.until(
				({ status }) => status === 200,
				'GET',
				`/api/v1/namespaces/${ns}/serviceaccounts/default`,
			);
			const pod = await client.send('POST', `/api/v1/namespaces/${ns}/pods`, {
				body: { metadata: { name: 'p' }, spec: { containers: [] } },
			});
			assertStatus(pod, 422, 'Invalid', 'Pod "p" is invalid: spec.containers: Required value');
			const lease = await client.send('POST', `/apis/coordination.k8s.io/v1/namespaces/${ns}/leases`, {
				body: { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 0 } },
			});
			assertStatus(
				lease,
				422,
				'Invalid',
				'Lease.coordination.k8s.io "l" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
			);
			const event = await client.send('POST', `/apis/events.k8s.io/v1/namespaces/${ns}/events`, {
				body: { metadata: { name: 'e' }, type: 'Normal', regarding: { namespace: ns } },
			});
			assertStatus(event, 422, 'Invalid', /^Event "e" is invalid: .*eventTime: Required value/);
		},
	},
];

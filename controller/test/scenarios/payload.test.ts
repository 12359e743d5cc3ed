// From the payload at the source to the bytes of the Secret: exact, or not at all.
import test from 'ava';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

test('integers of a million and more, long fractions and numbers beyond 2^53 arrive as they are written', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put(
		'/prod/db',
		'{"port": 1000000, "size": 20971520, "id": 9007199254740993, "rate": 1.10, "tiny": 1e-7, ' +
			'"on": true, "none": null, "nested": {"b": [1.0, 12345678901234567890], "a": "<&>"}}',
	);
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	t.deepEqual(
		{ ...(await environment.secret(team, 'db')).data },
		{
			port: '1000000',
			size: '20971520',
			id: '9007199254740993',
			rate: '1.10',
			tiny: '1e-7',
			on: 'true',
			none: '',
			nested: '{"b":[1.0,12345678901234567890],"a":"<&>"}',
		},
	);
});

test('binary and bytes that are no text are written as they are under one key', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const bytes = Buffer.from([0, 255, 128, 10, 0]);
	environment.secretsManager.put('/prod/keystore', bytes);
	await environment.pod(team, 'web', annotation({ path: '/prod/keystore', key: 'store.p12' }));
	t.deepEqual((await environment.secret(team, 'db')).bytes.get('store.p12'), bytes);
});

test('keys that are names of JavaScript are keys like any other', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const keys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
	environment.secretsManager.put('/prod/db', `{${keys.map(key => `"${key}": "of ${key}"`).join(', ')}}`);
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const { bytes } = await environment.secret(team, 'db');
	t.deepEqual([...bytes.keys()].sort(), keys.toSorted());
	t.is(bytes.get('__proto__')!.toString(), 'of __proto__');
});

test('keys that left the source leave the Secret, and so do keys that left the annotation', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { a: '1', b: '2', c: '3' });
	await environment.pod(team, 'web-1', annotation({ path: '/prod/db' }));
	await environment.secret(team, 'db', ({ data }) => Object.keys(data).length === 3);
	await environment.event(team, 'web-1', 'SecretSyncSuccess');
	environment.secretsManager.put('/prod/db', { a: '1', b: '2' });
	await environment.pod(team, 'web-2', annotation({ path: '/prod/db' }));
	t.deepEqual(
		{ ...(await environment.secret(team, 'db', ({ data }) => !('c' in data))).data },
		{ a: '1', b: '2' },
	);
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'web-1', gracePeriodSeconds: 0 });
	await environment.annotate(team, 'web-2', annotation({ path: '/prod/db', keys: { a: 'a' } }));
	t.deepEqual({ ...(await environment.secret(team, 'db', ({ data }) => !('b' in data))).data }, { a: '1' });
});

type Refusal = {
	readonly payload: string | Uint8Array | object;
	readonly fields?: object;
	readonly reason: 'SecretFetchFailed' | 'SecretSyncFailed';
	readonly code: string;
	/** What the Event says, beside the code. */
	readonly says?: RegExp;
};

const many = (count: number, value: string | number) =>
	Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

const REFUSED: Readonly<Record<string, Refusal>> = {
	'a mapped key that the source lacks': {
		payload: { user: 'app' },
		fields: { keys: { PASSWORD: 'password' } },
		reason: 'SecretFetchFailed',
		code: 'SOURCE_KEY_MISSING',
		says: /source key "password" is not in the secret/,
	},
	'broken JSON': { payload: '{"user": "app", ', reason: 'SecretFetchFailed', code: 'PAYLOAD_NOT_OBJECT' },
	'plain text without `key`': { payload: 'hunter2', reason: 'SecretFetchFailed', code: 'PAYLOAD_NOT_OBJECT' },
	'the document null': { payload: 'null', reason: 'SecretFetchFailed', code: 'PAYLOAD_NOT_OBJECT' },
	'an array': { payload: '["a"]', reason: 'SecretFetchFailed', code: 'PAYLOAD_NOT_OBJECT' },
	'binary without `key`': {
		payload: new Uint8Array([1, 2]),
		reason: 'SecretFetchFailed',
		code: 'PAYLOAD_NOT_OBJECT',
	},
	'a key that no Secret can have': {
		payload: { good: '1', 'a/b\n': '2' },
		reason: 'SecretSyncFailed',
		code: 'SECRET_KEY_INVALID',
		says: /key "a\/b\\\\?n" of the source|key "a\/b/,
	},
	'an empty key': { payload: { good: '1', '': '2' }, reason: 'SecretSyncFailed', code: 'SECRET_KEY_INVALID' },
	'a key of 254 characters': {
		payload: { ['k'.repeat(254)]: '1' },
		reason: 'SecretSyncFailed',
		code: 'SECRET_KEY_INVALID',
	},
	'a key of 64 kB': {
		payload: { ['k'.repeat(65_000)]: '1' },
		reason: 'SecretSyncFailed',
		code: 'SECRET_KEY_INVALID',
	},
	'more than 1 MiB': {
		payload: { large: 'x'.repeat(60_000) },
		fields: { keys: many(20, 'large') },
		reason: 'SecretSyncFailed',
		code: 'SECRET_TOO_LARGE',
		says: /the values have 1200000 bytes, a Secret holds at most 1048576/,
	},
	'5,000 keys': {
		payload: many(5_000, 1),
		reason: 'SecretSyncFailed',
		code: 'SECRET_TOO_LARGE',
		says: /5000 keys, at most/,
	},
	'a TLS Secret without a key': {
		payload: { 'tls.crt': 'x' },
		fields: { type: 'kubernetes.io/tls' },
		reason: 'SecretSyncFailed',
		code: 'SECRET_TYPE_INVALID',
		says: /"tls.crt" and "tls.key"/,
	},
};

test('a payload that cannot become a Secret is reported to the pod, not retried, and not written in part', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	const cases = Object.entries(REFUSED).map(([title, refusal], index) => ({
		title,
		...refusal,
		name: `p${index}`,
	}));
	for (const { name, payload } of cases) {
		environment.secretsManager.put(`/prod/${name}`, payload);
	}

	await Promise.all(
		cases.map(({ name, fields }) =>
			environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name, ...fields })),
		),
	);
	for (const { title, name, reason, code, says } of cases) {
		const { note } = await environment.event(team, name, reason);
		t.true(note.includes(code), `${title}: ${note}`);
		t.regex(note, says ?? /./, title);
		t.true(note.length <= 1_024, title);
	}

	await environment.barrier(team);
	for (const { title, name, code } of cases) {
		t.is(environment.world.secret(team, name), undefined, title);
		t.is(environment.events(team, name).length, 1, title);
		t.is(controller.log.count({ code, secret: `${team}/${name}` }), 1, title);
	}
});

test('a source that becomes broken leaves the Secret of yesterday as it is', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web-1', annotation({ path: '/prod/db' }));
	const before = await environment.secret(team, 'db');
	await environment.event(team, 'web-1', 'SecretSyncSuccess');
	environment.secretsManager.put('/prod/db', '{"user": ');
	await environment.pod(team, 'web-2', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web-2', 'SecretFetchFailed');
	t.is(environment.world.secret(team, 'db')!.resourceVersion, before.resourceVersion);
});

// The Secret to write, and the payloads that are refused before any request.
import test from 'ava';
import fc from 'fast-check';
import { JasmError } from '../../src/errors.ts';
import { parseAnnotation } from '../../src/requests/annotation.ts';
import { desiredSecret, MAX_KEY_COUNT, MAX_VALUE_BYTES, specHash } from '../../src/sync/desired-secret.ts';
import { KEY, LEAF } from '../certificates/files.ts';

type Values = Record<string, string | Buffer> | Map<string, Buffer>;

const syncOf = (fields: object = {}) =>
	parseAnnotation(JSON.stringify({ provider: 'aws', path: '/prod/db', secretName: 'db', ...fields }))[0]!;

const desire = (values: Values, fields: object = {}) =>
	desiredSecret({
		namespace: 'team-a',
		sync: syncOf(fields),
		values:
			values instanceof Map
				? values
				: new Map(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)])),
		version: 'v1',
	});

function refusal(values: Values, fields: object = {}): { code: string; message: string } {
	try {
		desire(values, fields);
	} catch (error) {
		if (error instanceof JasmError) {
			refuseCause(error);
			return { code: error.code, message: error.message };
		}
	}

	return { code: 'none', message: 'accepted' };
}

function refuseCause(error: JasmError): void {
	if (error.cause !== undefined) {
		throw new Error('a refusal carries a cause, which can quote a value');
	}
}

test('the Secret has the values, the label that owns it and where it came from', t => {
	t.deepEqual(JSON.parse(JSON.stringify(desire({ b: '2', a: Buffer.from([0, 255]) }))), {
		namespace: 'team-a',
		name: 'db',
		type: 'Opaque',
		labels: { 'app.kubernetes.io/managed-by': 'jasm', 'jasm.codnod.io/provider': 'aws' },
		annotations: {
			'jasm.codnod.io/source-path': '/prod/db',
			'jasm.codnod.io/source-version': 'v1',
			'jasm.codnod.io/spec-hash': specHash(syncOf()),
		},
		data: { a: 'AP8=', b: 'Mg==' },
	});
});

test('the same input gives the same bytes, in whatever order the source had its keys', t => {
	const values = { '10': 'x', '9': 'y', b: 'z', a: '', Z: '' };
	const reversed = Object.fromEntries(Object.entries(values).reverse());
	t.is(JSON.stringify(desire(values)), JSON.stringify(desire(reversed)));
});

test('every value arrives byte for byte, under any legal key', t => {
	const key = fc.oneof(
		fc.constantFrom('__proto__', 'constructor', 'toString', '.dockerconfigjson', '-', '0'),
		fc.stringMatching(/^[-_a-zA-Z0-9]{1,20}$/),
	);
	fc.assert(
		fc.property(fc.array(fc.tuple(key, fc.uint8Array())), entries => {
			const values = new Map(entries.map(([key, bytes]) => [key, Buffer.from(bytes)]));
			const { data } = JSON.parse(JSON.stringify(desire(values)));
			return (
				Object.keys(data).length === values.size &&
				[...values].every(([key, bytes]) =>
					bytes.equals(
						Buffer.from(Object.entries(data).find(([name]) => name === key)?.[1] as string, 'base64'),
					),
				)
			);
		}),
	);
	t.pass();
});

test('the spec hash depends on the request, not on values or versions', t => {
	const hash = specHash(syncOf());
	t.regex(hash, /^[0-9a-f]{32}$/);
	t.is(desire({ a: '1' }).annotations['jasm.codnod.io/spec-hash'], hash);
	t.is(desire({ a: '2' }).annotations['jasm.codnod.io/spec-hash'], hash);
	t.not(specHash(syncOf({ path: '/prod/other' })), hash);
	t.not(specHash(syncOf({ keys: { a: 'b' } })), hash);
});

test('the Secret depends on the input only: no clock, nothing random', t => {
	const names = Object.keys(desire({}).annotations);
	t.false(names.some(name => name.includes('synced-at')));
	t.deepEqual(desire({ a: '1' }), desire({ a: '1' }));
});

test('a version id that is long or unprintable is cut and escaped', t => {
	const manifest = desiredSecret({
		namespace: 'n',
		sync: syncOf(),
		values: new Map(),
		version: `\n${'v'.repeat(100_000)}`,
	});
	t.true(manifest.annotations['jasm.codnod.io/source-version']!.length < 300);
});

test('values without any key give a Secret without data', t => {
	t.is(JSON.stringify(desire({}).data), '{}');
});

for (const key of ['a/b', '', ' ', '..', '..a', 'k'.repeat(254), 'ä', 'a\n']) {
	test(`the key ${JSON.stringify(key.slice(0, 9))} refuses the whole Secret by name, without its value`, t => {
		const { code, message } = refusal({ good: 'x', [key]: 'hunter2' });
		t.is(code, 'SECRET_KEY_INVALID');
		t.false(message.includes('hunter2'));
		t.regex(message, /^key ".{0,75}" of the source cannot be a key of a Kubernetes Secret$/);
	});
}

test('exactly 1 MiB is accepted and one byte more is refused with its size', t => {
	t.is(refusal({ a: Buffer.alloc(MAX_VALUE_BYTES - 1), b: 'x' }).code, 'none');
	t.deepEqual(refusal({ a: Buffer.alloc(MAX_VALUE_BYTES), b: 'x' }), {
		code: 'SECRET_TOO_LARGE',
		message: 'the values have 1048577 bytes, a Secret holds at most 1048576',
	});
});

test('too many keys are refused before any of them is checked', t => {
	const values = (count: number) =>
		new Map(Array.from({ length: count }, (_, index) => [`k${index}`, Buffer.alloc(0)]));
	t.is(refusal(values(MAX_KEY_COUNT)).code, 'none');
	t.deepEqual(refusal(values(MAX_KEY_COUNT).set('a/b', Buffer.alloc(0))), {
		code: 'SECRET_TOO_LARGE',
		message: 'the source has 1025 keys, at most 1024 are written',
	});
});

const types: Record<string, { good: Values[]; bad: Values[]; demand: string }> = {
	'kubernetes.io/dockerconfigjson': {
		good: [{ '.dockerconfigjson': '{"auths":{}}' }, { '.dockerconfigjson': '{}', more: 'x' }],
		bad: [
			{},
			{ '.dockerconfigjson': '' },
			{ '.dockerconfigjson': 'hunter2' },
			{ '.dockerconfigjson': '[]' },
			{ '.dockerconfigjson': '{"auths":' },
		],
		demand:
			'a JSON object in key ".dockerconfigjson" (if the secret is the whole document, add `key: .dockerconfigjson`)',
	},
	'kubernetes.io/tls': {
		good: [{ 'tls.crt': LEAF, 'tls.key': KEY }],
		bad: [{}, { 'tls.crt': 'hunter2' }, { 'tls.key': 'hunter2' }],
		demand: 'the keys "tls.crt" and "tls.key"',
	},
	'kubernetes.io/basic-auth': {
		good: [{ username: 'u' }, { password: 'p' }, { username: 'u', password: 'p' }],
		bad: [{}, { user: 'hunter2' }],
		demand: 'the key "username" or "password"',
	},
	'kubernetes.io/ssh-auth': {
		good: [{ 'ssh-privatekey': 'k' }],
		bad: [{}, { 'ssh-privatekey': '' }],
		demand: 'a non-empty key "ssh-privatekey"',
	},
};

for (const [type, { good, bad, demand }] of Object.entries(types)) {
	test(`a Secret of type ${type} has what the API server requires, or is refused without a value`, t => {
		for (const values of good) {
			t.is(desire(values, { type }).type, type);
		}

		for (const values of bad) {
			t.deepEqual(refusal(values, { type }), {
				code: 'SECRET_TYPE_INVALID',
				message: `type ${type} requires ${demand}`,
			});
		}
	});
}

test('a docker configuration is written without the byte order mark that its source has', t => {
	const type = 'kubernetes.io/dockerconfigjson';
	for (const value of ['\ufeff{"auths":{}}', Buffer.from('\ufeff{"auths":{}}')]) {
		const { data } = JSON.parse(JSON.stringify(desire({ '.dockerconfigjson': value }, { type })));
		t.is(Buffer.from(data['.dockerconfigjson'], 'base64').toString(), '{"auths":{}}');
	}
});

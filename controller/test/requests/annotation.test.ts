// What an annotation may ask for, the exact words of each refusal, and that no text breaks the parser.
import test from 'ava';
import fc from 'fast-check';
import { JasmError } from '../../src/errors.ts';
import { MAX_ANNOTATION_BYTES, parseAnnotation, SECRET_TYPES } from '../../src/requests/annotation.ts';

const GOOD = { provider: 'aws-secretsmanager', path: '/prod/myapp/database', secretName: 'db-credentials' };

const yaml = (fields: object): string => JSON.stringify({ ...GOOD, ...fields });

function messageOf(text: string): string {
	try {
		parseAnnotation(text);
	} catch (error) {
		if (error instanceof JasmError && error.code === 'ANNOTATION_INVALID') {
			return error.message;
		}

		return `not coded: ${error}`;
	}

	return 'no error';
}

test('a mapping asks for one secret', t => {
	const [sync, ...others] = parseAnnotation(
		'provider: aws-secretsmanager\npath: /prod/myapp/database\nsecretName: db-credentials\n' +
			'keys: {password: DB_PASSWORD, user: DB_USER}\nversion: AWSPREVIOUS\n',
	);
	t.deepEqual(others, []);
	t.is(sync?.provider, 'aws-secretsmanager');
	t.is(sync?.path, '/prod/myapp/database');
	t.is(sync?.secretName, 'db-credentials');
	t.deepEqual(
		[...(sync?.keys ?? [])],
		[
			['password', 'DB_PASSWORD'],
			['user', 'DB_USER'],
		],
	);
	t.is(sync?.version, 'AWSPREVIOUS');
	t.is(sync?.type, 'Opaque');
	t.is(sync?.key, undefined);
});

test('a list asks for several secrets', t => {
	const syncs = parseAnnotation(
		'- {provider: aws, path: a, secretName: one}\n- {provider: aws, path: b, secretName: two, key: blob}\n',
	);
	t.deepEqual(
		syncs.map(({ secretName, path, key }) => [secretName, path, key]),
		[
			['one', 'a', undefined],
			['two', 'b', 'blob'],
		],
	);
});

test('onChange says whether the Secret follows its source; two pods that differ in it agree', t => {
	const [plain, update, ignore, restart] = [
		{},
		{ onChange: 'update' },
		{ onChange: 'ignore' },
		{ onChange: 'restart' },
	].map(fields => parseAnnotation(yaml(fields))[0]!);
	t.is(plain?.onChange, undefined);
	t.is(update?.onChange, undefined);
	t.is(ignore?.onChange, 'ignore');
	t.is(restart?.onChange, 'restart');
	t.is(restart?.spec, plain?.spec);
	t.is(ignore?.spec, plain?.spec);
	t.is(
		messageOf(yaml({ onChange: 'reload' })),
		'onChange "reload" is not supported, allowed are update, restart, ignore',
	);
});

test('the result cannot be changed', t => {
	const syncs = parseAnnotation(yaml({}));
	t.true(Object.isFrozen(syncs));
	t.true(Object.isFrozen(syncs[0]));
});

test('absent, null and empty fields are equal', t => {
	const plain = parseAnnotation(yaml({}))[0]!;
	for (const text of ['', '~', 'null', '""']) {
		const [sync] = parseAnnotation(
			`provider: ${GOOD.provider}\npath: ${GOOD.path}\nsecretName: ${GOOD.secretName}\n` +
				['keys', 'key', 'version', 'type'].map(field => `${field}: ${text}\n`).join(''),
		);
		t.is(sync?.spec, plain.spec);
	}

	t.is(parseAnnotation(yaml({ keys: {} }))[0]?.keys, undefined);
});

test('values keep their source text and are not trimmed', t => {
	t.is(parseAnnotation('provider: 123\npath: 0x1F\nsecretName: "1.10"')[0]?.path, '0x1F');
	t.is(messageOf('provider: aws\npath: p\nsecretName: >\n s\n'), NOT_A_NAME('s\\u{a}'));
});

const NOT_A_NAME = (name: string): string =>
	`secretName "${name}" is not a DNS-1123 subdomain ` +
	'(lower-case letters, digits, "-" and ".", at most 253 characters)';

const NOT_A_KEY = (field: string, name: string): string =>
	`${field}: "${name}" is not a Secret key ` +
	'(letters, digits, "-", "_" and ".", at most 253 characters, not starting with "..")';

const KNOWN = 'known are provider, path, secretName, keys, key, version, type, onChange';

const faults: Record<string, readonly [string, string]> = {
	'an empty value': ['', 'annotation value is empty'],
	'a blank value': [' \n', 'provider field is required'],
	'a comment alone': ['# later', 'provider field is required'],
	'an empty list': ['[]', 'annotation lists nothing'],
	'a bare word': ['hello', 'failed to parse annotation YAML: expected a mapping or a list of mappings'],
	'a list of words': ['[hello]', 'failed to parse annotation YAML: item 1: expected a mapping'],
	'broken YAML': [
		'provider: aws\n  path: x',
		'failed to parse annotation YAML: line 2, column 7: bad indentation of a mapping entry',
	],
	'a missing provider': ['path: x', 'provider field is required'],
	'a null provider': ['provider: ~\npath: x\nsecretName: y', 'provider field is required'],
	'a missing path': ['provider: x', 'path field is required'],
	'a missing secretName': ['provider: x\npath: y', 'secretName field is required'],
	'a fault inside a list': [
		'- {provider: a, path: b, secretName: c}\n- {provider: a}',
		'item 2: path field is required',
	],
	'a secretName listed twice': [
		'[{provider: a, path: b, secretName: c}, {provider: a, path: d, secretName: c}]',
		'secretName "c" is listed twice',
	],
	'a mistyped field': [
		'{provider: x, path: y, secretname: z}',
		'unknown field "secretname", did you mean "secretName"?',
	],
	'a field that only an operator may set': [
		yaml({ endpoint: 'http://x' }),
		`unknown field "endpoint", ${KNOWN}`,
	],
	'a field named __proto__': ['__proto__: x', `unknown field "__proto__", ${KNOWN}`],
	'a field that is not text': ['{provider: x, path: [y], secretName: z}', MUST_BE_STRING('path')],
	'a field named by a list': ['? [a]\n: b', `unknown field "", ${KNOWN}`],
	'a provider that is no name': [
		yaml({ provider: 'aws\u001b[31m' }),
		'provider "aws\\u{1b}[31m" is not a name of letters, digits, "-", "_" and "."',
	],
	'an invalid secretName': [yaml({ secretName: 'Db_Creds' }), NOT_A_NAME('Db_Creds')],
	'a path of more than 2048 characters': [
		yaml({ path: 'p'.repeat(2049) }),
		'path is longer than 2048 characters',
	],
	'a path with a NUL': [yaml({ path: 'a\u0000b' }), 'path contains control or invisible characters'],
	'a path with a bidirectional override': [
		yaml({ path: 'a\u202eb' }),
		'path contains control or invisible characters',
	],
	'a path with a trailing blank': [yaml({ path: 'a ' }), 'path begins or ends with a blank'],
	'a version with a newline': [yaml({ version: '1\n2' }), 'version contains control or invisible characters'],
	'key together with keys': [yaml({ key: 'a', keys: { b: 'c' } }), 'key and keys exclude each other'],
	'a key that Kubernetes refuses': [yaml({ key: 'a/b' }), NOT_A_KEY('key', 'a/b')],
	'a mapped key that Kubernetes refuses': [yaml({ keys: { '..a': 'b' } }), NOT_A_KEY('keys', '..a')],
	'keys that are a list': [
		yaml({ keys: ['a'] }),
		'failed to parse annotation YAML: keys must be a mapping of Secret keys to source keys',
	],
	'a source key that is no text': [
		yaml({ keys: { a: ['b'] } }),
		'failed to parse annotation YAML: keys: the source of "a" must be a string',
	],
	'more than 256 keys': [
		yaml({ keys: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, 's'])) }),
		'keys has 257 entries, at most 256 are allowed',
	],
	'a type that mints tokens': [
		yaml({ type: 'kubernetes.io/service-account-token' }),
		`type "kubernetes.io/service-account-token" is not allowed, allowed are ${SECRET_TYPES.join(', ')}`,
	],
	'more than 8 KiB': ['#'.repeat(8193), 'annotation is larger than 8192 bytes'],
	'more than 8 KiB in fewer characters': [`#${'ä'.repeat(4096)}`, 'annotation is larger than 8192 bytes'],
};

function MUST_BE_STRING(field: string): string {
	return `failed to parse annotation YAML: ${field} must be a string`;
}

for (const [what, [text, message]] of Object.entries(faults)) {
	test(`${what} is refused in fixed words`, t => {
		t.is(messageOf(text), message);
	});
}

test('exactly 8 KiB are accepted', t => {
	const text = `${yaml({})} #`;
	t.is(messageOf(text.padEnd(MAX_ANNOTATION_BYTES, 'x')), 'no error');
});

test('a null source key looks up the empty key', t => {
	t.deepEqual([...parseAnnotation(yaml({ keys: { a: null } }))[0]!.keys!], [['a', '']]);
});

test('keys that are special in JavaScript are mapped like any other', t => {
	const text = 'provider: a\npath: b\nsecretName: c\nkeys: {__proto__: constructor, toString: __proto__}';
	t.deepEqual(
		[...parseAnnotation(text)[0]!.keys!],
		[
			['__proto__', 'constructor'],
			['toString', '__proto__'],
		],
	);
	t.is(({} as Record<string, unknown>)['polluted'], undefined);
});

test('a name in a message is escaped and cut', t => {
	const message = messageOf(`${'"x\\e[2J\\n'}${'y'.repeat(500)}": z`);
	t.true(message.startsWith('unknown field "x\\u{1b}[2J\\u{a}yyy'));
	t.true(message.length < 220);
});

const field = fc.record(
	{
		provider: fc.constantFrom('aws', 'vault'),
		path: fc.constantFrom('a', 'b/c', '/d'),
		secretName: fc.constant('s'),
		keys: fc.dictionary(fc.constantFrom('k1', 'k2', '__proto__', '0'), fc.constantFrom('x', 'y')),
		version: fc.constantFrom('1', '2'),
		type: fc.constantFrom(...SECRET_TYPES),
	},
	{ requiredKeys: ['provider', 'path', 'secretName'] },
);

test('two requests have one spec exactly if they ask for the same', t => {
	type Fields = { provider: string; path: string; keys?: object; version?: string; type?: string };
	const canonical = ({ provider, path, keys = {}, version = '', type = 'Opaque' }: Fields): string =>
		JSON.stringify([provider, path, version, type, Object.entries(keys).sort()]);
	fc.assert(
		fc.property(field, field, (a, b) => {
			const [left, right] = [a, b].map(fields => parseAnnotation(JSON.stringify(fields))[0]!.spec);
			return (left === right) === (canonical(a) === canonical(b));
		}),
	);
	t.pass();
});

test('the order of keys and the writing style do not change the spec', t => {
	const one = parseAnnotation('{provider: a, path: b, secretName: c, keys: {x: "1", y: z}}')[0]!;
	const two = parseAnnotation('secretName: c\nkeys:\n  y: z\n  x: 1\npath: b\nprovider: a\ntype: Opaque')[0]!;
	t.is(one.spec, two.spec);
});

test('any text gives a list or a coded error of limited, printable text', t => {
	const fragment = fc.oneof(
		fc.constantFrom(...Object.keys(GOOD), 'keys', 'key', 'version', 'type', '__proto__', 'constructor', '<<'),
		fc.constantFrom(': ', '\n', '\n  ', '- ', '{', '}', '[', ']', ',', '"', "'", '&a ', '*a', '!!str ', '? '),
		fc.constantFrom('~', 'null', 'aws', 's', '|\n', '---\n', '\\u0000', '\u202e', '\t', '#', '%YAML 1.2\n'),
		fc.string({ unit: 'binary', maxLength: 4 }),
	);
	const text = fc.oneof(
		fc.array(fragment, { maxLength: 40 }).map(parts => parts.join('')),
		fc.string({ unit: 'binary' }),
	);
	fc.assert(
		fc.property(text, text => {
			const message = messageOf(text);
			return !message.startsWith('not coded') && message.length <= 400 && !/[\p{Cc}\p{Cf}]/u.test(message);
		}),
		{ numRuns: 5_000 },
	);
	t.pass();
});

test('a text over the size limit is refused before it is parsed', t => {
	// Broken YAML, broken UTF-16 and an unknown field: none of them is what the answer speaks of.
	const text = `\ud800: [&x *y !z\n`.repeat(100_000);
	t.is(messageOf(text), 'annotation is larger than 8192 bytes');
});

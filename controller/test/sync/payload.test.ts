// The payload rules: what each JSON value becomes, what is refused, and that no error repeats a byte of it.
import { inspect } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { JasmError } from '../../src/errors.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { payloadToValues, type Selection } from '../../src/sync/payload.ts';

const secret = (payload: string | Buffer, binary = false) =>
	new SecretValue({ payload: Buffer.from(payload), version: 'v1', binary });

const values = (payload: string | Buffer, selection?: Selection) =>
	Object.fromEntries(
		Array.from(payloadToValues(secret(payload), selection), ([key, value]) => [key, value.toString()]),
	);

function refusal(payload: string | Buffer, selection?: Selection, binary = false): JasmError {
	try {
		payloadToValues(secret(payload, binary), selection);
	} catch (error) {
		if (error instanceof JasmError) {
			return error;
		}

		throw error;
	}

	throw new Error('expected a refusal');
}

test('every member of a JSON object becomes one value', t => {
	t.deepEqual(values('{"DB_HOST":"db","DB_USER":"app","DB_PASSWORD":"s3cret \\u00e9\\n"}'), {
		DB_HOST: 'db',
		DB_USER: 'app',
		DB_PASSWORD: 's3cret é\n',
	});
	t.deepEqual(values(' \n{ "a" : "b" }\t'), { a: 'b' });
});

for (const number of [
	'1000000',
	'12345678901234567890',
	'9007199254740993',
	'1.10',
	'1e400',
	'1E+2',
	'-0',
	'0.00001',
]) {
	test(`the number ${number} keeps its source text, also inside nested values`, t => {
		t.deepEqual(values(`{"n":${number},"o":{"x":[${number}]},"a":[ ${number} , "1" ]}`), {
			n: number,
			o: `{"x":[${number}]}`,
			a: `[${number},"1"]`,
		});
	});
}

test('an object without any member is refused: nothing is written, so an existing Secret keeps its data', t => {
	for (const payload of ['{}', ' { } ']) {
		const { code, retry, remedy } = refusal(payload);
		t.is(code, 'SOURCE_EMPTY');
		t.is(retry, 'slow');
		t.regex(remedy, /JASM keeps the existing Secret/);
	}

	t.is(refusal('{}', { keys: new Map([['a', 'a']]) }).code, 'SOURCE_KEY_MISSING');
	t.deepEqual(values('{}', { key: 'whole' }), { whole: '{}' });
});

test('booleans are words and null is the empty string, while inside nested values both stay JSON', t => {
	t.deepEqual(values('{"yes":true,"no":false,"none":null,"nested":[true,null]}'), {
		yes: 'true',
		no: 'false',
		none: '',
		nested: '[true,null]',
	});
});

test('nested values become compact JSON in the order of the source, without escapes for HTML', t => {
	t.deepEqual(values('{"o": { "z": "<&>", "a": { } , "k": [ ] } }'), { o: '{"z":"<&>","a":{},"k":[]}' });
});

test('the last of duplicate members wins', t => {
	t.deepEqual(values('{"a":"first","b":"x","a":"last"}'), { a: 'last', b: 'x' });
});

test('names that objects inherit are ordinary keys, present or missing', t => {
	const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
	const payload = `{${names.map(name => `${JSON.stringify(name)}:"v"`).join(',')}}`;
	t.deepEqual([...payloadToValues(secret(payload)).keys()], names);
	t.deepEqual([...payloadToValues(secret('{"o":{"__proto__":{"n":1.0}}}')).values()].map(String), [
		'{"__proto__":{"n":1.0}}',
	]);
	for (const name of names) {
		t.is(refusal('{"a":"b"}', { keys: new Map([['k', name]]) }).code, 'SOURCE_KEY_MISSING');
	}
});

test('a mapping takes only the keys that it names, under the names that it gives', t => {
	const keys = new Map([
		['password', 'DB_PASSWORD'],
		['again', 'DB_PASSWORD'],
		['empty', ''],
	]);
	t.deepEqual(values('{"DB_PASSWORD":"p","DB_USER":"u","":"e"}', { keys }), {
		password: 'p',
		again: 'p',
		empty: 'e',
	});
});

test('a mapped key that the source lacks is an error that names it, escaped and cut, and no other', t => {
	const error = refusal('{"OTHER":"v"}', { keys: new Map([['k', `a\n\u202e${'x'.repeat(500)}`]]) });
	t.is(error.code, 'SOURCE_KEY_MISSING');
	t.true(error.message.startsWith('source key "a\\u{a}\\u{202e}xxx'));
	t.true(error.message.length < 130);
	t.false(error.message.includes('OTHER'));
});

test('a key takes any whole payload byte for byte', t => {
	const bytes = Buffer.from([0, 255, 254, 10, 13, 0]);
	t.deepEqual(payloadToValues(secret(bytes, true), { key: 'k' }), new Map([['k', bytes]]));
	t.deepEqual(payloadToValues(secret(bytes), { key: 'k' }), new Map([['k', bytes]]));
	for (const text of ['plain text', ' { "a" : 1.0 } ', '[1,2]', '"scalar"', 'null', '42', '{"broken":']) {
		t.deepEqual(values(text, { key: 'whole' }), { whole: text });
	}
});

for (const [what, payload] of [
	['plain text', 'hunter2'],
	['a string', '"hunter2"'],
	['a number', '42'],
	['null', 'null'],
	['a boolean', 'true'],
	['an array', '["hunter2"]'],
	['broken JSON', '{"password":"hunter2'],
	['two documents', '{"a":"b"}{"c":"d"}'],
	['nothing', ''],
	['invalid UTF-8', Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])],
	['nesting deeper than the stack', `{"a":${'['.repeat(32_000)}${']'.repeat(32_000)}}`],
] as const) {
	test(`${what} is not a JSON object and needs a key`, t => {
		const error = refusal(payload);
		t.is(error.code, 'PAYLOAD_NOT_OBJECT');
		t.is(error.message, 'payload is not a JSON object');
		t.is(error.cause, undefined);
		t.is(refusal(payload, { keys: new Map([['k', 'a']]) }).code, 'PAYLOAD_NOT_OBJECT');
	});
}

test('a byte order mark before a JSON object is no part of it', t => {
	const value = new SecretValue({ payload: Buffer.from('\ufeff{"a":"b"}'), version: '' });
	t.is(payloadToValues(value).get('a')?.toString(), 'b');
});

test('a binary payload needs a key even if its bytes are JSON', t => {
	t.is(refusal('{"a":"b"}', {}, true).code, 'PAYLOAD_NOT_OBJECT');
});

test('a NUL is written as it is', t => {
	const bytes = Buffer.from(payloadToValues(secret('{"a":"x\\u0000y"}')).get('a') as string);
	t.deepEqual([...bytes], [0x78, 0, 0x79]);
});

test('half a character is refused rather than replaced: in a member, in a mapped key, in a whole text', t => {
	for (const half of ['\\ud83d', '\\ude00', '\\ud83d\\ud83d', '\\ude00\\ud83d']) {
		const { code, message, retry } = refusal(`{"ok":"x","b\\u000ad":"canary${half}y"}`);
		t.is(code, 'PAYLOAD_MALFORMED');
		t.is(retry, 'slow');
		t.regex(message, /^the value of source key "b\\u\{a\}d" holds half a character/);
		t.false(message.includes('canary'));
	}

	const keys = new Map([['k', 'a']]);
	t.is(refusal('{"a":"\\ud800"}', { keys }).code, 'PAYLOAD_MALFORMED');
	const whole = new SecretValue({ payload: 'x\ud83dy', version: '' });
	t.throws(() => payloadToValues(whole, { key: 'k' }), { message: /^the payload holds half a character/ });
});

test('half a character that is not asked for, or inside a nested value, loses nothing', t => {
	t.deepEqual(values('{"a":"b","half":"\\ud800"}', { keys: new Map([['k', 'a']]) }), { k: 'b' });
	t.deepEqual(values('{"o":{"n":["\\ud83d"]}}'), { o: '{"n":["\\ud83d"]}' });
	t.deepEqual(values('{"whole":"\\ud83d\\ude00"}'), { whole: '\u{1f600}' });
});

test('any JSON object survives: equal JSON for nested values, the same text for strings', t => {
	fc.assert(
		fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, maxKeys: 8 }), document => {
			const result = payloadToValues(secret(JSON.stringify(document)));
			const parsed = Object.entries(JSON.parse(JSON.stringify(document)) as object);
			t.is(result.size, parsed.length);
			for (const [name, value] of parsed) {
				const text = result.get(name)?.toString();
				if (typeof value === 'string') {
					t.is(text, Buffer.from(value).toString());
				} else if (value === null) {
					t.is(text, '');
				} else {
					t.deepEqual(JSON.parse(text ?? ''), value);
				}
			}
		}),
	);
});

test('any number keeps its text at any depth', t => {
	const number = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,20})?([eE][+-]?\d{1,4})?$/);
	fc.assert(
		fc.property(fc.array(number, { minLength: 1, maxLength: 10 }), numbers => {
			const text = `{"list":[${numbers.join(', ')}],${numbers.map((n, index) => `"n${index}": ${n}`).join(',')}}`;
			const result = values(text);
			t.is(result['list'], `[${numbers.join(',')}]`);
			t.deepEqual(
				numbers.map((_, index) => result[`n${index}`]),
				numbers,
			);
		}),
	);
});

test('no refusal contains a byte of the payload', t => {
	const CANARY = 'QZ7canary';
	const payload = fc.oneof(
		fc.string().map(text => `${CANARY}${text}`),
		fc.string().map(text => `{"${CANARY}":"${text}`),
		fc.jsonValue().map(value => JSON.stringify([CANARY, value])),
		fc.jsonValue().map(value => JSON.stringify({ [CANARY]: value, other: CANARY })),
	);
	fc.assert(
		fc.property(payload, text => {
			const error = refusal(text, { keys: new Map([['k', 'wanted']]) });
			const shown = inspect(error, { showHidden: true, depth: 10 }) + JSON.stringify(error) + error.stack;
			t.false(shown.includes(CANARY.slice(0, 8)));
		}),
	);
});

test('a payload larger than a Secret is not parsed, whatever it holds; under a key it is taken as it is', t => {
	const large = `{"a":"${'x'.repeat(1_048_576)}"}`;
	t.is(refusal(large).code, 'SECRET_TOO_LARGE');
	t.is(refusal('['.repeat(1_048_577)).code, 'SECRET_TOO_LARGE');
	t.is(payloadToValues(secret(large), { key: 'all' }).get('all')?.length, large.length);
});

// The search for leaked values finds a value in every form in which it could come out.
import { inspect } from 'node:util';
import test from 'ava';
import { Canaries } from '../helpers/canary/values.ts';

test('the search finds a value in whatever form it comes out, and what a cut leaves of it', t => {
	const canaries = new Canaries();
	const value = canaries.text('a value');
	const number = canaries.number('a number');
	const bytes = canaries.bytes('bytes');
	const base64 = (prefix: string) => Buffer.from(prefix + value).toString('base64');
	for (const [form, text] of Object.entries({
		whole: `password=${value};`,
		beginning: `${value.slice(0, 8)}…`,
		end: `…${value.slice(-8)}`,
		'as a parser quotes it': String(t.throws(() => JSON.parse(value))),
		base64: base64(''),
		'base64 behind one byte': base64('"'),
		'base64 behind two bytes': base64('a"'),
		base64url: Buffer.from(value).toString('base64url'),
		hex: Buffer.from(value).toString('hex'),
		'a Buffer as JSON': JSON.stringify({ payload: Buffer.from(value) }),
		'a Buffer as inspect() shows it': inspect({ payload: Buffer.from(value) }),
		'a number that lost its end': JSON.stringify({ number: Number(number) }),
		'bytes as text': bytes.toString(),
		'bytes in base64': bytes.toString('base64'),
	})) {
		t.not(canaries.foundIn({ log: text }).length, 0, form);
	}

	t.deepEqual(
		canaries.foundIn({ log: `${value.slice(0, 7)} ${base64('').slice(0, 8)} ${number.slice(1, 7)}` }),
		[],
	);
});

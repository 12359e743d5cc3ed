// A value refuses to be printed, whichever way it is tried.
import { format, inspect } from 'node:util';
import test from 'ava';
import { SecretValue } from '../../src/providers/secret-value.ts';

const CANARY = 'canary-5f2d';
const value = new SecretValue({ payload: Buffer.from(CANARY), version: 'v1' });

test('no way of printing a value gives its bytes', t => {
	const prints = [
		String(value),
		`${value}`,
		JSON.stringify({ value }),
		inspect(value),
		inspect({ nested: { value } }, { depth: 9, showHidden: true }),
		format('%s %o %j', value, value, value),
		JSON.stringify(Object.entries(value)),
		Object.values({ ...value }).join(),
	];
	for (const print of prints) {
		t.false(print.includes(CANARY), print);
		t.false(print.includes(Buffer.from(CANARY).toString('base64')), print);
	}

	t.true(inspect(value).includes('[redacted]'));
});

test('the payload is had by asking for it', t => {
	t.is(value.payload().toString(), CANARY);
	t.is(value.size, CANARY.length);
	t.is(value.version, 'v1');
});

// What counts as a token, as a key, as a name in a certificate, and how long the id of a request is kept.
import test from 'ava';
import { tokenFault } from '../../../src/changes/webhook/bearer.ts';
import { namesIn } from '../../../src/changes/webhook/client-names.ts';
import { keyFault, TakenIds } from '../../../src/changes/webhook/hmac.ts';

test('a token has at least 32 printable characters', t => {
	t.is(tokenFault('x'.repeat(32)), undefined);
	t.is(tokenFault(`${'x'.repeat(32)}\n`), undefined);
	for (const content of [
		undefined,
		'',
		'x'.repeat(31),
		`${'x'.repeat(31)}\n`,
		`${'x '.repeat(20)}x`,
		'ü'.repeat(40),
	]) {
		t.is(typeof tokenFault(content), 'string', content ?? 'none');
	}
});

test('a key of Standard Webhooks has at least 24 bytes in base64', t => {
	const bytes = (count: number) => Buffer.alloc(count, 7).toString('base64');
	t.is(keyFault(`whsec_${bytes(24)}\n`), undefined);
	t.is(keyFault(bytes(64)), undefined);
	for (const content of [
		undefined,
		'',
		'whsec_',
		`whsec_${bytes(23)}`,
		`whsec_${bytes(32)}!`,
		'a key of words and more words',
	]) {
		t.is(typeof keyFault(content), 'string', content ?? 'none');
	}
});

test('only DNS names and URIs of a certificate count, and none where one could pretend to be two', t => {
	t.deepEqual(namesIn('DNS:a.example, URI:spiffe://x/y, IP Address:10.0.0.1, email:me@x'), [
		'a.example',
		'spiffe://x/y',
	]);
	t.deepEqual(namesIn(''), []);
	t.deepEqual(namesIn('URI:"x, DNS:a.example, y"'), []);
});

test('the id of a request is kept for ten minutes, and at most ten thousand of them', t => {
	let now = 0;
	const ids = new TakenIds({ monotonic: () => now } as never);
	for (let index = 0; index < 10_000; index++) {
		t.false(ids.full);
		ids.add(`msg_${index}`);
	}

	t.true(ids.full);
	now = 599_999;
	t.true(ids.has('msg_0'));
	now = 600_000;
	t.false(ids.has('msg_0'));
	t.false(ids.full);
});

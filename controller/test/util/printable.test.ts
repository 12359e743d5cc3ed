// Untrusted text shown safely.
import test from 'ava';
import fc from 'fast-check';
import { printable } from '../../src/util/printable.ts';

test('newlines, escapes, bidirectional marks and zero-width characters are shown, not obeyed', t => {
	t.is(
		printable('a\nb\u001b[31mc\u202ed\u200be\u2028f'),
		'a\\u{a}b\\u{1b}[31mc\\u{202e}d\\u{200b}e\\u{2028}f',
	);
});

test('ordinary text of any script stays as it is', t => {
	t.is(printable('/prod/größe/データ-1 😀'), '/prod/größe/データ-1 😀');
});

test('a megabyte is cut before it is escaped', t => {
	t.is(printable('x'.repeat(1_000_000), 10), `${'x'.repeat(9)}…`);
});

test('nothing that comes out can break a line or move a cursor', t => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), text => {
			t.false(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(printable(text)));
		}),
	);
	t.pass();
});

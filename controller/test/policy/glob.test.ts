// Globs against a matcher that is too simple to be wrong.
import test from 'ava';
import fc from 'fast-check';
import { compileGlob, fillGlob, matchGlob } from '../../src/policy/glob.ts';

const matches = (pattern: string, text: string): boolean => matchGlob(compileGlob(pattern), text);

/** By definition: the first character, then the rest. Exponential, and obviously right. */
function naive(pattern: string, text: string): boolean {
	if (pattern === '') {
		return text === '';
	}

	if (pattern[0] === '*') {
		return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)));
	}

	return (
		text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && naive(pattern.slice(1), text.slice(1))
	);
}

test('a glob matches exactly what its definition says', t => {
	const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
	const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
	fc.assert(
		fc.property(pattern, text, (pattern, text) => matches(pattern, text) === naive(pattern, text)),
		{ numRuns: 5_000 },
	);
	t.pass();
});

test('a glob is anchored at both ends', t => {
	t.true(matches('team-*', 'team-a'));
	t.false(matches('team-*', 'my-team-a'));
	t.false(matches('team', 'team-a'));
	t.true(matches('db-??????', 'db-AbCdEf'));
	t.false(matches('db-??????', 'db-admin-AbCdEf'));
});

test('characters that regular expressions know stand for themselves', t => {
	for (const text of ['a.b', '(a|b)+$', '[a-z]', '^a', '{2}']) {
		t.true(matches(text, text));
	}

	t.true(matches('a\\\\d', 'a\\d'));

	t.false(matches('a.b', 'axb'));
	t.false(matches('[a-z]', 'a'));
});

test('a filled-in value stands for itself, wildcards and replacement patterns included', t => {
	const glob = fillGlob(compileGlob('*/{namespace}?'), '{namespace}', '*$&');
	t.true(matchGlob(glob, 'x/*$&y'));
	t.false(matchGlob(glob, 'x/abcy'));
});

test('many wildcards against a long text that never matches stay within text × glob steps', t => {
	// Counted, not timed: every comparison of one character reads it once.
	let reads = 0;
	const text = new Proxy(Object('a'.repeat(500)), {
		get(target, name) {
			reads++;
			const value = Reflect.get(target, name);
			return typeof value === 'function' ? value.bind(target.valueOf()) : value;
		},
	}) as string;
	t.false(matchGlob(compileGlob(`${'*a'.repeat(50)}b`), text));
	t.true(reads < 500 * 101 * 4, `${reads} reads`);
});

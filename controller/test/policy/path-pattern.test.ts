// Path patterns against a matcher that is too simple to be wrong, and the paths that none may match.
import test from 'ava';
import fc from 'fast-check';
import { compilePath, matchPath, patternFault, readPath } from '../../src/policy/path-pattern.ts';

function matches(pattern: string, path: string, namespace = 'team-a'): boolean {
	const parsed = readPath(path);
	return parsed !== undefined && matchPath(compilePath(pattern), parsed, namespace);
}

/** By definition, on the segments alone; `*` and letters only. */
function naive(pattern: readonly string[], path: readonly string[]): boolean {
	const [first, ...rest] = pattern;
	if (first === undefined) {
		return path.length === 0;
	}

	if (path.length === 0) {
		return first === '**' && rest.length > 0 && naive(rest, path);
	}

	if (first === '**') {
		return (
			(rest.length > 0 && naive(rest, path)) ||
			naive(pattern, path.slice(1)) ||
			(rest.length === 0 && path.length === 1)
		);
	}

	return (first === '*' || first === path[0]) && naive(rest, path.slice(1));
}

const segment = fc.constantFrom('a', 'b');
const path = fc.array(segment, { minLength: 1, maxLength: 6 });
const pattern = fc.array(fc.oneof(segment, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 5 });

test('a pattern matches exactly what its definition says, relative, absolute and as an ARN', t => {
	const prefix = fc.constantFrom('', '/', 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:');
	fc.assert(
		fc.property(prefix, pattern, path, (prefix, pattern, path) => {
			const expected = naive(pattern, path);
			return matches(prefix + pattern.join('/'), prefix + path.join('/')) === expected;
		}),
		{ numRuns: 5_000 },
	);
	t.pass();
});

test('absolute, relative and ARN paths never match patterns of another form', t => {
	const prefixes = ['', '/', 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:'];
	fc.assert(
		fc.property(
			pattern,
			path,
			fc.subarray(prefixes, { minLength: 2, maxLength: 2 }),
			(pattern, path, [a, b]) => {
				const [left, right] = [pattern.join('/'), path.join('/')];
				return !matches(a + left, b + right) && !matches(b + left, a + right);
			},
		),
	);
	t.pass();
});

test('a star stays within its segment', t => {
	t.true(matches('/prod/*/db', '/prod/x/db'));
	t.false(matches('/prod/*/db', '/prod/x/y/db'));
	t.true(matches('/prod/my*', '/prod/myapp'));
	t.false(matches('/prod/db', '/prod/db-admin'));
});

test('two stars take any number of segments in between and at least one at the end', t => {
	t.true(matches('/a/**/z', '/a/z'));
	t.true(matches('/a/**/z', '/a/b/c/z'));
	t.true(matches('/a/**', '/a/b/c'));
	t.false(matches('/a/**', '/a'));
	t.true(matches('**', 'a'));
});

test('the placeholder is the namespace of the pod and nothing else', t => {
	t.true(matches('/prod/{namespace}/**', '/prod/team-a/db'));
	t.false(matches('/prod/{namespace}/**', '/prod/team-b/db'));
	t.false(matches('/prod/{namespace}/**', '/prod/team-a-evil/db'));
	t.true(matches('/{namespace}-*/x', '/team-a-1/x'));
	t.false(matches('/{namespace}/x', '/{namespace}/x'));
});

test('a namespace cannot smuggle a wildcard into a pattern', t => {
	t.false(matches('/{namespace}/x', '/b/x', '*'));
	t.false(matches('/{namespace}/x', '/a/b/x', '**'));
});

test('an escaped character stands for itself alone', t => {
	for (const character of ['*', '?', '{', '}', '\\']) {
		t.is(patternFault(`/a\\${character}b`), undefined);
		t.true(matches(`/a\\${character}b`, `/a${character}b`));
		t.false(matches(`/a\\${character}b`, '/axb'));
	}

	t.true(matches('/\\**', '/*x'));
	t.false(matches('/\\**', '/x'));
	t.true(matches('/\\*\\*', '/**'));
	t.false(matches('/\\*\\*', '/a/b'));
	t.true(matches('/\\{namespace}/x', '/{namespace}/x'));
	t.false(matches('/\\{namespace}/x', '/team-a/x'));
	t.true(matches('/a\\\\*', '/a\\b'));
});

test('a backslash that makes nothing literal is refused, also at the end', t => {
	for (const pattern of ['/a\\b', '/a\\', '/a\\/b', '/a\\\\\\b']) {
		t.regex(patternFault(pattern) ?? '', /before a character that means nothing else/, pattern);
	}
});

test('in an ARN a star does not cross a colon', t => {
	const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:/prod/team-a/db-AbCdEf';
	t.true(matches('arn:aws:secretsmanager:*:123456789012:secret:/prod/{namespace}/db-??????', arn));
	t.false(matches('arn:aws:secretsmanager:*:999999999999:secret:/prod/**', arn));
	t.false(matches('arn:*:secretsmanager:eu-west-1:*:*:/test/**', arn));
	t.false(matches('arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/**', arn));
});

const unsafe = [
	'',
	'a/./b',
	'a/../b',
	'..',
	'.',
	'/prod/team-a/../team-b/db',
	'a\u0000',
	'a\u202eb',
	'a\nb',
	'a'.repeat(2_049),
	'arn:',
	'arn:aws:secretsmanager:eu-west-1:123456789012:secret',
	'arn:aws:secretsmanager::123456789012:secret:a',
	'arn:aws:secretsmanager:eu-west-1:123456789012:secret:',
	'arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/../b',
];

for (const path of unsafe) {
	test(`no pattern matches the path ${JSON.stringify(path.slice(0, 70))}`, t => {
		t.is(readPath(path), undefined);
	});
}

const malformed: Record<string, RegExp> = {
	'': /is empty/,
	'/a**': /beside other characters/,
	'/***': /beside other characters/,
	'/{name}/x': /placeholder that is not \{namespace\}/,
	'/{namespace/x': /placeholder/,
	'/a/../b': /segment "\." or "\.\."/,
	'arn:aws:secretsmanager:eu-west-1': /must be arn:/,
	'arn:**': /must be arn:/,
	'arn:aws:**:eu-west-1:1:secret:x': /before the name of an ARN/,
	[`/${'a'.repeat(2_048)}`]: /longer than 2048/,
};

for (const [pattern, message] of Object.entries(malformed)) {
	test(`the pattern ${JSON.stringify(pattern.slice(0, 40))} is refused`, t => {
		t.regex(patternFault(pattern) ?? 'no fault', message);
	});
}

test('well-formed patterns have no fault', t => {
	for (const pattern of [
		'**',
		'/**',
		'a',
		'/prod/{namespace}/**',
		'*/x',
		'arn:*:*:*:*:secret:**',
		'/a/**/b/**',
	]) {
		t.is(patternFault(pattern), undefined, pattern);
	}
});

test('whatever the pattern and the path, an answer comes and never for an unsafe path', t => {
	const part = fc.constantFrom(
		'a',
		'*',
		'**',
		'?',
		'/',
		'..',
		'.',
		'arn:',
		':',
		'%',
		'{namespace}',
		'\\',
		'$&',
	);
	const text = fc.array(part, { maxLength: 12 }).map(parts => parts.join(''));
	fc.assert(
		fc.property(text, text, (pattern, path) => {
			if (patternFault(pattern) !== undefined) {
				return true;
			}

			const segments = path.replace(/^arn:(?:[^:]*:){5}/, '').split('/');
			return !matches(pattern, path) || !segments.some(segment => segment === '..' || segment === '.');
		}),
		{ numRuns: 10_000 },
	);
	t.pass();
});

test('many double stars against a long path that never matches stay within pattern × path steps', t => {
	const pattern = compilePath(`${'**/a/'.repeat(200)}b`);
	const segments = new Array<string>(1_000).fill('a');
	let reads = 0;
	const counted = new Proxy(segments, {
		get: (target, name) => {
			reads++;
			return Reflect.get(target, name);
		},
	});
	t.false(matchPath(pattern, { head: [], segments: counted }, 'team-a'));
	t.true(reads < 401 * 1_001 * 4, `${reads} reads`);
});

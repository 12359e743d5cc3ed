// What the YAML reader accepts, and that its faults quote nothing.
import test from 'ava';
import fc from 'fast-check';
import { parseStrictYaml, YamlFault } from '../../src/util/strict-yaml.ts';

const parse = (text: string): unknown => parseStrictYaml(text, { maxDepth: 6 });
const faultOf = (text: string): string => {
	try {
		parse(text);
	} catch (error) {
		if (error instanceof YamlFault) {
			return error.message;
		}
	}

	return 'no fault';
};

test('every scalar is its source text', t => {
	for (const text of [
		'123',
		'0x1F',
		'0o17',
		'0123',
		'true',
		'no',
		'1.10',
		'2020-01-01',
		'.inf',
		'1e3',
		'Null.',
	]) {
		t.deepEqual(parse(`a: ${text}`), new Map([['a', text]]));
	}
});

test('plain null, a tilde and nothing are null, quoted they are text', t => {
	const text = 'a: ~\nb: null\nc:\nd: "null"\ne: \'~\'\nf: ""';
	t.deepEqual([...(parse(text) as Map<string, unknown>).values()], [null, null, null, 'null', '~', '']);
	t.is(parse(''), null);
	t.is(parse('# nothing\n'), null);
});

test('keys that are special in JavaScript are ordinary keys', t => {
	const node = parse('__proto__: a\nconstructor: b\ntoString: {__proto__: c}') as Map<string, unknown>;
	t.deepEqual([...node.keys()], ['__proto__', 'constructor', 'toString']);
	t.deepEqual(node.get('toString'), new Map([['__proto__', 'c']]));
	t.is(Object.getPrototypeOf(node), Map.prototype);
});

const refused = {
	'an anchor': ['a: &x b', 'line 1, column 5: anchors and aliases are not supported'],
	'an alias': ['a: *x', 'line 1, column 5: anchors and aliases are not supported'],
	'a tag': ['a: !!binary aGk=', 'line 1, column 4: tags are not supported'],
	'a foreign tag': ['a: !hunter2! x', 'line 1, column 13: tags are not supported'],
	'a second document': ['a: b\n---\nc: d', 'line 3, column 5: more than one document'],
	'a duplicate key': ['a: b\na: c', 'line 2, column 1: duplicated mapping key'],
	'a tab as indentation': ['a:\n\tb: c', 'line 2, column 1: tab characters must not be used in indentation'],
	'deep nesting': ['[[[[[[[', 'line 1, column 6: nested too deeply'],
	'a control character': ['"\u0000"', 'line 1, column 2: syntax error'],
} as const;

for (const [what, [text, message]] of Object.entries(refused)) {
	test(`${what} is refused with its position`, t => {
		t.is(faultOf(text), message);
	});
}

test('a merge key is an ordinary key', t => {
	t.deepEqual(parse('<<: {a: b}'), new Map([['<<', new Map([['a', 'b']])]]));
});

test('whatever the text, a fault is a position and a fixed reason', t => {
	const canary = 'c4n4ry';
	const fragment = fc.constantFrom(
		canary,
		`"${canary}`,
		`!${canary} `,
		`!${canary}! `,
		`%TAG !${canary}! ${canary}\n`,
		`*${canary}`,
		`&${canary} `,
		'- ',
		': ',
		'? ',
		'\n',
		'\t',
		'  ',
		'{',
		'[',
		']',
		'}',
		',',
		'|\n',
		'---\n',
		'\\x',
		'\ud800',
	);
	fc.assert(
		fc.property(fc.array(fragment, { maxLength: 12 }), fragments => {
			const message = faultOf(fragments.join(''));
			return !message.includes(canary) && /^(no fault|line \d+, column \d+: [^\n]+)$/.test(message);
		}),
		{ numRuns: 2_000 },
	);
	t.pass();
});

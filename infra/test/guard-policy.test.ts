// The admission policy's expressions, evaluated: which writes of JASM's ServiceAccount they refuse, and why.
import { parseAnnotation } from '@jasm/controller';
import test from 'ava';
import { SECRET_TYPES } from '../src/contract.ts';
import { matchConditions, validations } from '../src/guard-policy.ts';

type Secret = { metadata: { labels?: Record<string, string> }; type?: string };
type Write = {
	readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
	readonly namespace?: string;
	readonly object?: Secret | null;
	readonly oldObject?: Secret | null;
};

/** Evaluates the part of CEL that the policy uses, which differs from JavaScript in `has` and in `in` of a list. */
function evaluate(expression: string, names: Record<string, unknown>): unknown {
	const script = expression
		.replaceAll(/has\(([\w.]+)\)/g, '($1 !== undefined)')
		.replaceAll(/([\w.]+) in (\[[^\]]*\])/g, '$2.includes($1)');
	return new Function(...Object.keys(names), `return (${script})`)(...Object.values(names));
}

/** Messages of the validations that refuse a write. */
function refusals({ operation, namespace = 'shop', object = null, oldObject = null }: Write): string[] {
	const names = { request: { operation, namespace }, object, oldObject };
	return validations('jasm')
		.filter(({ expression }) => evaluate(expression, names) !== true)
		.map(({ message }) => message);
}

const owned = (type = 'Opaque'): Secret => ({
	metadata: { labels: { 'app.kubernetes.io/managed-by': 'jasm', 'jasm.codnod.io/provider': 'aws' } },
	type,
});
const foreign: Secret = { metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, type: 'Opaque' };
const bare: Secret = { metadata: {}, type: 'Opaque' };

test('a Secret of its own is created and replaced', t => {
	t.deepEqual(refusals({ operation: 'CREATE', object: owned() }), []);
	t.deepEqual(refusals({ operation: 'UPDATE', object: owned(), oldObject: owned() }), []);
	t.deepEqual(refusals({ operation: 'CREATE', object: owned('kubernetes.io/tls') }), []);
});

for (const [title, write, message] of [
	['deleting anything', { operation: 'DELETE', oldObject: owned() }, /never deletes/],
	[
		'replacing a foreign Secret',
		{ operation: 'UPDATE', object: owned(), oldObject: foreign },
		/changes only Secrets that carry the label app.kubernetes.io\/managed-by: jasm/,
	],
	[
		'replacing an unlabelled Secret',
		{ operation: 'UPDATE', object: owned(), oldObject: bare },
		/changes only Secrets/,
	],
	[
		'giving its own Secret away',
		{ operation: 'UPDATE', object: foreign, oldObject: owned() },
		/writes only Secrets that carry the label/,
	],
	[
		'creating without the label',
		{ operation: 'CREATE', object: bare },
		/writes only Secrets that carry the label/,
	],
	[
		'a ServiceAccount token',
		{ operation: 'CREATE', object: owned('kubernetes.io/service-account-token') },
		/of the types Opaque/,
	],
	['a Helm release', { operation: 'CREATE', object: owned('helm.sh/release.v1') }, /of the types Opaque/],
	['no type', { operation: 'CREATE', object: { metadata: owned().metadata } }, /of the types Opaque/],
	[
		'a system namespace',
		{ operation: 'CREATE', namespace: 'kube-system', object: owned() },
		/system namespace or its own/,
	],
	[
		"JASM's own namespace",
		{ operation: 'UPDATE', namespace: 'jasm', object: owned(), oldObject: owned() },
		/system namespace or its own/,
	],
] as [string, Write, RegExp][]) {
	test(`refused: ${title}`, t => {
		const found = refusals(write);
		t.is(found.length, 1, found.join('\n'));
		t.regex(found[0] ?? '', message);
	});
}

test('the types that may be written are those that an annotation may ask for', t => {
	const error = t.throws(() => parseAnnotation('{provider: a, path: b, secretName: c, type: none}'));
	const allowed = error.message.split('allowed are ')[1]?.split(', ');
	t.deepEqual(allowed?.sort(), [...SECRET_TYPES].sort());
});

test('the proof at start is refused: the sentinel is replaced as it is, without a label', t => {
	t.true(refusals({ operation: 'UPDATE', namespace: 'jasm', object: bare, oldObject: bare }).length > 0);
});

test('one user is held, nobody else', t => {
	const [condition] = matchConditions('jasm', 'jasm');
	const held = (username: string) =>
		evaluate(condition?.expression ?? '', { request: { userInfo: { username } } });
	t.true(held('system:serviceaccount:jasm:jasm'));
	t.false(held('system:serviceaccount:jasm:default'));
	t.false(held('system:serviceaccount:shop:jasm'));
});

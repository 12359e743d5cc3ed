// The admission policy's expressions, evaluated: which writes of JASM's ServiceAccount they refuse, and why.
import { parseAnnotation } from '@jasm/controller';
import test from 'ava';
import { SECRET_TYPES } from '../../src/documents/contract.ts';
import { matchConditions, validations } from '../../src/documents/guard-policy.ts';

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
		.replaceAll(/([\w.]+) in (\[[^\]]*\])/g, '$2.includes($1)')
		.replaceAll(/([\w.]+)\.matches\('([^']*)'\)/g, '/$2/.test($1)');
	return new Function(...Object.keys(names), `return (${script})`)(...Object.values(names));
}

/** Messages of the validations that refuse a write of JASM's ServiceAccount in namespace `home`. */
function refusals(
	{ operation, namespace = 'shop', object = null, oldObject = null }: Write,
	home = 'jasm',
	systemNamespaces: readonly string[] = [],
): string[] {
	const userInfo = { username: `system:serviceaccount:${home}:jasm` };
	const names = { request: { operation, namespace, userInfo }, object, oldObject };
	return validations('jasm', systemNamespaces)
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

test('an installation in another namespace is held there, and kept out of its own', t => {
	const write = (namespace: string): Write => ({ operation: 'CREATE', namespace, object: owned() });
	t.deepEqual(refusals(write('jasm'), 'platform'), []);
	t.regex(refusals(write('platform'), 'platform').join(), /system namespace or its own/);
	t.true(
		refusals({ operation: 'UPDATE', namespace: 'platform', object: bare, oldObject: bare }, 'platform')
			.length > 0,
	);
});

test('a namespace that begins with kube- is written to exactly if a pattern that begins so matches it', t => {
	const write = (namespace: string, ...patterns: string[]) =>
		refusals({ operation: 'CREATE', namespace, object: owned() }, 'jasm', patterns).length === 0;
	t.false(write('kube-logging'));
	t.true(write('kube-logging', 'kube-logging'));
	t.true(write('kube-logging', 'kube-m?nitoring', 'kube-log*'));
	t.false(write('kube-logging-2', 'kube-logging'));
	t.false(write('kube-logging', '*', "kube-x') || true || ('"));
	for (const reserved of ['kube-system', 'kube-public', 'kube-node-lease']) {
		t.false(write(reserved, 'kube-*', reserved));
	}
	t.true(write('shop', 'kube-logging'));
});

test('the ServiceAccount is held in whatever namespace it lives, and no other user is', t => {
	const [condition] = matchConditions('jasm');
	const held = (username: string) =>
		evaluate(condition?.expression ?? '', { request: { userInfo: { username } } });
	t.true(held('system:serviceaccount:jasm:jasm'));
	t.true(held('system:serviceaccount:platform:jasm'));
	for (const user of [
		'system:serviceaccount:jasm:default',
		'system:serviceaccount:jasm:jasm2',
		'jasm',
		'admin',
	])
		t.false(held(user), user);
	t.false(held('x:system:serviceaccount:jasm:jasm'));
});

// Who may read what: nobody, except where a rule says so.
import test from 'ava';
import fc from 'fast-check';
import { compilePolicy, decide, namespaceGlobFault, type PolicyRule } from '../src/policy.ts';

const RULE: PolicyRule = { namespaces: ['team-*'], provider: 'aws', paths: ['/prod/{namespace}/**'] };

const policyOf = (...rules: PolicyRule[]) => compilePolicy(rules, { ownNamespace: 'jasm' });
const everything = policyOf({ namespaces: ['*'], provider: 'aws', paths: ['**', '/**', 'arn:*:*:*:*:*:**'] });
const ask = { namespace: 'team-a', provider: 'aws', path: '/prod/team-a/db' };

test('a rule allows its namespaces to read its paths of its provider', t => {
	t.deepEqual(decide(policyOf(RULE), ask), { allowed: true });
});

test('without a rule nothing may be read', t => {
	t.false(decide(policyOf(), ask).allowed);
});

test('every part of a rule counts', t => {
	const policy = policyOf(RULE);
	t.false(decide(policy, { ...ask, namespace: 'other', path: '/prod/other/db' }).allowed);
	t.false(decide(policy, { ...ask, provider: 'vault' }).allowed);
	t.false(decide(policy, { ...ask, path: '/prod/team-b/db' }).allowed);
	t.false(decide(policy, { ...ask, path: 'prod/team-a/db' }).allowed);
});

test('rules add up and do not mix', t => {
	const policy = policyOf(RULE, { namespaces: ['ops'], provider: 'aws', paths: ['/ops/*'] });
	t.true(decide(policy, ask).allowed);
	t.true(decide(policy, { ...ask, namespace: 'ops', path: '/ops/x' }).allowed);
	t.false(decide(policy, { ...ask, path: '/ops/x' }).allowed);
});

test('a denial has fixed words that neither name nor confirm the secret', t => {
	const denials = ['/prod/team-b/db', '/none', '../x', ''].map(path =>
		decide(policyOf(RULE), { ...ask, path }),
	);
	for (const denial of denials) {
		t.deepEqual(denial, {
			allowed: false,
			code: 'POLICY_DENIED',
			message: 'no policy rule allows this namespace to read this path',
		});
	}
});

test('system namespaces and the own one are excluded whatever the rules say', t => {
	for (const namespace of ['kube-system', 'kube-public', 'kube-node-lease', 'kube-x', 'jasm']) {
		const decision = decide(everything, { ...ask, namespace });
		t.like(decision, { allowed: false, code: 'NAMESPACE_EXCLUDED' });
	}

	t.true(decide(everything, { ...ask, namespace: 'kubernetes' }).allowed);
	t.true(decide(everything, { ...ask, namespace: 'jasm-demo' }).allowed);
});

test('names that are special in JavaScript are ordinary names', t => {
	for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
		t.false(decide(policyOf(RULE), { ...ask, provider: name }).allowed);
	}

	t.false(decide(policyOf(RULE), { ...ask, namespace: 'constructor' }).allowed);
	t.true(decide(everything, { ...ask, namespace: 'constructor' }).allowed);
});

test('what is no namespace is denied, were every namespace allowed', t => {
	for (const namespace of ['', '*', '**', 'a/b', '..', 'A', 'a.b']) {
		t.false(decide(everything, { ...ask, namespace }).allowed);
	}
});

test('a malformed pattern that was not refused grants nothing', t => {
	const policy = policyOf({ namespaces: ['*'], provider: 'aws', paths: ['/prod**', '', '/{ns}/**'] });
	t.false(decide(policy, { ...ask, path: '/prod/x' }).allowed);
	t.false(decide(policy, { ...ask, path: '/production' }).allowed);
});

test('no rule lets a path with a parent, current or empty segment pass', t => {
	const part = fc.constantFrom('prod', 'team-a', '..', '.', '');
	fc.assert(
		fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), parts => {
			const unsafe = parts.some(part => part === '' || part === '..' || part === '.');
			return decide(everything, { ...ask, path: `/${parts.join('/')}` }).allowed === !unsafe;
		}),
	);
	t.pass();
});

test('globs that can match no namespace are named', t => {
	for (const glob of ['*', 'team-*', 'a?c', 'constructor']) {
		t.is(namespaceGlobFault(glob), undefined);
	}

	for (const glob of ['', 'Team-*', 'a/b', 'a.b', '(a|b)', '{namespace}']) {
		t.is(typeof namespaceGlobFault(glob), 'string');
	}
});

// No pod may read anything unless a rule says so.
import test from 'ava';
import fc from 'fast-check';
import { compilePolicy, decide, namespaceGlobFault, type PolicyRule } from '../../src/policy/policy.ts';

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
		t.like(denial, {
			allowed: false,
			code: 'POLICY_DENIED',
			message: 'no policy rule allows this namespace to read this path',
		});
	}
});

test('a path that is denied only for its leading slash is told so, whether or not a secret is there', t => {
	const message = (rule: PolicyRule, path: string) => {
		const decision = decide(policyOf(rule), { ...ask, path });
		return decision.allowed ? '' : decision.message;
	};
	t.regex(message(RULE, 'prod/team-a/none'), /: a rule allows it with a leading slash$/);
	t.regex(
		message({ ...RULE, paths: ['prod/**'] }, '/prod/db'),
		/: a rule allows it without the leading slash$/,
	);
	t.regex(message(RULE, 'prod/team-b/db'), /this path$/);
	t.regex(message(RULE, 'arn:aws:x:y:z:w:prod/team-a/x'), /this path$/);
});

test('for the log a denial names the rules of the namespace, or says that there are none', t => {
	const nearest = (policy: ReturnType<typeof policyOf>, question: object) => {
		const decision = decide(policy, { ...ask, path: '/other', ...question });
		return decision.allowed ? undefined : decision.nearest;
	};
	const ops = { namespaces: ['ops'], provider: 'aws', paths: ['/ops/*'] };
	t.is(nearest(policyOf(ops, RULE), {}), 'policy[1]: /prod/{namespace}/**');
	t.is(nearest(policyOf(ops), {}), 'no rule of provider "aws" matches namespace "team-a"');
	t.is(
		nearest(policyOf(RULE), { provider: 'vault' }),
		'no rule of provider "vault" matches namespace "team-a"',
	);
	const many = policyOf({ ...RULE, paths: Array.from({ length: 8 }, (_, index) => `/p${index}`) });
	t.regex(nearest(many, {}) ?? '', /policy\[0\]: \/p4, and 3 more$/);
});

test("Kubernetes' own namespaces and JASM's are excluded, even if a rule names them", t => {
	const names = ['kube-system', 'kube-public', 'kube-node-lease', 'jasm'];
	const named = policyOf({ namespaces: [...names, 'kube-*'], provider: 'aws', paths: ['/**'] });
	for (const namespace of names) {
		for (const policy of [everything, named]) {
			t.like(decide(policy, { ...ask, namespace }), { allowed: false, code: 'NAMESPACE_EXCLUDED' });
		}
	}

	t.true(decide(everything, { ...ask, namespace: 'kubernetes' }).allowed);
	t.true(decide(everything, { ...ask, namespace: 'jasm-demo' }).allowed);
});

test('another namespace that begins with kube- is served only by a pattern that begins so', t => {
	const asked = { ...ask, namespace: 'kube-logging' };
	for (const namespaces of [['*'], ['kub*'], ['?ube-logging'], ['k*-logging'], ['team-*']]) {
		const policy = policyOf({ namespaces, provider: 'aws', paths: ['/**'] });
		t.like(decide(policy, asked), { allowed: false, code: 'NAMESPACE_EXCLUDED' }, namespaces.join());
	}

	for (const namespaces of [['kube-logging'], ['kube-log*'], ['kube-*'], ['*', 'kube-logging']]) {
		const policy = policyOf({ namespaces, provider: 'aws', paths: ['/prod/**'] });
		t.true(decide(policy, asked).allowed, namespaces.join());
		t.like(decide(policy, { ...asked, path: '/other' }), { code: 'POLICY_DENIED' });
		t.like(decide(policy, { ...asked, provider: 'vault' }), { code: 'POLICY_DENIED' });
		t.like(decide(policy, { ...asked, namespace: 'kube-system' }), { code: 'NAMESPACE_EXCLUDED' });
	}
});

test('names that are special in JavaScript are ordinary names', t => {
	for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
		t.false(decide(policyOf(RULE), { ...ask, provider: name }).allowed);
	}

	t.false(decide(policyOf(RULE), { ...ask, namespace: 'constructor' }).allowed);
	t.true(decide(everything, { ...ask, namespace: 'constructor' }).allowed);
});

test('an invalid namespace name is denied even if all namespaces are allowed', t => {
	for (const namespace of ['', '*', '**', 'a/b', '..', 'A', 'a.b']) {
		t.false(decide(everything, { ...ask, namespace }).allowed);
	}
});

test('a malformed pattern that was not refused grants nothing', t => {
	const policy = policyOf({ namespaces: ['*'], provider: 'aws', paths: ['/prod**', '', '/{ns}/**'] });
	t.false(decide(policy, { ...ask, path: '/prod/x' }).allowed);
	t.false(decide(policy, { ...ask, path: '/production' }).allowed);
});

test('no rule lets a path with a parent or current segment pass', t => {
	const part = fc.constantFrom('prod', 'team-a', '..', '.', '');
	fc.assert(
		fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), parts => {
			const unsafe = parts.some(part => part === '..' || part === '.');
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

// The naming rules, as the API server has them.
import test from 'ava';
import { isLabelValue, isNamespace, isSecretKey, isSecretName } from '../../src/kubernetes/names.ts';

test('the name of a Secret is a DNS-1123 subdomain of at most 253 characters', t => {
	for (const name of ['a', 'db-credentials', 'a.b-c.d0', '0', 'a'.repeat(253), 'constructor']) {
		t.true(isSecretName(name), name);
	}

	for (const name of ['', 'A', 'a_b', '-a', 'a-', 'a..b', '.a', 'a.', 'a.-b', 'a\n', 'ä', 'a'.repeat(254)]) {
		t.false(isSecretName(name), name);
	}
});

test('a namespace is one DNS-1123 label of at most 63 characters', t => {
	t.true(isNamespace('team-a'));
	t.true(isNamespace('a'.repeat(63)));
	for (const name of ['', 'a.b', 'a'.repeat(64), 'Team', 'a/b', 'a-']) {
		t.false(isNamespace(name), name);
	}
});

test('a Secret key has letters, digits, dots, dashes and underscores, and does not start with two dots', t => {
	for (const key of ['a', 'DB_HOST', '.dockerconfigjson', '-', '__proto__', 'a..b', 'k'.repeat(253)]) {
		t.true(isSecretKey(key), key);
	}

	for (const key of ['', '.', '..', '..a', '...', 'a/b', 'a b', 'a\n', 'ä', 'k'.repeat(254)]) {
		t.false(isSecretKey(key), key);
	}
});

test('the value of a label has at most 63 characters and begins and ends with a letter or digit', t => {
	t.true(isLabelValue('aws-secretsmanager'));
	t.true(isLabelValue('A.b_c-1'));
	for (const text of ['', '-a', 'a_', 'a b', 'a/b', 'a'.repeat(64), '__proto__']) {
		t.false(isLabelValue(text), text);
	}
});

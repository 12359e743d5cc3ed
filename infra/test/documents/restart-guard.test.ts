// The admission policy for workloads as text: what the controller reads from its refusals, and in which order.
import test from 'ava';
import { RESTART_REFUSALS } from '../../src/documents/contract.ts';
import { RESTART_RULE, restartValidations } from '../../src/documents/restart-guard.ts';
import { restartRules } from '../../src/documents/rights.ts';

const messages = restartValidations('jasm').map(({ message }) => message);

test('the policy has every text by which the controller recognises a refusal, and none of them twice', t => {
	for (const text of Object.keys(RESTART_REFUSALS)) t.true(messages.includes(text), text);
	t.is(new Set(messages).size, messages.length);
});

test("the opt-in is asked before the rule on JASM's own namespace: the sentinel there proves the opt-in", t => {
	const own = messages.findIndex(text => /its own$/.test(text));
	t.true(own > 0);
	t.true(messages.indexOf('the pod template does not ask for restarts') < own);
});

test('every kind that the right covers is judged, on every verb, with its subresources', t => {
	for (const { apiGroups, resources } of restartRules()) {
		t.deepEqual(apiGroups, RESTART_RULE.apiGroups);
		for (const resource of resources) {
			t.true(RESTART_RULE.resources.includes(resource), resource);
			t.true(RESTART_RULE.resources.includes(`${resource}/*`), resource);
		}
	}
	t.deepEqual(RESTART_RULE.operations, ['CREATE', 'UPDATE', 'DELETE', 'CONNECT']);
});

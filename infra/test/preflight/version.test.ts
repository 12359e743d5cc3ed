// What the version of a cluster decides: which pods can wait for their Secrets.
import test from 'ava';
import { preflight } from '../../src/preflight/preflight.ts';
import { machine } from '../helpers/machine.ts';
import { stackConfig } from '../helpers/stack-config.ts';

test('start.wait auto takes what the version of the cluster has, and says so', async t => {
	for (const [minor, changes, wait] of [
		['37', {}, 'annotated'],
		['36', {}, 'annotated'],
		['35', {}, 'checked'],
		['30', {}, 'checked'],
		['29', { profile: 'self-heal', admissionPolicy: 'false' }, 'never'],
		['37', { profile: 'self-heal', admissionPolicy: 'false' }, 'never'],
	] as const) {
		const said: string[] = [];
		const on = { ...machine({ minor }), say: (message: string) => void said.push(message) };
		const facts = await preflight(stackConfig({ start: '{"wait": "auto"}', ...changes }), on);
		t.is(facts.wait, wait, `1.${minor}`);
		t.true(said.some(line => line.startsWith(`start.wait auto: ${wait} on Kubernetes 1.${minor}`)));
	}
});

test('a wait that the stack names is taken as it is', async t => {
	for (const wait of ['never', 'annotated', 'all', 'checked'] as const) {
		t.is((await preflight(stackConfig({ start: JSON.stringify({ wait }) }), machine())).wait, wait);
	}
});

test('pods that wait by a mutating policy need a cluster that serves it', async t => {
	for (const [wait, minor, refused] of [
		['annotated', '35', true],
		['all', '36', false],
		['checked', '30', false],
	] as const) {
		const message = await preflight(
			stackConfig({ start: JSON.stringify({ wait }) }),
			machine({ minor }),
		).then(
			() => 'not refused',
			(error: Error) => error.message,
		);
		t.is(/has no MutatingAdmissionPolicy/.test(message), refused, `${wait} on 1.${minor}: ${message}`);
	}
});

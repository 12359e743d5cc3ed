// The contract suite against the embedded API server, and against a real one that JASM_TEST_KUBECONFIG names.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { uniqueName } from '../../testing/contract/client.ts';
import { promises } from '../../testing/contract/promises.ts';
import { appliesTo, keep, openTarget } from '../../testing/contract/target.ts';
import { startApiServer, startWorkloads } from '../../testing/index.ts';

const guard = uniqueName('guard');
const names = { policy: guard, user: `system:serviceaccount:${guard}:jasm`, ownNamespace: guard };
const embedded = await startApiServer({ guard: names });
embedded.faults.expireHistory();
// As a control plane without a node: pods are made and stay Pending.
const workloads = startWorkloads(embedded, { node: undefined });
const older = await startApiServer({ guard: names, watchList: 'unknown' });
const gateOff = await startApiServer({ guard: names, watchList: 'off' });

/** `whole`: every promise, not only those that depend on a feature. */
const targets = [
	{
		name: 'embedded',
		whole: true,
		target: await openTarget(embedded.kubeconfig(), guard, ['workload-controllers']),
	},
	{ name: 'embedded as 1.24', whole: false, target: await openTarget(older.kubeconfig(), guard) },
	{ name: 'embedded without the gate', whole: false, target: await openTarget(gateOff.kubeconfig(), guard) },
];
const real = process.env['JASM_TEST_KUBECONFIG'];
if (real)
	targets.push({
		name: 'real',
		whole: true,
		target: await openTarget(readFileSync(real, 'utf8'), guard, ['workload-controllers']),
	});

for (const { name, whole, target } of targets) {
	for (const promise of promises) {
		if (!appliesTo(promise, target) || !(whole || promise.needs)) continue;
		test(`${name}: ${promise.title}`, async t => {
			await keep(promise, target);
			t.pass();
		});
	}
}

test.after.always(async () => {
	for (const { target } of targets) target.client.close();
	workloads.stop();
	await embedded.close();
	await older.close();
	await gateOff.close();
});

// The contract suite against the embedded API server, and against a real one that JASM_TEST_KUBECONFIG names.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { uniqueName } from '../../testing/contract/client.ts';
import { promises } from '../../testing/contract/promises.ts';
import { appliesTo, keep, openTarget } from '../../testing/contract/target.ts';
import { startApiServer } from '../../testing/index.ts';

const guard = uniqueName('guard');
const names = { policy: guard, user: `system:serviceaccount:${guard}:jasm`, ownNamespace: guard };
const embedded = await startApiServer({ guard: names });
embedded.faults.expireHistory();
const withoutWatchList = await startApiServer({ guard: names, watchList: 'unknown' });

const targets = [
	{ name: 'embedded', target: await openTarget(embedded.kubeconfig(), guard) },
	{ name: 'embedded as 1.24', target: await openTarget(withoutWatchList.kubeconfig(), guard) },
];
const real = process.env['JASM_TEST_KUBECONFIG'];
if (real) targets.push({ name: 'real', target: await openTarget(readFileSync(real, 'utf8'), guard) });

for (const { name, target } of targets) {
	for (const promise of promises) {
		if (!appliesTo(promise, target)) continue;
		test(`${name}: ${promise.title}`, async t => {
			await keep(promise, target);
			t.pass();
		});
	}
}

test.after.always(async () => {
	for (const { target } of targets) target.client.close();
	await embedded.close();
	await withoutWatchList.close();
});

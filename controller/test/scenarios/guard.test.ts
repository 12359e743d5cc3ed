// Both profiles prove the admission policy at start. Without it write-only ends, unless --allow-unguarded is set.
import test from 'ava';
import { startEnvironment } from '../helpers/environment/test-environment.ts';

test('with the guard in force (needs Kubernetes 1.30; below it --allow-unguarded runs) the metric says so', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	t.is(await controller.metric('jasm_unguarded'), environment.cluster.guarded ? 0 : 1);
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.secret(team, 'web');
});

test('without the policy it ends with a code that says what to install, and has written nothing', async t => {
	const environment = await startEnvironment(t, { guard: false });
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	const controller = await environment.start({ argv: ['--allow-unguarded=false'], wait: false });
	const error = (await controller.ended) as Error & { code: string; remedy: string };
	t.is(error.code, 'GUARD_MISSING');
	// A server below Kubernetes 1.27 does not say who asks.
	t.regex(
		error.message,
		/( as "system:serviceaccount:.*:jasm")?: the replace was allowed: no ValidatingAdmissionPolicy keeps JASM from replacing a Secret that is not its own/,
	);
	t.regex(error.remedy, /install the ValidatingAdmissionPolicy and the sentinel Secret/);
	t.regex(error.remedy, /self-heal .* older than 1\.30/);
	t.is(environment.world.secret(team, 'web'), undefined);
	t.is(environment.secretsManager.calls.length, 0);
});

test('with --allow-unguarded it runs all the same, warns once and raises a metric', async t => {
	const environment = await startEnvironment(t, { guard: false });
	const controller = await environment.start({ argv: ['--allow-unguarded'] });
	t.is(await controller.metric('jasm_unguarded'), 1);
	t.is(controller.log.count({ level: 'warn', code: 'GUARD_MISSING' }), 1);
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.secret(team, 'web');
});

test('profile self-heal proves the guard too (needs Kubernetes 1.30), and the metric says so', async t => {
	const environment = await startEnvironment(t, { profile: 'self-heal' });
	const controller = await environment.start();
	t.is(await controller.metric('jasm_unguarded'), environment.cluster.guarded ? 0 : 1);
});

test('profile self-heal runs without the policy: it checks ownership itself, warns, and the metric is 1', async t => {
	const environment = await startEnvironment(t, { guard: false, profile: 'self-heal' });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.core.createNamespacedSecret({ namespace: team, body: { metadata: { name: 'web' } } });
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretNotOwned');
	t.is(await controller.metric('jasm_unguarded'), 1);
	t.is(controller.log.count({ level: 'warn', code: 'GUARD_MISSING' }), 1);
});

test('without the sentinel nothing can be proven, and that is said', async t => {
	const environment = await startEnvironment(t);
	await environment.core.deleteNamespacedSecret({
		namespace: environment.cluster.home,
		name: 'jasm-sentinel',
	});
	const controller = await environment.start({ argv: ['--allow-unguarded=false'], wait: false });
	const error = (await controller.ended) as Error & { code: string };
	t.is(error.code, 'GUARD_MISSING');
	t.regex(error.message, /the sentinel Secret does not exist/);
});

test('without the right to update Secrets the proof is not given, whatever --allow-unguarded says', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	environment.api.delete('ClusterRoleBinding', '', 'jasm');
	const controller = await environment.start({ argv: ['--allow-unguarded'], wait: false });
	const error = (await controller.ended) as Error & { code: string };
	t.is(error.code, 'KUBERNETES_FORBIDDEN');
	t.regex(error.message, /not allowed to update secrets/);
	t.regex(
		error.message,
		/missing rights: list pods, watch pods, create secrets, update secrets, create events\.events\.k8s\.io$/,
	);
	t.like(error, { details: { user: 'system:serviceaccount:jasm:jasm' } });
});

test('a right that is missing later is named once, together with all others that are missing', async t => {
	const environment = await startEnvironment(t, { embedded: true, profile: 'self-heal' });
	environment.api.update('ClusterRole', '', 'jasm', role => {
		role['rules'] = [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'update'] }];
	});
	const controller = await environment.start({ argv: ['--leader-elect'], wait: false });
	const line = await controller.log.waitFor({ level: 'warn', message: 'rights are missing' });
	t.deepEqual(line['missing'], [
		'list pods',
		'watch pods',
		'get secrets',
		'list secrets',
		'watch secrets',
		'create events.events.k8s.io',
	]);
	t.is(line['user'], 'system:serviceaccount:jasm:jasm');
	await controller.log.waitFor({ message: 'the watch broke off', resource: 'pods' });
	await controller.log.waitFor({ message: 'the watch broke off', resource: 'secrets' });
	t.is(controller.log.count({ message: 'rights are missing' }), 1);
});

test('a policy of another name that refuses the sentinel proves nothing', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const message =
		"secrets \"jasm-sentinel\" is forbidden: ValidatingAdmissionPolicy 'other' with binding 'other' denied request: no";
	environment.api.faults.inject(
		{ resource: 'secrets', name: 'jasm-sentinel' },
		{ answer: { status: 422, reason: 'Invalid', message } },
	);
	const controller = await environment.start({ wait: false });
	t.like(await controller.ended, { code: 'GUARD_MISSING' });
});

test.serial(
	'an API server that cannot be reached at start is waited for, with backoff and without an end',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const team = await environment.namespace('team');
		await environment.ask(team, 'web');
		const kubeconfig = environment.cluster.kubeconfigFor(await environment.cluster.createToken());
		await environment.api.faults.refuseConnections();
		const controller = await environment.start({ kubeconfig, wait: false });
		await controller.log.waitFor({ message: 'the admission guard could not be proven yet' });
		await environment.clock.advance(120_000);
		t.true(controller.running);
		t.is((await controller.probe('/readyz')).status, 503);
		t.is((await controller.probe('/livez')).status, 200);
		const tries = controller.log.count({ code: 'KUBERNETES_UNAVAILABLE' });
		t.true(tries >= 4 && tries <= 30, `${tries} tries in two minutes`);
		await environment.api.faults.acceptConnections();
		await environment.clock.runUntil(() => environment.world.secret(team, 'web') !== undefined, {
			maxMs: 40_000,
		});
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

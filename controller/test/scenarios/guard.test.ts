// Profile write-only does not run without the admission policy that guards it, unless it is told to, and says so.
import test from 'ava';
import { startStage } from '../helpers/stage.ts';

test('with the guard in force (needs Kubernetes 1.30; below it --allow-unguarded runs) the metric says so', async t => {
	const stage = await startStage(t);
	const controller = await stage.start();
	t.is(await controller.metric('jasm_unguarded'), stage.cluster.guarded ? 0 : 1);
	const team = await stage.namespace('team');
	await stage.ask(team, 'web');
	await stage.secret(team, 'web');
});

test('without the policy it ends with a code that says what to install, and has written nothing', async t => {
	const stage = await startStage(t, { guard: false });
	const team = await stage.namespace('team');
	await stage.ask(team, 'web');
	const controller = await stage.start({ argv: ['--allow-unguarded=false'], wait: false });
	const error = (await controller.ended) as Error & { code: string; remedy: string };
	t.is(error.code, 'GUARD_MISSING');
	t.regex(
		error.message,
		/no ValidatingAdmissionPolicy keeps JASM from replacing a Secret that is not its own/,
	);
	t.regex(error.remedy, /install the ValidatingAdmissionPolicy and the sentinel Secret/);
	t.regex(error.remedy, /self-heal .* older than 1\.30/);
	t.is(stage.world.secret(team, 'web'), undefined);
	t.is(stage.secretsManager.calls.length, 0);
});

test('with --allow-unguarded it runs all the same, warns once and raises a metric', async t => {
	const stage = await startStage(t, { guard: false });
	const controller = await stage.start({ argv: ['--allow-unguarded'] });
	t.is(await controller.metric('jasm_unguarded'), 1);
	t.is(controller.log.count({ level: 'warn', code: 'GUARD_MISSING' }), 1);
	const team = await stage.namespace('team');
	await stage.ask(team, 'web');
	await stage.secret(team, 'web');
});

test('profile self-heal needs no policy: it checks ownership itself', async t => {
	const stage = await startStage(t, { guard: false, profile: 'self-heal' });
	const controller = await stage.start();
	t.is(await controller.metric('jasm_unguarded'), 0);
	const team = await stage.namespace('team');
	await stage.core.createNamespacedSecret({ namespace: team, body: { metadata: { name: 'web' } } });
	await stage.ask(team, 'web');
	await stage.event(team, 'web', 'SecretNotOwned');
});

test('without the sentinel nothing can be proven, and that is said', async t => {
	const stage = await startStage(t);
	await stage.core.deleteNamespacedSecret({ namespace: stage.cluster.home, name: 'jasm-sentinel' });
	const controller = await stage.start({ argv: ['--allow-unguarded=false'], wait: false });
	const error = (await controller.ended) as Error & { code: string };
	t.is(error.code, 'GUARD_MISSING');
	t.regex(error.message, /the sentinel Secret does not exist/);
});

test('without the right to update Secrets the proof is not given, whatever --allow-unguarded says', async t => {
	const stage = await startStage(t, { embedded: true });
	stage.api.delete('ClusterRoleBinding', '', 'jasm');
	const controller = await stage.start({ argv: ['--allow-unguarded'], wait: false });
	const error = (await controller.ended) as Error & { code: string };
	t.is(error.code, 'KUBERNETES_FORBIDDEN');
	t.regex(error.message, /not allowed to update secrets/);
});

test("somebody else's policy that refuses the sentinel proves nothing", async t => {
	const stage = await startStage(t, { embedded: true });
	const message =
		"secrets \"jasm-sentinel\" is forbidden: ValidatingAdmissionPolicy 'other' with binding 'other' denied request: no";
	stage.api.faults.inject(
		{ resource: 'secrets', name: 'jasm-sentinel' },
		{ answer: { status: 422, reason: 'Invalid', message } },
	);
	const controller = await stage.start({ wait: false });
	t.like(await controller.ended, { code: 'GUARD_MISSING' });
});

test.serial(
	'an API server that cannot be reached at start is waited for, with backoff and without an end',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const team = await stage.namespace('team');
		await stage.ask(team, 'web');
		const kubeconfig = stage.cluster.kubeconfigFor(await stage.cluster.createToken());
		await stage.api.faults.refuseConnections();
		const controller = await stage.start({ kubeconfig, wait: false });
		await controller.log.waitFor({ message: 'the admission guard could not be proven yet' });
		await stage.clock.advance(120_000);
		t.true(controller.running);
		t.is((await controller.probe('/readyz')).status, 503);
		t.is((await controller.probe('/livez')).status, 200);
		const tries = controller.log.count({ code: 'KUBERNETES_UNAVAILABLE' });
		t.true(tries >= 4 && tries <= 30, `${tries} tries in two minutes`);
		await stage.api.faults.acceptConnections();
		await stage.clock.runUntil(() => stage.world.secret(team, 'web') !== undefined, { maxMs: 40_000 });
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

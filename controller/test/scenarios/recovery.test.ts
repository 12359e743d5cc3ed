// The network between controller and API server fails, on whichever server the stage stands: nothing is missed.
import test, { type ExecutionContext } from 'ava';
import { startHoldingRelay } from '../helpers/holding-relay.ts';
import { startStage } from '../helpers/stage.ts';

/** A controller that reaches the API server over a relay, with one pod that was served. */
async function startBehindRelay(t: ExecutionContext) {
	const stage = await startStage(t);
	const { server } = stage.cluster.adminConfig.getCurrentCluster()!;
	const relay = await startHoldingRelay(server);
	t.teardown(() => relay.close());
	const kubeconfig = stage.cluster
		.kubeconfigFor(await stage.cluster.createToken())
		.replace(server, relay.url('https'));
	const controller = await stage.start({ kubeconfig });
	const team = await stage.namespace('team');
	await stage.ask(team, 'kept');
	await stage.event(team, 'kept', 'SecretSyncSuccess');
	return { stage, relay, controller, team };
}

test('connections that are reset are opened again, and the pods of the gap are served', async t => {
	const { stage, relay, controller, team } = await startBehindRelay(t);
	for (const round of [1, 2, 3]) {
		relay.cut();
		await stage.ask(team, `round-${round}`);
		t.is((await stage.secret(team, `round-${round}`)).data['name'], `round-${round}`);
		await stage.event(team, `round-${round}`, 'SecretSyncSuccess');
	}

	t.is(stage.secretsManager.count('GetSecretValue', '/prod/kept'), 1);
	t.true(controller.running);
});

test('an API server that refuses connections for a while is found again, and pods that went meanwhile are known', async t => {
	const { stage, relay, controller, team } = await startBehindRelay(t);
	await relay.refuse();
	await stage.ask(team, 'comes');
	await stage.core.deleteNamespacedPod({ namespace: team, name: 'kept', gracePeriodSeconds: 0 });
	await controller.log.waitFor({ message: 'the watch broke off' }, 2);
	await relay.accept();
	await stage.secret(team, 'comes');
	await stage.event(team, 'comes', 'SecretSyncSuccess');
	t.is(stage.secretsManager.count('GetSecretValue', '/prod/kept'), 1);
	t.is((await controller.probe('/readyz')).status, 200);
});

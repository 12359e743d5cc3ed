// The network between controller and API server fails, on whichever server the stage stands: nothing is missed.
import test, { type ExecutionContext } from 'ava';
import { startEnvironment } from '../helpers/environment/test-environment.ts';
import { startHoldingRelay } from '../helpers/servers/holding-proxy.ts';

/** A controller that reaches the API server over a relay, with one pod that was served. */
async function startBehindRelay(t: ExecutionContext) {
	const environment = await startEnvironment(t);
	const { server } = environment.cluster.adminConfig.getCurrentCluster()!;
	const relay = await startHoldingRelay(server);
	t.teardown(() => relay.close());
	const kubeconfig = environment.cluster
		.kubeconfigFor(await environment.cluster.createToken())
		.replace(server, relay.url('https'));
	const controller = await environment.start({ kubeconfig });
	const team = await environment.namespace('team');
	await environment.ask(team, 'kept');
	await environment.event(team, 'kept', 'SecretSyncSuccess');
	return { environment, relay, controller, team };
}

test('connections that are reset are opened again, and the pods of the gap are served', async t => {
	const { environment, relay, controller, team } = await startBehindRelay(t);
	for (const round of [1, 2, 3]) {
		relay.cut();
		await environment.ask(team, `round-${round}`);
		t.is((await environment.secret(team, `round-${round}`)).data['name'], `round-${round}`);
		await environment.event(team, `round-${round}`, 'SecretSyncSuccess');
	}

	t.is(environment.secretsManager.count('GetSecretValue', '/prod/kept'), 1);
	t.true(controller.running);
});

test('an API server that refuses connections for a while is found again, and pods that went meanwhile are known', async t => {
	const { environment, relay, controller, team } = await startBehindRelay(t);
	await relay.refuse();
	await environment.ask(team, 'comes');
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'kept', gracePeriodSeconds: 0 });
	await controller.log.waitFor({ message: 'the watch broke off' }, 2);
	await relay.accept();
	await environment.secret(team, 'comes');
	await environment.event(team, 'comes', 'SecretSyncSuccess');
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/kept'), 1);
	t.is((await controller.probe('/readyz')).status, 200);
});

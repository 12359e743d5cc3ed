// Changes of which no notice came: found within `changes.resyncHours`, told as such, and never without that field.
import test from 'ava';
import { startChangeEnvironment } from '../helpers/environment/change-environment.ts';
import { PROVIDER, startEnvironment, type TestEnvironment } from '../helpers/environment/test-environment.ts';

const PERIOD = 6 * 3_600_000;
const DIFFERENCES = ['jasm_resync_differences_total', { provider: PROVIDER }] as const;
const DIFFERS = 'a secret had changed at its store, and no notice had come';

/** With a token that lasts for the days that such a test takes. */
function start(environment: TestEnvironment) {
	const { api, cluster } = environment;
	const token = api.createToken('jasm', cluster.home, { seconds: 7 * 86_400 });
	return environment.start({ kubeconfig: cluster.kubeconfigFor(token) });
}

async function ask(environment: TestEnvironment, namespace: string, ...names: readonly string[]) {
	for (const name of names) {
		await environment.ask(namespace, name);
		await environment.event(namespace, name, 'SecretSyncSuccess');
	}
}

const updates = (environment: TestEnvironment, namespace: string, pod: string) =>
	environment.events(namespace, pod).filter(({ reason }) => reason === 'SecretUpdated').length;

test('a change of which no notice came reaches its Secret within each period, and is told as such', async t => {
	const config = { changes: { resyncHours: 6 } };
	const environment = await startEnvironment(t, { virtualTime: true, config });
	const controller = await start(environment);
	const team = await environment.namespace('team');
	await ask(environment, team, 'web', 'still');
	const untouched = environment.versions(team, 'still');
	for (const [found, name] of ['second', 'third'].entries()) {
		const reads = environment.secretsManager.count('GetSecretValue', '/prod/still');
		const { versionId } = environment.secretsManager.put('/prod/web', { name });
		await environment.clock.advance(PERIOD);
		t.is(environment.world.secret(team, 'web')!.data['name'], name);
		t.is(environment.secretsManager.count('GetSecretValue', '/prod/still') - reads, 1);
		t.is(untouched.length, 1, 'what is the same is not written');
		t.true(
			environment
				.events(team, 'web')
				.some(({ note }) => note === `Secret 'web' now holds version ${versionId}`),
		);
		t.is(await controller.metric(...DIFFERENCES), found + 1);
		const secret = `${team}/web`;
		t.is(controller.log.count({ level: 'warn', message: DIFFERS, secret }), found + 1);
	}

	t.is(updates(environment, team, 'still'), 0);
});

test('a store that is silent when the turn of its secret comes is read when it answers again', async t => {
	const config = { changes: { resyncHours: 6 } };
	const environment = await startEnvironment(t, { virtualTime: true, config });
	await start(environment);
	const team = await environment.namespace('team');
	await ask(environment, team, 'web');
	environment.secretsManager.put('/prod/web', { name: 'second' });
	const outage = environment.secretsManager.inject('internal-error');
	await environment.clock.advance(PERIOD);
	t.is(environment.world.secret(team, 'web')!.data['name'], 'web');
	outage.stop();
	await environment.clock.advance(600_000);
	t.is(environment.world.secret(team, 'web')!.data['name'], 'second');
});

test('beside notices, only a change whose notice is lost counts as a difference', async t => {
	let delivers = true;
	const { environment, emptied } = await startChangeEnvironment(t, {
		virtualTime: true,
		changes: { resyncHours: 6 },
		delivers: () => delivers,
	});
	const controller = await start(environment);
	const team = await environment.namespace('team');
	await ask(environment, team, 'told', 'lost');
	await environment.clock.advance(10_000);
	environment.secretsManager.put('/prod/told', { name: 'second' });
	await environment.secret(team, 'told', ({ data }) => data['name'] === 'second');
	await emptied();
	delivers = false;
	environment.secretsManager.put('/prod/lost', { name: 'second' });
	await environment.clock.advance(PERIOD);
	t.is(environment.world.secret(team, 'lost')!.data['name'], 'second');
	t.is(await controller.metric(...DIFFERENCES), 1);
	t.is(controller.log.count({ message: DIFFERS, secret: `${team}/lost` }), 1);
	t.is(updates(environment, team, 'told'), 1);
});

test('without resyncHours nothing is read that no notice told of', async t => {
	const { environment, reads } = await startChangeEnvironment(t, {
		virtualTime: true,
		delivers: () => false,
	});
	const controller = await start(environment);
	const team = await environment.namespace('team');
	await ask(environment, team, 'web');
	environment.secretsManager.put('/prod/web', { name: 'second' });
	await environment.clock.advance(PERIOD);
	t.is(reads('/prod/web'), 1);
	t.is(environment.world.secret(team, 'web')!.data['name'], 'web');
	t.is(await controller.metric(...DIFFERENCES), 0);
});

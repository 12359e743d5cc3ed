// A workload that asks for it is restarted when its Secrets change: once, and never without a change.
import test from 'ava';
import {
	asking,
	startRestartEnvironment,
	type WorkloadKind,
} from '../helpers/environment/restart-environment.ts';

const MINUTE = 60_000;

for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const satisfies readonly WorkloadKind[]) {
	test(`a ${kind} is restarted once when its secret changes, and each new pod starts for the new version`, async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		const count = kind === 'DaemonSet' ? 1 : 3;
		stage.put('first', 'db');
		const controller = await stage.start([team]);
		await stage.workload(team, 'web', { kind, replicas: count });
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(5 * MINUTE);
		t.is(stage.generationOf(team, 'web', kind), 1);
		const before = stage.podsOf(team, 'web');

		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		t.is(stage.generationOf(team, 'web', kind), 1, 'further changes may follow');
		await stage.rolledOut(team, 'web', count, kind);
		t.is(stage.generationOf(team, 'web', kind), 2);
		t.regex(stage.hashOf(team, 'web', kind)!, /^[0-9a-f]{16}$/);
		const after = stage.podsOf(team, 'web');
		t.deepEqual(
			after.filter(({ uid }) => before.some(old => old.uid === uid)),
			[],
		);
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(team, 'web', kind), 2);
		t.is(stage.restarts('web').length, 1);
		t.is(await controller.metric('jasm_restarts_total', { kind, outcome: 'restarted' }), 1);
		t.is(await controller.metric('jasm_restarts_in_progress'), 0);
	});
}

test('a restart is sent thirty seconds after the change, and told to the newest pod and the workload', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team]);
	await stage.workload(team, 'web');
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	const [pod] = stage.podsOf(team, 'web');
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	const changed = stage.clock.now();
	await stage.clock.runUntil(() => stage.generationOf(team, 'web') === 2);
	const afterMs = stage.clock.now() - changed;
	// The API server tells the time of a change in whole seconds.
	t.true(afterMs > 28_000 && afterMs < 33_000, String(afterMs));
	const { note, type } = await stage.environment.event(team, pod!.name, 'WorkloadRestarted');
	t.is(type, 'Normal');
	t.is(note, "Restarts Deployment 'web': its secrets changed");
	await stage.clock.advance(MINUTE);
	const { uid } = stage.api.get('Deployment', team, 'web').metadata;
	const regarding = stage.api
		.list('Event', team)
		.filter(({ reason }) => reason === 'WorkloadRestarted')
		.map(event => (event['involvedObject'] as { uid: string }).uid);
	t.deepEqual(regarding.sort(), [pod!.uid, uid!].sort());
});

test('a first sync, a read that finds nothing new and a value that a person touched restart no workload', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team]);
	await stage.workload(team, 'web', { replicas: 2 });
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	// A further pod causes a read of the same version.
	await stage.environment.pod(team, 'reader', asking(['db'], 'update'));
	await stage.environment.event(team, 'reader', 'SecretSyncSuccess');
	await stage.environment.edit(team, 'secrets/db', { metadata: { annotations: { person: 'here' } } });
	await stage.environment.pod(team, 'reader-2', asking(['db'], 'update'));
	await stage.environment.event(team, 'reader-2', 'SecretSyncSuccess');
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 1);
	t.deepEqual(stage.restarts(), []);
});

test('three secrets that change within twenty seconds cost one restart', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	const secrets = ['a', 'b', 'c'];
	stage.put('first', ...secrets);
	await stage.start([team]);
	await stage.workload(team, 'web', { text: asking(secrets), replicas: 2 });
	for (const name of secrets) await stage.holds(team, name, 'first');
	await stage.clock.advance(MINUTE);
	for (const name of secrets) {
		stage.put('second', name);
		await stage.holds(team, name, 'second');
		await stage.clock.advance(8_000);
	}

	t.is(stage.generationOf(team, 'web'), 1);
	await stage.rolledOut(team, 'web', 2);
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 2);
	t.is(stage.restarts('web').length, 1);
});

test('a rollout that runs anyway is not followed by a restart where it leaves no older pod behind', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team]);
	await stage.workload(team, 'web', { replicas: 2 });
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	await stage.clock.advance(5_000);
	stage.api.update('Deployment', team, 'web', object => {
		const { template } = object['spec'] as { template: { spec: { containers: object[] } } };
		template.spec.containers = [{ name: 'app', image: 'app:2' }];
	});
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.podsOf(team, 'web').length, 2);
	t.is(stage.generationOf(team, 'web'), 2, 'by the new image alone');
	t.deepEqual(stage.restarts(), []);
});

test('a pod that did not wait, and appears in the second of a change, may have the old value: its workload restarts once', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team]);
	await stage.workload(team, 'web');
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.workload(team, 'late');
	await stage.holds(team, 'db', 'second');
	await stage.rolledOut(team, 'web', 1);
	await stage.rolledOut(team, 'late', 1);
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.generationOf(team, 'late'), 2);
	t.is(stage.restarts('late').length, 1);
});

test('without the feature a workload that asks for restarts is told so, and nothing is sent', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.environment.start();
	await stage.workload(team, 'web');
	await stage.holds(team, 'db', 'first');
	const [pod] = stage.podsOf(team, 'web');
	const { note, type } = await stage.environment.event(team, pod!.name, 'RestartUnsupported');
	t.is(type, 'Warning');
	t.regex(note, /the operator of JASM does not restart workloads \(restarts\)/);
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 1);
	t.deepEqual(
		stage.api.requests.all.filter(({ group, user }) => group === 'apps' && user.endsWith(':jasm')),
		[],
	);
});

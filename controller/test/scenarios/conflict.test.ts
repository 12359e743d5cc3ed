// Several pods, one Secret: one read, one write, and where they disagree the newest pod wins, without flapping.
import type { V1Pod } from '@kubernetes/client-node';
import test, { type ExecutionContext } from 'ava';
import { startHoldingRelay } from '../helpers/holding-relay.ts';
import { annotation, PROVIDER, type Stage, startStage } from '../helpers/stage.ts';

/** The pod whose request is written: the newest by creation, then by uid. */
function winner(pods: readonly V1Pod[]): V1Pod {
	const age = (pod: V1Pod) => [pod.metadata!.creationTimestamp!.toISOString(), pod.metadata!.uid!].join();
	return pods.reduce((newest, pod) => (age(pod) > age(newest) ? pod : newest));
}

test('two pods that ask for one Secret at once cost one read and one write', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'app' });
	const versions = stage.versions(team, 'db');
	await Promise.all(['a', 'b'].map(name => stage.pod(team, name, annotation({ path: '/prod/db' }))));
	await stage.event(team, 'a', 'SecretSyncSuccess');
	await stage.event(team, 'b', 'SecretSyncSuccess');
	t.is(versions.length, 1);
	t.true(stage.secretsManager.count('GetSecretValue', '/prod/db') <= 2);
});

test('pods that disagree about a Secret are both warned, the newest wins, and nothing flaps', async t => {
	const stage = await startStage(t);
	const controller = await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/old', { from: '/prod/old' });
	stage.secretsManager.put('/prod/new', { from: '/prod/new' });
	const versions = stage.versions(team, 'db');
	const pods = [await stage.pod(team, 'a', annotation({ path: '/prod/old' }))];
	await stage.event(team, 'a', 'SecretSyncSuccess');
	pods.push(await stage.pod(team, 'b', annotation({ path: '/prod/new' })));
	for (const pod of ['a', 'b']) {
		const { type, note } = await stage.event(team, pod, 'SecretConflict');
		t.is(type, 'Warning');
		t.regex(note, /ask for secret 'db' in different ways; the newest pod wins \(SECRET_CONFLICT\)/);
	}

	const { name } = winner(pods).metadata!;
	const path = name === 'a' ? '/prod/old' : '/prod/new';
	await stage.secret(team, 'db', ({ data }) => data['from'] === path);
	await stage.barrier(team);
	t.true(versions.length <= 2, 'one write per change of the winner');
	t.is(stage.events(team).filter(({ reason }) => reason === 'SecretConflict').length, 2);
	const conflicts = await controller.metric('jasm_conflicts_total');
	t.true(stage.real ? conflicts >= 1 : conflicts === 1, 'on a real server others may disagree as well');
	t.is(controller.log.count({ message: 'pods disagree about a secret', secret: `${team}/db` }), 1);

	const loser = name === 'a' ? 'b' : 'a';
	await stage.core.deleteNamespacedPod({ namespace: team, name: name!, gracePeriodSeconds: 0 });
	const other = loser === 'a' ? '/prod/old' : '/prod/new';
	await stage.secret(team, 'db', ({ data }) => data['from'] === other);
	await stage.event(team, loser, 'SecretSyncSuccess');
});

test('a rollout that changes the path ends in a few reads and writes, with old and new pods alive', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/v1', { version: '1' });
	stage.secretsManager.put('/prod/v2', { version: '2' });
	const versions = stage.versions(team, 'db');
	const replicas = (path: string, generation: string) =>
		Promise.all(
			Array.from({ length: 8 }, (_, index) =>
				stage.pod(team, `${generation}-${index}`, annotation({ path })),
			),
		);
	const old = await replicas('/prod/v1', 'old');
	await stage.secret(team, 'db', ({ data }) => data['version'] === '1');
	const young = await replicas('/prod/v2', 'new');
	const expected = winner([...old, ...young]).metadata!.name!.startsWith('new') ? '2' : '1';
	await stage.secret(team, 'db', ({ data }) => data['version'] === expected);
	await stage.barrier(team);
	const reads = stage.secretsManager.calls.filter(({ name }) => name.startsWith('/prod/v')).length;
	t.true(reads <= 8, `${reads} reads`);
	t.true(versions.length <= 4, `${versions.length} writes`);

	for (const { metadata } of old) {
		await stage.core.deleteNamespacedPod({ namespace: team, name: metadata!.name!, gracePeriodSeconds: 0 });
	}

	await stage.secret(team, 'db', ({ data }) => data['version'] === '2');
	await stage.barrier(team);
	t.is(stage.world.secret(team, 'db')!.data['version'], '2');
	t.true(versions.length <= 5, `${versions.length} writes`);
});

/** A stage whose Secrets Manager answers only when it is told to. */
async function startHeldStage(t: ExecutionContext) {
	const stage = await startStage(t);
	const relay = await startHoldingRelay(stage.secretsManager.url);
	t.teardown(() => relay.close());
	const { providers } = stage.configFile() as { providers: Record<string, object> };
	const controller = await stage.start({
		config: {
			providers: { [PROVIDER]: { ...providers[PROVIDER], endpoint: relay.url('http') } },
		},
	});
	const team = await stage.namespace('team');
	relay.hold();
	return { stage, relay, controller, team };
}

/** Resolves when the controller has seen everything that happened to pods before. */
async function seen(stage: Stage, namespace: string): Promise<void> {
	await stage.pod(namespace, 'denied', annotation({ path: '/other/path', secretName: 'denied' }));
	await stage.event(namespace, 'denied', 'PolicyDenied');
}

test('an annotation that changes between the read and the write never mixes two requests', async t => {
	const { stage, relay, team } = await startHeldStage(t);
	stage.secretsManager.put('/prod/first', { from: 'first' });
	stage.secretsManager.put('/prod/second', { from: 'second' });
	await stage.pod(team, 'web', annotation({ path: '/prod/first', secretName: 'one' }));
	await stage.secretsManager.waitForCall(({ name }) => name === '/prod/first');
	await stage.annotate(team, 'web', annotation({ path: '/prod/second', secretName: 'two' }));
	await seen(stage, team);
	relay.release();
	t.deepEqual({ ...(await stage.secret(team, 'two')).data }, { from: 'second' });
	await stage.barrier(team);
	t.is(stage.world.secret(team, 'one'), undefined, 'nobody asks for it any more');
});

test('a path that changes while it is read is written as it is asked for now', async t => {
	const { stage, relay, team } = await startHeldStage(t);
	stage.secretsManager.put('/prod/first', { from: 'first' });
	stage.secretsManager.put('/prod/second', { from: 'second' });
	const versions = stage.versions(team, 'db');
	await stage.pod(team, 'web', annotation({ path: '/prod/first' }));
	await stage.secretsManager.waitForCall(({ name }) => name === '/prod/first');
	await stage.annotate(team, 'web', annotation({ path: '/prod/second' }));
	await seen(stage, team);
	relay.release();
	t.deepEqual({ ...(await stage.secret(team, 'db')).data }, { from: 'second' });
	await stage.event(team, 'web', 'SecretSyncSuccess');
	t.is(versions.length, 1);
});

test('an annotation that is taken away while it is read gets nothing written, and put back it is served', async t => {
	const { stage, relay, team } = await startHeldStage(t);
	stage.secretsManager.put('/prod/db', { user: 'app' });
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	await stage.secretsManager.waitForCall(({ name }) => name === '/prod/db');
	await stage.annotate(team, 'web', undefined);
	await seen(stage, team);
	relay.release();
	await stage.barrier(team);
	t.is(stage.world.secret(team, 'db'), undefined);
	await stage.annotate(team, 'web', annotation({ path: '/prod/db' }));
	await stage.secret(team, 'db');
	await stage.event(team, 'web', 'SecretSyncSuccess');
});

test('a pod that comes back under the same name is another pod: it is served and told for itself', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	await stage.ask(team, 'web-0');
	await stage.event(team, 'web-0', 'SecretSyncSuccess');
	await stage.core.deleteNamespacedPod({ namespace: team, name: 'web-0', gracePeriodSeconds: 0 });
	const { metadata } = await stage.ask(team, 'web-0');
	const { podUid } = await stage.event(team, 'web-0', 'SecretSyncSuccess', 2);
	t.true(stage.events(team, 'web-0').some(event => event.podUid === metadata!.uid));
	t.truthy(podUid);
	t.is(stage.secretsManager.count('GetSecretValue', '/prod/web-0'), 2);
});

test('a pod that is gone before its value has come gets nothing written', async t => {
	const { stage, relay, controller, team } = await startHeldStage(t);
	stage.secretsManager.put('/prod/db', { user: 'app' });
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	await stage.secretsManager.waitForCall(({ name }) => name === '/prod/db');
	await stage.core.deleteNamespacedPod({ namespace: team, name: 'web', gracePeriodSeconds: 0 });
	await seen(stage, team);
	relay.release();
	await stage.barrier(team);
	t.is(stage.world.secret(team, 'db'), undefined);
	t.deepEqual(controller.log.filter({ secret: `${team}/db` }), []);
	t.is(controller.log.count({ level: 'error' }), 0);
});

test('two controllers that both write for a while end with the same Secret and do not flap', async t => {
	const stage = await startStage(t);
	await Promise.all([stage.start(), stage.start()]);
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'app' });
	const versions = stage.versions(team, 'db');
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	await stage.event(team, 'web', 'SecretSyncSuccess', 2);
	await stage.barrier(team);
	t.deepEqual({ ...stage.world.secret(team, 'db')!.data }, { user: 'app' });
	t.is(versions.length, 1, 'the second write changed nothing');
});

// Several pods, one Secret: one read, one write; if they disagree, the newest pod wins, without flapping.
import type { V1Pod } from '@kubernetes/client-node';
import test, { type ExecutionContext } from 'ava';
import {
	annotation,
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';
import { startHoldingRelay } from '../helpers/servers/holding-proxy.ts';

/** The pod whose request is written: the newest by creation time, then by resourceVersion. */
function winner(pods: readonly V1Pod[]): V1Pod {
	const age = ({ metadata }: V1Pod) => metadata!.creationTimestamp!.getTime();
	const version = ({ metadata }: V1Pod) => Number(metadata!.resourceVersion);
	return pods.reduce((newest, pod) =>
		(age(pod) - age(newest) || version(pod) - version(newest)) > 0 ? pod : newest,
	);
}

test('two pods that ask for one Secret at once cost one read and one write', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	const versions = environment.versions(team, 'db');
	await Promise.all(['a', 'b'].map(name => environment.pod(team, name, annotation({ path: '/prod/db' }))));
	await environment.event(team, 'a', 'SecretSyncSuccess');
	await environment.event(team, 'b', 'SecretSyncSuccess');
	t.is(versions.length, 1);
	t.true(environment.secretsManager.count('GetSecretValue', '/prod/db') <= 2);
});

test('pods that disagree about a Secret are both warned, the newest wins, and nothing flaps', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/old', { from: '/prod/old' });
	environment.secretsManager.put('/prod/new', { from: '/prod/new' });
	const versions = environment.versions(team, 'db');
	const pods = [await environment.pod(team, 'a', annotation({ path: '/prod/old' }))];
	await environment.event(team, 'a', 'SecretSyncSuccess');
	pods.push(await environment.pod(team, 'b', annotation({ path: '/prod/new' })));
	for (const pod of ['a', 'b']) {
		const { type, note } = await environment.event(team, pod, 'SecretConflict');
		t.is(type, 'Warning');
		t.regex(note, /ask for secret 'db' in different ways; the newest pod wins \(SECRET_CONFLICT\)/);
	}

	const { name } = winner(pods).metadata!;
	const path = name === 'a' ? '/prod/old' : '/prod/new';
	await environment.secret(team, 'db', ({ data }) => data['from'] === path);
	await environment.barrier(team);
	t.true(versions.length <= 2, 'one write per change of the winner');
	t.is(environment.events(team).filter(({ reason }) => reason === 'SecretConflict').length, 2);
	const conflicts = await controller.metric('jasm_conflicts_total');
	t.true(environment.real ? conflicts >= 1 : conflicts === 1, 'on a real server others may disagree as well');
	t.is(controller.log.count({ message: 'pods disagree about a secret', secret: `${team}/db` }), 1);

	const loser = name === 'a' ? 'b' : 'a';
	await environment.core.deleteNamespacedPod({ namespace: team, name: name!, gracePeriodSeconds: 0 });
	const other = loser === 'a' ? '/prod/old' : '/prod/new';
	await environment.secret(team, 'db', ({ data }) => data['from'] === other);
	await environment.event(team, loser, 'SecretSyncSuccess');
});

test('of two pods created in the same second the later one wins, and a restart changes nothing', async t => {
	const environment = await startEnvironment(t);
	const first = await environment.start();
	const team = await environment.namespace('team');
	const secrets = Array.from({ length: 8 }, (_, index) => `db-${index}`);
	for (const path of ['/prod/early', '/prod/late']) {
		environment.secretsManager.put(path, { from: path });
	}

	// Names sort the other way round, as a list does.
	for (const secretName of secrets) {
		await environment.pod(team, `z-${secretName}`, annotation({ path: '/prod/early', secretName }));
		await environment.pod(team, `a-${secretName}`, annotation({ path: '/prod/late', secretName }));
	}

	const written = () =>
		Promise.all(
			secrets.map(name => environment.secret(team, name, ({ data }) => data['from'] === '/prod/late')),
		);
	await written();
	await environment.barrier(team);
	const before = await written();
	t.is(await first.stop(), undefined);
	await environment.start();
	await environment.barrier(team);
	t.deepEqual(await written(), before);
});

test('a rollout that changes the path ends in a few reads and writes, with old and new pods alive', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/v1', { version: '1' });
	environment.secretsManager.put('/prod/v2', { version: '2' });
	const versions = environment.versions(team, 'db');
	const replicas = (path: string, generation: string) =>
		Promise.all(
			Array.from({ length: 8 }, (_, index) =>
				environment.pod(team, `${generation}-${index}`, annotation({ path })),
			),
		);
	const old = await replicas('/prod/v1', 'old');
	await environment.secret(team, 'db', ({ data }) => data['version'] === '1');
	const young = await replicas('/prod/v2', 'new');
	const expected = winner([...old, ...young]).metadata!.name!.startsWith('new') ? '2' : '1';
	await environment.secret(team, 'db', ({ data }) => data['version'] === expected);
	await environment.barrier(team);
	const reads = environment.secretsManager.calls.filter(({ name }) => name.startsWith('/prod/v')).length;
	t.true(reads <= 8, `${reads} reads`);
	t.true(versions.length <= 4, `${versions.length} writes`);

	for (const { metadata } of old) {
		await environment.core.deleteNamespacedPod({
			namespace: team,
			name: metadata!.name!,
			gracePeriodSeconds: 0,
		});
	}

	await environment.secret(team, 'db', ({ data }) => data['version'] === '2');
	await environment.barrier(team);
	t.is(environment.world.secret(team, 'db')!.data['version'], '2');
	t.true(versions.length <= 5, `${versions.length} writes`);
});

/** A stage whose Secrets Manager answers only when it is told to. */
async function startHeldStage(t: ExecutionContext) {
	const environment = await startEnvironment(t);
	const relay = await startHoldingRelay(environment.secretsManager.url);
	t.teardown(() => relay.close());
	const { providers } = environment.configFile() as { providers: Record<string, object> };
	const controller = await environment.start({
		config: {
			providers: { [PROVIDER]: { ...providers[PROVIDER], endpoint: relay.url('http') } },
		},
	});
	const team = await environment.namespace('team');
	relay.hold();
	return { environment, relay, controller, team };
}

/** Resolves when the controller has seen everything that happened to pods before. */
async function seen(environment: TestEnvironment, namespace: string): Promise<void> {
	await environment.pod(namespace, 'denied', annotation({ path: '/other/path', secretName: 'denied' }));
	await environment.event(namespace, 'denied', 'PolicyDenied');
}

test('an annotation that changes between the read and the write never mixes two requests', async t => {
	const { environment, relay, team } = await startHeldStage(t);
	environment.secretsManager.put('/prod/first', { from: 'first' });
	environment.secretsManager.put('/prod/second', { from: 'second' });
	await environment.pod(team, 'web', annotation({ path: '/prod/first', secretName: 'one' }));
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/first');
	await environment.annotate(team, 'web', annotation({ path: '/prod/second', secretName: 'two' }));
	await seen(environment, team);
	relay.release();
	t.deepEqual({ ...(await environment.secret(team, 'two')).data }, { from: 'second' });
	await environment.barrier(team);
	t.is(environment.world.secret(team, 'one'), undefined, 'no pod asks for it any more');
});

test('after a change of the path during the read, the Secret has what is asked for now', async t => {
	const { environment, relay, team } = await startHeldStage(t);
	environment.secretsManager.put('/prod/first', { from: 'first' });
	environment.secretsManager.put('/prod/second', { from: 'second' });
	const versions = environment.versions(team, 'db');
	await environment.pod(team, 'web', annotation({ path: '/prod/first' }));
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/first');
	await environment.annotate(team, 'web', annotation({ path: '/prod/second' }));
	await seen(environment, team);
	relay.release();
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { from: 'second' });
	await environment.event(team, 'web', 'SecretSyncSuccess');
	t.is(versions.length, 1);
});

test('an annotation that is removed during the read causes no write; put back, it is served', async t => {
	const { environment, relay, team } = await startHeldStage(t);
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/db');
	await environment.annotate(team, 'web', undefined);
	await seen(environment, team);
	relay.release();
	await environment.barrier(team);
	t.is(environment.world.secret(team, 'db'), undefined);
	await environment.annotate(team, 'web', annotation({ path: '/prod/db' }));
	await environment.secret(team, 'db');
	await environment.event(team, 'web', 'SecretSyncSuccess');
});

test('a pod that is recreated under the same name is another pod: it is served and hears of it', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web-0');
	await environment.event(team, 'web-0', 'SecretSyncSuccess');
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'web-0', gracePeriodSeconds: 0 });
	const { metadata } = await environment.ask(team, 'web-0');
	const { podUid } = await environment.event(team, 'web-0', 'SecretSyncSuccess', 2);
	t.true(environment.events(team, 'web-0').some(event => event.podUid === metadata!.uid));
	t.truthy(podUid);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/web-0'), 2);
});

test('a pod that is gone before its value arrives causes no write', async t => {
	const { environment, relay, controller, team } = await startHeldStage(t);
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/db');
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'web', gracePeriodSeconds: 0 });
	await seen(environment, team);
	relay.release();
	await environment.barrier(team);
	t.is(environment.world.secret(team, 'db'), undefined);
	t.deepEqual(controller.log.filter({ secret: `${team}/db` }), []);
	t.is(controller.log.count({ level: 'error' }), 0);
});

test('two controllers that both write for a while end with the same Secret and do not flap', async t => {
	const environment = await startEnvironment(t);
	await Promise.all([environment.start(), environment.start()]);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	const versions = environment.versions(team, 'db');
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretSyncSuccess', 2);
	await environment.barrier(team);
	t.deepEqual({ ...environment.world.secret(team, 'db')!.data }, { user: 'app' });
	t.is(versions.length, 1, 'the second write changed nothing');
});

// Restraint: no read, no write, no log line and no Event where nothing relevant changed.
import test from 'ava';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

test('syncing what has not changed writes nothing: no new version, no clock in any field', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web-1', annotation({ path: '/prod/db' }));
	const before = await environment.secret(team, 'db');
	await environment.event(team, 'web-1', 'SecretSyncSuccess');
	await environment.pod(team, 'web-2', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web-2', 'SecretSyncSuccess');
	await controller.log.waitFor({ message: 'secret synced', secret: `${team}/db`, changed: false });
	t.deepEqual(environment.world.secret(team, 'db'), before);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/db'), 2);
	t.notRegex(JSON.stringify({ ...before.labels, ...before.annotations }), /\d{4}-\d\d-\d\dT/);
});

test.serial(
	'a hundred replicas of one workload cost one change, one read a second at most, and each is told once',
	async t => {
		const environment = await startEnvironment(t);
		await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { user: 'app' });
		const versions = environment.versions(team, 'db');
		const began = performance.now();
		await environment.pod(team, 'web-first', annotation({ path: '/prod/db' }));
		const replicas = names('web', 99);
		await environment.each(replicas, name => environment.pod(team, name, annotation({ path: '/prod/db' })));
		for (const name of replicas) {
			await environment.event(team, name, 'SecretSyncSuccess');
		}

		await environment.barrier(team);
		// A pod that appears after a read began asks for a value of its own time.
		const seconds = (performance.now() - began) / 1_000;
		const reads = environment.secretsManager.count('GetSecretValue', '/prod/db');
		t.true(reads <= 1 + Math.ceil(seconds), `${reads} reads in ${seconds} s`);
		t.is(versions.length, 1);
		t.is(environment.events(team).filter(({ pod }) => replicas.includes(pod)).length, replicas.length);
	},
);

test.serial('a hundred pods with distinct secrets are all served', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	const all = names('web', 100);
	for (const name of all) {
		environment.secretsManager.put(`/prod/${name}`, { name });
	}

	await environment.each(all, name =>
		environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name })),
	);
	for (const name of all) {
		t.is((await environment.secret(team, name)).data['name'], name);
	}

	await controller.log.waitFor({ message: 'secret synced' }, 100);
	t.is(environment.secretsManager.count('GetSecretValue'), 100);
	t.is(await controller.metric('jasm_syncs_total', { outcome: 'Success' }), 100);
});

test('a synced pod causes no further call: status, restarts, labels, its deletion', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretSyncSuccess');
	for (const restartCount of [1, 2, 3]) {
		const waiting = { reason: 'CrashLoopBackOff' };
		const containerStatuses = [
			{ name: 'app', image: 'app:1', imageID: '', ready: false, restartCount, state: { waiting } },
		];
		await environment.edit(team, 'pods/web/status', { status: { phase: 'Running', containerStatuses } });
	}

	await environment.edit(team, 'pods/web', {
		metadata: { labels: { round: 'two' }, annotations: { other: 'x' } },
	});
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'web', gracePeriodSeconds: 0 });
	await environment.barrier(team);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/db'), 1);
	t.is(environment.events(team, 'web').length, 1);
	t.is(controller.log.count({ secret: `${team}/db` }), 1);
	t.is(controller.log.count({ level: 'error' }), 0);
	t.deepEqual({ ...environment.world.secret(team, 'db')!.data }, { user: 'app' }, 'the Secret stays');
});

test('pods that have ended or are ending ask for nothing, and pods without the annotation cost no line', async t => {
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	const text = (secretName: string) => annotation({ path: '/prod/db', secretName });
	await environment.pod(team, 'done', text('done'));
	await environment.edit(team, 'pods/done/status', { status: { phase: 'Succeeded' } });
	await environment.pod(team, 'failed', text('failed'));
	await environment.edit(team, 'pods/failed/status', { status: { phase: 'Failed' } });
	await environment.pod(team, 'ending', text('ending'));
	await environment.edit(team, 'pods/ending', { metadata: { finalizers: ['example.com/hold'] } });
	t.teardown(() => environment.edit(team, 'pods/ending', { metadata: { finalizers: null } }));
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'ending', gracePeriodSeconds: 0 });
	const controller = await environment.start();
	for (const name of names('plain', 10)) {
		await environment.pod(team, name);
	}

	await environment.barrier(team);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/db'), 0);
	t.false(controller.log.text.some(line => /"(done|failed|ending|plain-\d)"/.test(line)));
});

test('a restart in write-only reads once per Secret and changes none of them', async t => {
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	const all = names('db', 10);
	for (const name of all) {
		environment.secretsManager.put(`/prod/${name}`, { name });
		await environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name }));
	}

	const first = await environment.start();
	const before = await Promise.all(all.map(name => environment.secret(team, name)));
	await first.log.waitFor({ message: 'secret synced' }, all.length);
	t.is(await first.stop(), undefined);
	const second = await environment.start();
	await second.log.waitFor({ message: 'secret synced' }, all.length);
	await environment.barrier(team);
	for (const name of all) {
		t.is(environment.secretsManager.count('GetSecretValue', `/prod/${name}`), 2, name);
	}

	t.deepEqual(
		all.map(name => environment.world.secret(team, name)),
		before,
	);
});

test('only metadata of pods is asked for, and only annotated pods are kept', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	environment.api.seed(
		'Pod',
		names('plain', 2_000).map(name => ({ metadata: { namespace: 'crowd', name } })),
	);
	environment.api.seed(
		'Secret',
		names('other', 500).map(name => ({ metadata: { namespace: 'crowd', name }, data: {} })),
	);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const controller = await environment.start();
	await environment.event(team, 'web', 'SecretSyncSuccess');
	t.is(await controller.metric('jasm_tracked_pods'), 1);
	t.is(await controller.metric('jasm_requested_secrets'), 1);
	const user = `system:serviceaccount:${environment.cluster.home}:jasm`;
	const reads = environment.api.requests.filter({ user, verb: ['list', 'watch', 'get'] });
	t.true(
		reads.length > 0 &&
			reads.every(({ resource, accept }) => resource === 'pods' && /PartialObjectMetadata/.test(accept)),
	);
});

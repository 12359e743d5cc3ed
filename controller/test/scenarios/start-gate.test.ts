// A pod that asks for it starts only with the value that JASM read for it: seen in the API server, from outside.
import test from 'ava';
import { createStartGateUsers } from '../helpers/environment/start-gate-users.ts';
import { annotation, startGateEnvironment } from '../helpers/environment/test-environment.ts';

const asks = (name: string, more: object = {}) =>
	annotation({ path: `/prod/${name}`, secretName: name, ...more });
const both = (...names: string[]) => `[${names.map(name => asks(name)).join(', ')}]`;
const WAITING = { gated: true, start: 'after-sync' };

test.serial(
	'a pod waits while its Secret holds an old value, and starts once the value of now is written',
	async t => {
		const environment = await startGateEnvironment(t);
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { password: 'old' });
		const replica = await environment.start();
		await environment.pod(team, 'first', asks('db'), { start: 'after-sync' });
		await released(team, 'first');
		environment.secretsManager.put('/prod/db', { password: 'new' });
		const refusing = environment.secretsManager.inject('access-denied');
		await environment.pod(team, 'second', asks('db'), { start: 'after-sync' });
		const { note } = await environment.event(team, 'second', 'WaitingForSecret');
		t.is(note, "Waits for secret 'db' before its containers start");
		t.deepEqual(await gateOf(team, 'second'), WAITING);
		t.is((await environment.secret(team, 'db')).data['password'], 'old');
		refusing.stop();
		await released(team, 'second');
		t.is((await environment.secret(team, 'db')).data['password'], 'new');
		await environment.event(team, 'second', 'Released');
		t.false(
			environment.events(team, 'first').some(({ reason }) => reason === 'Released'),
			'it was not told that it waits',
		);
		t.like(
			replica.log.lines.findLast(({ message }) => message === 'pod released'),
			{ pod: 'second', cause: 'Fresh' },
		);
		t.regex(await replica.metrics(), /jasm_releases_total\{outcome="Fresh"\} 2\n/);
		t.regex(await replica.metrics(), /jasm_gated_pods 0\n/);
	},
);

test.serial('a pod with two Secrets waits for the second, and one request releases it', async t => {
	const environment = await startGateEnvironment(t);
	const { gateOf, released, patchesOf } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/a', { v: 'a' });
	await environment.start();
	await environment.pod(team, 'web', both('a', 'b'), { start: 'after-sync' });
	await environment.secret(team, 'a');
	t.is((await environment.event(team, 'web', 'WaitingForSecret')).note.includes("'b'"), true);
	t.deepEqual(await gateOf(team, 'web'), WAITING);
	environment.secretsManager.put('/prod/b', { v: 'b' });
	await released(team, 'web');
	t.is((await environment.secret(team, 'b')).data['v'], 'b');
	t.is(patchesOf(team, 'web'), 1);
});

test.serial('a pod whose annotation is refused waits until a person corrects it', async t => {
	const environment = await startGateEnvironment(t);
	const { gateOf, released } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { v: '1' });
	await environment.start();
	await environment.pod(team, 'web', 'provider: [', { start: 'after-sync' });
	await environment.event(team, 'web', 'AnnotationInvalid');
	t.regex((await environment.event(team, 'web', 'WaitingForSecret')).note, /Waits for a valid annotation/);
	t.deepEqual(await gateOf(team, 'web'), WAITING);
	await environment.annotate(team, 'web', asks('db'));
	await released(team, 'web');
	t.is((await environment.secret(team, 'db')).data['v'], '1');
});

test.serial(
	'a pod that no rule allows waits for ever without a deadline, and starts at its deadline with a warning that says why',
	async t => {
		const environment = await startGateEnvironment(t);
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		await environment.start();
		const denied = annotation({ path: '/elsewhere/x', secretName: 'x' });
		await environment.pod(team, 'patient', denied, { start: 'after-sync' });
		await environment.pod(team, 'hurried', denied, { start: 'after-sync, 2s' });
		await released(team, 'hurried');
		const { type, note } = await environment.event(team, 'hurried', 'StartedWithoutSync');
		t.is(type, 'Warning');
		t.regex(note, /^Started \d+ s after creation without a fresh secret 'x': .*POLICY_DENIED/);
		t.deepEqual(await gateOf(team, 'patient'), WAITING);
		t.is(environment.world.secret(team, 'x'), undefined);
	},
);

test.serial(
	'pods that appeared while no controller ran are released at its start, one whose deadline has passed too',
	async t => {
		const environment = await startGateEnvironment(t);
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: '1' });
		await environment.pod(team, 'web', asks('db'), { start: 'after-sync' });
		await environment.pod(team, 'overdue', asks('absent'), { start: 'after-sync, 1s' });
		t.deepEqual(await gateOf(team, 'web'), WAITING);
		await environment.start();
		await released(team, 'web');
		await released(team, 'overdue');
		t.is((await environment.secret(team, 'db')).data['v'], '1');
		await environment.event(team, 'overdue', 'StartedWithoutSync');
	},
);

test.serial('a controller that starts again sends nothing about pods that were released before', async t => {
	const environment = await startGateEnvironment(t);
	const { released, patchesOf } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { v: '1' });
	const first = await environment.start();
	await environment.pod(team, 'web', asks('db'), { start: 'after-sync' });
	await released(team, 'web');
	await environment.stop(first);
	await environment.start();
	await environment.barrier(team);
	t.is(patchesOf(team, 'web'), 1);
});

test.serial(
	'in self-heal a Secret of an earlier run releases no pod: the value is read again first',
	async t => {
		const environment = await startGateEnvironment(t, { profile: 'self-heal' });
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: 'old' });
		const first = await environment.start();
		await environment.pod(team, 'web', asks('db'), { start: 'after-sync' });
		await released(team, 'web');
		await environment.stop(first);
		environment.secretsManager.put('/prod/db', { v: 'new' });
		await environment.pod(team, 'next', asks('db'), { start: 'after-sync' });
		t.deepEqual(await gateOf(team, 'next'), WAITING);
		await environment.start();
		await released(team, 'next');
		t.is((await environment.secret(team, 'db')).data['v'], 'new');
	},
);

test.serial('of two pods that disagree the newest starts, and the other one when it wins', async t => {
	const environment = await startGateEnvironment(t);
	const { gateOf, released } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/a', { v: 'a' });
	environment.secretsManager.put('/prod/b', { v: 'b' });
	await environment.pod(team, 'loser', asks('a', { secretName: 's' }), { start: 'after-sync' });
	await environment.pod(team, 'winner', asks('b', { secretName: 's' }), { start: 'after-sync' });
	await environment.start();
	await released(team, 'winner');
	t.is((await environment.secret(team, 's')).data['v'], 'b');
	await environment.event(team, 'loser', 'SecretConflict');
	t.deepEqual(await gateOf(team, 'loser'), WAITING);
	await environment.core.deleteNamespacedPod({ namespace: team, name: 'winner', gracePeriodSeconds: 0 });
	await released(team, 'loser');
	t.is((await environment.secret(team, 's')).data['v'], 'a');
});

test.serial('a person frees a pod by removing the annotation', async t => {
	const environment = await startGateEnvironment(t);
	const { released } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	const replica = await environment.start();
	await environment.pod(team, 'web', asks('absent'), { start: 'after-sync' });
	await environment.event(team, 'web', 'WaitingForSecret');
	await environment.edit(team, 'pods/web', { metadata: { annotations: { 'jasm.codnod.io/start': null } } });
	await released(team, 'web');
	t.is(environment.world.secret(team, 'absent'), undefined);
	t.like(
		replica.log.lines.findLast(({ message }) => message === 'pod released'),
		{ cause: 'ByHand' },
	);
});

test.serial(
	'a hundred replicas of one Secret cost at most two reads and two writes, and all of them start',
	async t => {
		const environment = await startGateEnvironment(t, { embedded: true });
		const { released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: '1' });
		await environment.start();
		const names = Array.from({ length: 100 }, (_, index) => `web-${index}`);
		const pods = names.map(name => ({
			apiVersion: 'v1',
			kind: 'Pod',
			metadata: {
				name,
				namespace: team,
				annotations: { 'jasm.codnod.io/secret-sync': asks('db'), 'jasm.codnod.io/start': 'after-sync' },
			},
			spec: {
				containers: [{ name: 'app', image: 'app:1' }],
				schedulingGates: [{ name: 'jasm.codnod.io/secret' }],
			},
		}));
		for (const pod of pods) {
			environment.api.create(pod);
		}

		for (const name of names) {
			await released(team, name);
		}

		const writes = environment.api.requests.all.filter(
			({ resource, verb, name }) =>
				resource === 'secrets' && (verb === 'create' || (verb === 'update' && name === 'db')),
		);
		t.true(environment.secretsManager.calls.filter(({ name }) => name === '/prod/db').length <= 2);
		t.true(writes.length <= 2, `${writes.length} writes`);
	},
);

test.serial(
	'pods that waited hear of no late change; one that did not wait hears that it may run with the old value',
	async t => {
		const environment = await startGateEnvironment(t);
		const { released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: 'old' });
		const replica = await environment.start();
		await environment.pod(team, 'first', asks('db'));
		t.notRegex((await environment.event(team, 'first', 'SecretSyncSuccess')).note, /another value/);
		environment.secretsManager.put('/prod/db', { v: 'new' });
		await environment.pod(team, 'gated', asks('db'), { start: 'after-sync' });
		await released(team, 'gated');
		t.notRegex((await environment.event(team, 'gated', 'SecretSyncSuccess')).note, /another value/);
		environment.secretsManager.put('/prod/db', { v: 'newer' });
		await environment.pod(team, 'free', asks('db'));
		t.regex(
			(await environment.event(team, 'free', 'SecretSyncSuccess')).note,
			/; the secret existed with another value: a container that started before now keeps that one .*start: after-sync\)$/,
		);
		t.regex(await replica.metrics(), /jasm_late_changes_total 1\n/);
		t.is((await environment.secret(team, 'db', ({ data }) => data['v'] === 'newer')).data['v'], 'newer');
	},
);

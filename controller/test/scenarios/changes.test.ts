// A secret that changes at its store reaches its Secrets by itself: from the event in the queue to the API server.
import test from 'ava';
import { labelEvent, QUEUE, startChangeEnvironment } from '../helpers/environment/change-environment.ts';
import { annotation } from '../helpers/environment/test-environment.ts';

const outcome = (name: string) => ({ source: 'sqs/jasm', outcome: name });
const NOTICES = 'jasm_change_notices_total';

test('a secret that changes at its store reaches the Secret of a running pod by itself', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { password: 'first' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	const before = reads('/prod/db');
	const versions = environment.versions(team, 'db');

	const { versionId } = environment.secretsManager.put('/prod/db', { password: 'second' });
	const secret = await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	t.is(secret.annotations['jasm.codnod.io/source-version'], versionId);
	const { note, type } = await environment.event(team, 'web', 'SecretUpdated');
	t.is(type, 'Normal');
	t.is(note, `Secret 'db' now holds version ${versionId}`);
	await emptied();
	t.is(reads('/prod/db') - before, 1);
	t.is(versions.length, 2);
	t.true((await controller.metric('jasm_change_lag_seconds_count', { source: 'sqs/jasm' })) >= 1);
	t.is(await controller.metric('jasm_change_source_up', { source: 'sqs/jasm' }), 1);
	t.is(await controller.metric('jasm_change_messages_in_hand', { source: 'sqs/jasm' }), 0);
});

test('one notice is one read for all Secrets of the source, and one write for each', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t);
	await environment.start();
	environment.secretsManager.put('/prod/shared', { key: 'first' });
	const namespaces = await Promise.all(
		Array.from({ length: 20 }, (_, index) => environment.namespace(`team-${index}`)),
	);
	await environment.each(namespaces, async namespace => {
		for (const pod of ['web', 'job', 'cron']) {
			await environment.pod(namespace, pod, annotation({ path: '/prod/shared' }));
		}
	});
	for (const namespace of namespaces) {
		await environment.event(namespace, 'cron', 'SecretSyncSuccess');
	}

	await emptied();
	const before = reads('/prod/shared');
	const versions = namespaces.map(namespace => environment.versions(namespace, 'db'));
	const written = versions.map(list => list.length);
	environment.secretsManager.put('/prod/shared', { key: 'second' });
	for (const namespace of namespaces) {
		await environment.secret(namespace, 'db', ({ data }) => data['key'] === 'second');
	}

	await emptied();
	t.is(reads('/prod/shared') - before, 1);
	t.deepEqual(
		versions.map((list, index) => list.length - written[index]!),
		namespaces.map(() => 1),
	);
});

test('a change that no live pod asks for causes no read, and its message is deleted', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t);
	const controller = await environment.start();
	environment.secretsManager.put('/prod/other', { key: 'value' });
	await emptied();
	t.is(reads('/prod/other'), 0);
	t.is(await controller.metric(NOTICES, outcome('unmatched')), 1);
});

test('a notice of the version that the Secret has causes no read', async t => {
	const { environment, sqs, reads, emptied } = await startChangeEnvironment(t, {
		delivers: () => false,
	});
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	const { arn, versionId } = environment.secretsManager.put('/prod/web', { name: 'second' });
	sqs.send(QUEUE, labelEvent({ arn, versionId }));
	await environment.secret(team, 'web', ({ data }) => data['name'] === 'second');
	await emptied();
	const before = reads('/prod/web');
	sqs.send(QUEUE, labelEvent({ arn, versionId }));
	await emptied();
	t.is(reads('/prod/web'), before);
	t.is(await controller.metric(NOTICES, outcome('known')), 1);
});

test('a message that is delivered three times causes one read in five seconds and no further change', async t => {
	const { environment, sqs, reads, emptied } = await startChangeEnvironment(t, {
		virtualTime: true,
		delivers: () => false,
	});
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.clock.advance(10_000);
	const before = reads('/prod/web');
	const versions = environment.versions(team, 'web');
	// Without a version in the event nothing tells that they are the same.
	const { arn } = environment.secretsManager.put('/prod/web', { name: 'second' });
	for (let times = 0; times < 3; times++) {
		sqs.send(QUEUE, labelEvent({ arn }));
	}

	await environment.clock.advance(4_000);
	t.is(reads('/prod/web') - before, 1);
	await emptied();
	t.true(reads('/prod/web') - before <= 2);
	t.is(versions.length, 2);
});

test('a read that still returns the old version is repeated, and is no success of the new one', async t => {
	const { environment, reads } = await startChangeEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { password: 'first' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.clock.advance(10_000);
	const before = reads('/prod/db');
	const catchUp = environment.secretsManager.lag('/prod/db');
	const { versionId } = environment.secretsManager.put('/prod/db', { password: 'second' });
	await environment.clock.runUntil(() => reads('/prod/db') > before);
	await environment.clock.advance(1_000);
	t.is(environment.world.secret(team, 'db')!.data['password'], 'first');
	t.deepEqual(
		environment.events(team).filter(({ reason }) => reason === 'SecretUpdated'),
		[],
	);
	catchUp();
	const ms = await environment.clock.runUntil(
		() => environment.world.secret(team, 'db')?.data['password'] === 'second',
	);
	t.true(ms <= 5_000, `${ms}`);
	t.is(
		(await environment.event(team, 'web', 'SecretUpdated')).note,
		`Secret 'db' now holds version ${versionId}`,
	);
	t.is(await controller.metric(NOTICES, outcome('stale')), 0);
});

test('an old version that stays is accepted after five further reads, counted, and its message deleted', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { password: 'first' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.clock.advance(10_000);
	const before = reads('/prod/db');
	environment.secretsManager.lag('/prod/db');
	environment.secretsManager.put('/prod/db', { password: 'second' });
	await emptied();
	t.is(reads('/prod/db') - before, 6);
	t.is(await controller.metric(NOTICES, outcome('stale')), 1);
	t.is(environment.world.secret(team, 'db')!.data['password'], 'first');
	await environment.clock.advance(600_000);
	t.is(reads('/prod/db') - before, 6);
});

test('events in the wrong order end with what the store holds', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, {
		virtualTime: true,
		delivers: () => false,
	});
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.clock.advance(10_000);
	const second = environment.secretsManager.put('/prod/web', { name: 'second' });
	const third = environment.secretsManager.put('/prod/web', { name: 'third' });
	const [earlier, later] = [60_000, 30_000].map(ms => environment.clock.now() - ms);
	sqs.send(QUEUE, labelEvent({ ...third, at: later! }));
	await environment.secret(team, 'web', ({ data }) => data['name'] === 'third');
	const versions = environment.versions(team, 'web');
	sqs.send(QUEUE, labelEvent({ ...second, at: earlier! }));
	await emptied();
	await environment.clock.advance(120_000);
	t.is(environment.world.secret(team, 'web')!.data['name'], 'third');
	t.is(versions.length, 1);
});

test('a notice for a Secret that is about to be read for its new pod causes no read of its own', async t => {
	const { environment, sqs, reads, emptied } = await startChangeEnvironment(t, {
		virtualTime: true,
		delivers: () => false,
	});
	await environment.start();
	const team = await environment.namespace('team');
	const { arn, versionId } = environment.secretsManager.put('/prod/web', { name: 'web' });
	sqs.send(QUEUE, labelEvent({ arn, versionId }));
	await environment.pod(team, 'web', annotation({ path: '/prod/web', secretName: 'web' }));
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	await environment.clock.advance(20_000);
	t.is(reads('/prod/web'), 1);
});

test('where pods disagree about a Secret, only the source of the newest pod counts', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/old', { key: 'old' });
	environment.secretsManager.put('/prod/new', { key: 'new' });
	await environment.pod(team, 'first', annotation({ path: '/prod/old' }));
	await environment.event(team, 'first', 'SecretSyncSuccess');
	await environment.clock.advance(2_000);
	await environment.pod(team, 'second', annotation({ path: '/prod/new' }));
	await environment.secret(team, 'db', ({ data }) => data['key'] === 'new');
	await emptied();
	const before = reads('/prod/old');
	const unmatched = await controller.metric(NOTICES, outcome('unmatched'));
	environment.secretsManager.put('/prod/old', { key: 'changed' });
	await emptied();
	t.is(reads('/prod/old'), before);
	t.is(await controller.metric(NOTICES, outcome('unmatched')), unmatched + 1);
	t.is(environment.world.secret(team, 'db')!.data['key'], 'new');
});

test('a pod that says onChange: ignore keeps its value; with another pod that follows, the Secret follows', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { password: 'first' });
	await environment.pod(team, 'still', annotation({ path: '/prod/db', onChange: 'ignore' }));
	await environment.event(team, 'still', 'SecretSyncSuccess');
	await emptied();
	const before = reads('/prod/db');
	environment.secretsManager.put('/prod/db', { password: 'second' });
	await emptied();
	await environment.clock.advance(60_000);
	t.is(reads('/prod/db'), before);
	t.is(environment.world.secret(team, 'db')!.data['password'], 'first');

	await environment.pod(team, 'follower', annotation({ path: '/prod/db', onChange: 'update' }));
	await environment.event(team, 'follower', 'SecretSyncSuccess');
	await environment.clock.advance(10_000);
	environment.secretsManager.put('/prod/db', { password: 'third' });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'third');
	t.deepEqual(
		environment.events(team).filter(({ reason }) => reason === 'SecretConflict'),
		[],
	);
});

test('a pod that waits for a missing secret gets it when the store tells that it was created', async t => {
	const { environment } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'SecretFetchFailed');
	// By now its own retry is minutes away.
	await environment.clock.advance(900_000);
	environment.secretsManager.put('/prod/db', { password: 'first' });
	const ms = await environment.clock.runUntil(() => environment.world.secret(team, 'db') !== undefined);
	t.true(ms <= 5_000, `${ms}`);
	await environment.event(team, 'web', 'SecretSyncSuccess');
});

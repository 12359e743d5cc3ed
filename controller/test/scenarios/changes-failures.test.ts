// Change notices when something fails: crashes, outages, refusals, messages of strangers, two replicas.
import test from 'ava';
import {
	DEAD_LETTERS,
	labelEvent,
	QUEUE,
	startChangeEnvironment,
} from '../helpers/environment/change-environment.ts';
import { annotation, PROVIDER } from '../helpers/environment/test-environment.ts';

const SOURCE = { source: 'sqs/jasm' };
const NOTICES = 'jasm_change_notices_total';
const ELECT = ['--leader-elect'];

test('a controller that stops between receiving and writing loses nothing: the next one writes', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	const first = await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	await environment.clock.advance(10_000);
	const hold = environment.secretsManager.inject('hang');
	environment.secretsManager.put('/prod/web', { name: 'second' });
	await environment.clock.runUntil(() => sqs.messages(QUEUE).some(({ hidden }) => hidden));
	await environment.stop(first);
	hold.stop();
	t.is(sqs.messages(QUEUE).length, 1);
	await environment.start();
	await environment.secret(team, 'web', ({ data }) => data['name'] === 'second');
	await emptied();
});

test('a message whose deletion fails comes again and is known then', async t => {
	const { environment, sqs, reads, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	for (const name of ['one', 'two']) {
		await environment.ask(team, name);
		await environment.event(team, name, 'SecretSyncSuccess');
	}

	await emptied();
	await environment.clock.advance(10_000);
	const known = await controller.metric(NOTICES, { ...SOURCE, outcome: 'known' });
	const versions = environment.versions(team, 'one');
	sqs.failDeletions(1);
	environment.secretsManager.put('/prod/one', { name: 'second' });
	environment.secretsManager.put('/prod/two', { name: 'second' });
	for (const name of ['one', 'two']) {
		await environment.secret(team, name, ({ data }) => data['name'] === 'second');
	}

	await environment.clock.advance(2_000);
	t.is(sqs.messages(QUEUE).length, 1);
	const before = reads('/prod/one') + reads('/prod/two');
	await emptied();
	t.is(reads('/prod/one') + reads('/prod/two'), before);
	t.is(await controller.metric(NOTICES, { ...SOURCE, outcome: 'known' }), known + 1);
	t.is(versions.length, 2);
});

test('while the store gives no answer the messages stay, none is dead, and all is written afterwards', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	const names = ['one', 'two', 'three'];
	for (const name of names) {
		await environment.ask(team, name);
		await environment.event(team, name, 'SecretSyncSuccess');
	}

	await emptied();
	await environment.clock.advance(10_000);
	const outage = environment.secretsManager.inject('internal-error');
	for (const name of names) {
		environment.secretsManager.put(`/prod/${name}`, { name: 'second' });
	}

	const received = sqs.count('ReceiveMessage');
	await environment.clock.advance(2_400_000);
	t.is(sqs.messages(QUEUE).length, 3);
	t.is(sqs.messages(DEAD_LETTERS).length, 0);
	t.true(sqs.messages(QUEUE).every(({ receives }) => receives <= 20));
	t.true(sqs.count('ReceiveMessage') - received <= 50, 'the queue is hardly asked meanwhile');
	outage.stop();
	await emptied();
	for (const name of names) {
		t.is(environment.world.secret(team, name)!.data['name'], 'second');
	}
});

test('a change that cannot be applied is told as ever, and its message is deleted', async t => {
	const { environment, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	await environment.clock.advance(10_000);
	environment.secretsManager.put('/prod/web', 'no JSON at all');
	await emptied();
	const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.regex(note, /PAYLOAD_NOT_OBJECT/);
	t.is(environment.world.secret(team, 'web')!.data['name'], 'web');
});

test('a path that the policy does not allow is not read because of a notice either', async t => {
	const { environment, reads, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/dev/db', { key: 'value' });
	await environment.pod(team, 'web', annotation({ path: '/dev/db' }));
	await environment.event(team, 'web', 'PolicyDenied');
	environment.secretsManager.put('/dev/db', { key: 'changed' });
	await emptied();
	t.is(reads('/dev/db'), 0);
	t.is(environment.world.secret(team, 'db'), undefined);
});

test('messages of strangers are deleted, counted and read nothing, and no part of them is logged', async t => {
	const { environment, sqs, reads, emptied } = await startChangeEnvironment(t, { delivers: () => false });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	const { arn, versionId } = environment.secretsManager.put('/prod/web', { name: 'second' });
	const strange = (changes: object) =>
		labelEvent({ arn, versionId, changes: { id: 'canary-id', ...changes } });
	const other = (from: string, to: string) => ({ resources: [arn.replace(from, to)] });
	for (const changes of [
		other('123456789012', '999999999999'),
		other('eu-west-1', 'us-east-1'),
		{ source: 'canary.source' },
		{ 'detail-type': 'canary type' },
	]) {
		sqs.send(QUEUE, strange(changes));
	}

	for (const body of ['canary, no JSON', '{"canary":1}', '[]', 'null', '{"source":"aws.secretsmanager"}']) {
		sqs.send(QUEUE, body);
	}

	await emptied();
	t.is(await controller.metric(NOTICES, { ...SOURCE, outcome: 'foreign' }), 4);
	t.is(await controller.metric(NOTICES, { ...SOURCE, outcome: 'malformed' }), 5);
	t.is(reads('/prod/web'), 1);
	const logged = controller.log.lines.map(line => JSON.stringify(line)).filter(line => /canary/.test(line));
	t.deepEqual(
		logged.filter(line => !line.includes('canary-id')),
		[],
	);
	t.notRegex(await controller.metrics(), /canary/);
});

for (const [fault, code] of [
	['access-denied', 'CHANGE_SOURCE_DENIED'],
	['no-queue', 'CHANGE_SOURCE_DENIED'],
	['internal-error', 'CHANGE_SOURCE_UNAVAILABLE'],
	['reset', 'CHANGE_SOURCE_UNAVAILABLE'],
] as const) {
	test(`a queue that fails (${fault}) is told once with ${code}; pods are served, and it is tried again`, async t => {
		const { environment, sqs, emptied } = await startChangeEnvironment(t, { virtualTime: true });
		const failing = sqs.inject(fault);
		const controller = await environment.start();
		const team = await environment.namespace('team');
		await environment.ask(team, 'web');
		await environment.event(team, 'web', 'SecretSyncSuccess');
		await environment.clock.advance(600_000);
		const told = controller.log.lines.filter(
			({ message }) => message === 'no change notices from this source',
		);
		t.is(told.filter(({ level }) => level === 'warn').length, 1);
		t.is(told[0]?.error?.code, code);
		t.is(await controller.metric('jasm_change_source_up', SOURCE), 0);
		t.is((await controller.probe('/readyz')).status, 200);
		t.true(sqs.count('ReceiveMessage') >= 10, 'it is asked at least once a minute');
		failing.stop();
		environment.secretsManager.put('/prod/web', { name: 'second' });
		await environment.clock.runUntil(() => environment.world.secret(team, 'web')?.data['name'] === 'second', {
			maxMs: 70_000,
		});
		t.is(await controller.metric('jasm_change_source_up', SOURCE), 1);
		await emptied();
	});
}

test('credentials that expire cost one receive, and no notice', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	sqs.inject('expired-token', { times: 1 });
	environment.secretsManager.put('/prod/web', { name: 'second' });
	await environment.clock.runUntil(() => environment.world.secret(team, 'web')?.data['name'] === 'second');
	await emptied();
	t.is(environment.events(team).filter(({ reason }) => reason === 'SecretUpdated').length, 1);
});

test('a standby receives nothing; when it leads, it receives', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, { virtualTime: true });
	const leader = await environment.start({ argv: ELECT });
	await environment.clock.runUntil(() => sqs.count('ReceiveMessage') > 0);
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	const standby = await environment.start({ argv: ELECT });
	await environment.clock.advance(120_000);
	t.is(await standby.metric('jasm_change_source_up', SOURCE), 0);
	await environment.stop(leader);
	environment.secretsManager.put('/prod/web', { name: 'second' });
	await environment.clock.runUntil(() => environment.world.secret(team, 'web')?.data['name'] === 'second');
	await emptied();
	t.is(await standby.metric('jasm_change_source_up', SOURCE), 1);
});

test('a notice never shortens the wait that the store asked for', async t => {
	const { environment, sqs, emptied } = await startChangeEnvironment(t, { delivers: () => false });
	await environment.start();
	const team = await environment.namespace('team');
	const { arn } = environment.secretsManager.put('/prod/web', { name: 'web' });
	// The SDK tries three times by itself.
	environment.secretsManager.inject('throttling', { times: 3 });
	await environment.pod(team, 'web', annotation({ path: '/prod/web', secretName: 'web' }));
	await environment.event(team, 'web', 'SecretFetchFailed');
	sqs.send(QUEUE, labelEvent({ arn }));
	await environment.secret(team, 'web');
	await emptied();
	const calls = environment.secretsManager.calls.filter(({ name }) => name === '/prod/web');
	t.is(calls.length, 4);
	t.true(calls[3]!.at - calls[2]!.at >= 5_000, 'Retry-After of a throttled read is five seconds');
});

test('a configuration without sources keeps nothing for them, and asks no queue', async t => {
	const { environment, sqs } = await startChangeEnvironment(t, { config: { changes: undefined } });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.barrier(team);
	t.is(sqs.calls.length, 0);
	t.notRegex(await controller.metrics(), /jasm_change_\w+\{/);
});

test('a source that names a provider which is not there stops the start, with its place', async t => {
	const { environment } = await startChangeEnvironment(t, { source: { providers: ['aws-secretsmanger'] } });
	const error = await t.throwsAsync(environment.start());
	t.regex(error.message, /changes\.sources\[0\]\.providers\[0\]: .*did you mean "aws-secretsmanager"/);
	t.is(PROVIDER, 'aws-secretsmanager');
});

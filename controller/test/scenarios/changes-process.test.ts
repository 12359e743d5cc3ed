// Starts and ends of the controller beside a queue of change notices.
import test, { type ExecutionContext } from 'ava';
import { systemQueueClock } from '../../testing/shared/message-queue.ts';
import { eventually } from '../helpers/clocks/eventually.ts';
import { QUEUE, startChangeEnvironment } from '../helpers/environment/change-environment.ts';
import { annotation } from '../helpers/environment/test-environment.ts';

test('a held receive does not delay the end of the process', async t => {
	const { environment, sqs } = await startChangeEnvironment(t);
	const controller = await environment.startProcess();
	await controller.leading();
	await sqs.waitForCall(({ operation }) => operation === 'ReceiveMessage');
	const at = performance.now();
	controller.signal('SIGTERM');
	t.deepEqual(await controller.exited, { code: 0, signal: null });
	t.true(performance.now() - at < 10_000);
	t.is(controller.stderr, '');
});

for (const profile of ['write-only', 'self-heal'] as const) {
	test(`a change whose notice never came reaches the Secret at the next start, in profile ${profile}`, async t => {
		const { environment } = await startChangeEnvironment(t, { profile, delivers: () => false });
		const earlier = await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { password: 'first' });
		await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
		await environment.event(team, 'web', 'SecretSyncSuccess');
		await earlier.stop();
		environment.secretsManager.put('/prod/db', { password: 'second' });
		await environment.start();
		const { data } = await environment.secret(team, 'db', secret => secret.data['password'] === 'second');
		t.deepEqual({ ...data }, { password: 'second' });
	});
}

/** Longer than the queue hides a message that was received. */
const HIDDEN_MS = 130_000;

/** The time of the queue, some of which a test lets pass. */
function queueClockThatPasses() {
	let passed = 0;
	return {
		now: () => systemQueueClock.now() + passed,
		schedule: systemQueueClock.schedule,
		pass(ms: number) {
			passed += ms;
		},
	};
}

/** A process that wrote one Secret and has no notice left. */
async function startBesideQueue(t: ExecutionContext) {
	const queueClock = queueClockThatPasses();
	const stage = await startChangeEnvironment(t, { queueClock });
	const { environment, emptied } = stage;
	const controller = await environment.startProcess();
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await emptied();
	return { ...stage, controller, team, queueClock };
}

test('a process that is killed between receiving and writing loses nothing', async t => {
	const { environment, sqs, emptied, controller, team, queueClock } = await startBesideQueue(t);
	const hold = environment.secretsManager.inject('hang');
	environment.secretsManager.put('/prod/web', { name: 'second' });
	const received = () => (sqs.messages(QUEUE).some(({ hidden }) => hidden) ? true : undefined);
	await eventually(sqs.onChange, received, { what: 'the message to be received' });
	controller.signal('SIGKILL');
	await controller.exited;
	t.is(environment.world.secret(team, 'web')!.data['name'], 'web');
	t.is(sqs.messages(QUEUE).length, 1);
	hold.stop();
	await environment.startProcess();
	await environment.secret(team, 'web', ({ data }) => data['name'] === 'second');
	queueClock.pass(HIDDEN_MS);
	await emptied();
	t.is(environment.world.secret(team, 'web')!.data['name'], 'second');
});

test('a process that is killed between writing and deleting changes nothing twice', async t => {
	const { environment, sqs, emptied, controller, team, queueClock } = await startBesideQueue(t);
	const versions = environment.versions(team, 'web');
	const isDeletion = ({ operation }: { readonly operation: string }) => operation === 'DeleteMessageBatch';
	const hold = sqs.inject('hang', { when: isDeletion });
	environment.secretsManager.put('/prod/web', { name: 'second' });
	await environment.secret(team, 'web', ({ data }) => data['name'] === 'second');
	await environment.event(team, 'web', 'SecretUpdated');
	controller.signal('SIGKILL');
	await controller.exited;
	t.is(sqs.messages(QUEUE).length, 1);
	hold.stop();
	const changes = versions.length;
	await environment.startProcess();
	queueClock.pass(HIDDEN_MS);
	await emptied();
	t.is(environment.world.secret(team, 'web')!.data['name'], 'second');
	t.is(versions.length, changes);
	t.is(environment.events(team, 'web').filter(({ reason }) => reason === 'SecretUpdated').length, 1);
});

// Starts and ends of the controller beside a queue of change notices.
import test from 'ava';
import { startChangeEnvironment } from '../helpers/environment/change-environment.ts';
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

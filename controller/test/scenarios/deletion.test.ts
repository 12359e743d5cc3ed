// A Secret that is being deleted: no success is reported before it stands again, and its finalizers stay.
import test from 'ava';
import type { Profile } from '../helpers/environment/installation.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const HOLD = ['example.com/keep'];
const SPEC = annotation({ path: '/prod/db' });

for (const profile of ['write-only', 'self-heal'] satisfies Profile[]) {
	test(`${profile}: the pod hears that the Secret is being deleted, and of a success only when the Secret stands again`, async t => {
		const environment = await startEnvironment(t, { profile, needsGuard: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		await environment.ask(team, 'db');
		await environment.event(team, 'db', 'SecretSyncSuccess');
		const { uid } = await environment.secret(team, 'db');

		await environment.edit(team, 'secrets/db', { metadata: { finalizers: HOLD } });
		const release = () => environment.edit(team, 'secrets/db', { metadata: { finalizers: null } });
		t.teardown(() => release().catch(() => {}));
		await environment.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
		environment.secretsManager.put('/prod/db', { name: 'rotated' });
		await environment.pod(team, 'second', SPEC);
		const { type, note } = await environment.event(team, 'second', 'SecretBeingDeleted');
		t.is(type, 'Warning');
		t.regex(note, /it is being deleted, and a finalizer holds it \(SECRET_BEING_DELETED\)/);
		await controller.log.waitFor({ code: 'SECRET_BEING_DELETED', secret: `${team}/db` });
		await environment.barrier(team);

		const { metadata } = await environment.core.readNamespacedSecret({ namespace: team, name: 'db' });
		t.is(metadata!.uid, uid);
		t.deepEqual(metadata!.finalizers, HOLD);
		t.deepEqual(
			environment.events(team, 'second').map(({ reason }) => reason),
			['SecretBeingDeleted'],
			'no success while the Secret is being deleted',
		);

		await release();
		const again = await environment.secret(team, 'db', secret => secret.uid !== uid);
		t.is(again.data['name'], 'rotated');
		await environment.event(team, 'second', 'SecretSyncSuccess');
		await environment.barrier(team);
		// Profile self-heal also reports that it restored the Secret.
		t.deepEqual(
			environment
				.events(team, 'second')
				.map(({ reason }) => reason)
				.filter(reason => reason !== 'SecretCorrected'),
			['SecretBeingDeleted', 'SecretSyncSuccess'],
		);
	});

	test(`${profile}: a restart while the Secret is being deleted takes nothing for served`, async t => {
		const environment = await startEnvironment(t, { profile, needsGuard: true });
		const first = await environment.start();
		const team = await environment.namespace('team');
		await environment.ask(team, 'db');
		await environment.event(team, 'db', 'SecretSyncSuccess');
		const { uid } = await environment.secret(team, 'db');
		t.is(await first.stop(), undefined);

		await environment.edit(team, 'secrets/db', { metadata: { finalizers: HOLD } });
		const release = () => environment.edit(team, 'secrets/db', { metadata: { finalizers: null } });
		t.teardown(() => release().catch(() => {}));
		await environment.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
		await environment.start();
		await environment.event(team, 'db', 'SecretBeingDeleted');
		await release();
		const again = await environment.secret(team, 'db', secret => secret.uid !== uid);
		t.is(again.data['name'], 'db');
	});
}

test('an empty source is reported, and the Secret keeps its data', async t => {
	const environment = await startEnvironment(t, { needsGuard: true });
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'db');
	await environment.event(team, 'db', 'SecretSyncSuccess');
	const before = await environment.secret(team, 'db');
	environment.secretsManager.put('/prod/db', {});
	await environment.pod(team, 'second', SPEC);
	const { type, note } = await environment.event(team, 'second', 'SecretFetchFailed');
	t.is(type, 'Warning');
	t.regex(note, /the secret has no key \(SOURCE_EMPTY\): add a key at the source/);
	t.deepEqual(environment.world.secret(team, 'db'), before);
	environment.secretsManager.put('/prod/db', { name: 'again' });
	await environment.pod(team, 'third', SPEC);
	await environment.secret(team, 'db', ({ data }) => data['name'] === 'again');
});

// Profile self-heal: what others delete or edit comes back at once, Secrets of others stay, a restart reads nothing.
import test from 'ava';
import {
	annotation,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const selfHeal = { profile: 'self-heal' } as const;
const reads = (environment: TestEnvironment, path: string) =>
	environment.secretsManager.count('GetSecretValue', path);

test('a deleted Secret is created again at once', async t => {
	const environment = await startEnvironment(t, selfHeal);
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'db');
	const { uid } = await environment.secret(team, 'db');
	await environment.event(team, 'db', 'SecretSyncSuccess');
	await environment.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
	const again = await environment.secret(team, 'db', secret => secret.uid !== uid);
	t.deepEqual({ ...again.data }, { name: 'db' });
	await environment.event(team, 'db', 'SecretCorrected');
	await environment.barrier(team);
	t.is(reads(environment, '/prod/db'), 2);
	t.is(environment.events(team, 'db').filter(({ reason }) => reason === 'SecretSyncSuccess').length, 1);
});

test('an edited Secret gets its content back, and keeps the labels and annotations of others', async t => {
	const environment = await startEnvironment(t, selfHeal);
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'db');
	await environment.event(team, 'db', 'SecretSyncSuccess');
	await environment.edit(team, 'secrets/db', {
		metadata: {
			labels: { team: 'red', 'jasm.codnod.io/provider': 'forged' },
			annotations: { 'example.com/note': 'kept', 'jasm.codnod.io/source-path': 'forged' },
			finalizers: ['example.com/kept'],
		},
		data: { name: base64('wrong'), extra: base64('x') },
	});
	t.teardown(() => environment.edit(team, 'secrets/db', { metadata: { finalizers: null } }));
	const healed = await environment.secret(
		team,
		'db',
		({ data, labels }) => labels['team'] === 'red' && data['name'] === 'db' && !('extra' in data),
	);
	const { type, note } = await environment.event(team, 'db', 'SecretCorrected');
	t.is(type, 'Warning');
	t.is(note, "Secret 'db' was changed or deleted by another client; JASM restored it");
	t.is(healed.labels['jasm.codnod.io/provider'], 'aws-secretsmanager');
	t.is(healed.annotations['example.com/note'], 'kept');
	t.is(healed.annotations['jasm.codnod.io/source-path'], '/prod/db');
	const { metadata } = await environment.core.readNamespacedSecret({ namespace: team, name: 'db' });
	t.deepEqual(metadata!.finalizers, ['example.com/kept']);
});

test.serial('a Secret that is edited again and again is restored at most once in 10 s', async t => {
	const environment = await startEnvironment(t, { ...selfHeal, virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'db');
	await environment.event(team, 'db', 'SecretSyncSuccess');
	let corrections = -1;
	const stop = environment.api.onChange((kind, { object }) => {
		if (
			kind === 'Secret' &&
			object.name === 'db' &&
			(object.object['data'] as object & { name: string }).name !== base64('wrong')
		) {
			corrections++;
			setImmediate(() => {
				environment.api.update('Secret', team, 'db', secret => {
					secret['data'] = { name: base64('wrong') };
				});
			});
		}
	});
	environment.api.update('Secret', team, 'db', secret => {
		secret.metadata.labels = { ...secret.metadata.labels, poke: 'x' };
	});
	await environment.clock.advance(60_000);
	stop();
	t.true(corrections >= 4 && corrections <= 7, `${corrections} corrections in a minute`);
	t.true(reads(environment, '/prod/db') <= 8, `${reads(environment, '/prod/db')} reads`);
	await environment.clock.advance(20_000);
	t.is(environment.world.secret(team, 'db')!.data['name'], 'db', 'the last word is the source');
});

test('a Secret that loses the label is no longer owned: it stays as it is, and the pod hears of it', async t => {
	const environment = await startEnvironment(t, selfHeal);
	await environment.start();
	const team = await environment.namespace('team');
	await environment.ask(team, 'db');
	await environment.event(team, 'db', 'SecretSyncSuccess');
	await environment.edit(team, 'secrets/db', {
		metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
		data: { name: base64('theirs') },
	});
	await environment.event(team, 'db', 'SecretNotOwned');
	t.is(environment.world.secret(team, 'db')!.data['name'], 'theirs');
});

test('a restart reads no Secret that is known to be synced, serves new pods first, and repeats no report', async t => {
	const environment = await startEnvironment(t, selfHeal);
	const team = await environment.namespace('team');
	const all = names('db', 20);
	const first = await environment.start();
	await environment.each(all, name => environment.ask(team, name));
	for (const name of all) {
		await environment.event(team, name, 'SecretSyncSuccess');
	}

	t.is(await first.stop(), undefined);
	const before = all.map(name => environment.world.secret(team, name));
	const calls = environment.secretsManager.calls.length;
	await environment.ask(team, 'while-away');
	await environment.start();
	await environment.event(team, 'while-away', 'SecretSyncSuccess');
	await environment.barrier(team);
	const asked = environment.secretsManager.calls.slice(calls).map(({ name }) => name);
	t.deepEqual(
		asked.filter(name => name.startsWith('/prod/db-')),
		[],
	);
	t.deepEqual(
		all.map(name => environment.world.secret(team, name)),
		before,
	);
	t.is(environment.events(team).filter(({ pod }) => all.includes(pod)).length, all.length);
});

test('a restart repairs what happened meanwhile: a deleted Secret, another path, an edit, a newer request of an old pod', async t => {
	const environment = await startEnvironment(t, selfHeal);
	const team = await environment.namespace('team');
	const first = await environment.start();
	for (const name of ['deleted', 'changed', 'edited', 'kept']) {
		await environment.ask(team, name);
		await environment.event(team, name, 'SecretSyncSuccess');
	}

	await environment.pod(team, 'joining');
	await environment.ask(team, 'joined');
	await environment.event(team, 'joined', 'SecretSyncSuccess');
	t.is(await first.stop(), undefined);
	const joined = annotation({ path: '/prod/joined', secretName: 'joined' });
	environment.secretsManager.put('/prod/joined', { name: 'rotated' });
	await environment.annotate(team, 'joining', joined);
	environment.secretsManager.put('/prod/other', { name: 'other' });
	await environment.core.deleteNamespacedSecret({ namespace: team, name: 'deleted' });
	await environment.annotate(team, 'changed', annotation({ path: '/prod/other', secretName: 'changed' }));
	await environment.edit(team, 'secrets/edited', { data: { name: base64('wrong') } });
	await environment.start();
	t.is((await environment.secret(team, 'deleted')).data['name'], 'deleted');
	await environment.secret(team, 'changed', ({ data }) => data['name'] === 'other');
	await environment.secret(team, 'edited', ({ data }) => data['name'] === 'edited');
	await environment.event(team, 'joining', 'SecretSyncSuccess');
	t.is(
		environment.world.secret(team, 'joined')!.data['name'],
		'rotated',
		'the pod is older, its request is not',
	);
	await environment.barrier(team);
	t.is(reads(environment, '/prod/kept'), 1);
});

test.serial(
	'Secrets that others own are neither listed nor kept: only those with the label, and only metadata',
	async t => {
		const environment = await startEnvironment(t, { ...selfHeal, embedded: true });
		environment.api.seed(
			'Secret',
			names('other', 500).map(name => ({ metadata: { namespace: 'crowd', name }, data: { a: base64('x') } })),
		);
		await environment.start();
		const team = await environment.namespace('team');
		await environment.ask(team, 'db');
		await environment.event(team, 'db', 'SecretSyncSuccess');
		const watches = environment.api.requests.filter({
			resource: 'secrets',
			verb: ['list', 'watch'],
			user: 'system:serviceaccount:jasm:jasm',
		});
		t.true(watches.length > 0);
		for (const { query, accept } of watches) {
			t.is(query['labelSelector'], 'app.kubernetes.io/managed-by=jasm');
			t.regex(accept, /PartialObjectMetadata/);
		}
	},
);

// Profile self-heal: what others delete or edit comes back at once, what they own stays, a restart reads nothing.
import test from 'ava';
import { annotation, type Stage, startStage } from '../helpers/stage.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const selfHeal = { profile: 'self-heal' } as const;
const reads = (stage: Stage, path: string) => stage.secretsManager.count('GetSecretValue', path);

test('a Secret that somebody deletes is there again at once', async t => {
	const stage = await startStage(t, selfHeal);
	await stage.start();
	const team = await stage.namespace('team');
	await stage.ask(team, 'db');
	const { uid } = await stage.secret(team, 'db');
	await stage.event(team, 'db', 'SecretSyncSuccess');
	await stage.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
	const again = await stage.secret(team, 'db', secret => secret.uid !== uid);
	t.deepEqual({ ...again.data }, { name: 'db' });
	await stage.event(team, 'db', 'SecretCorrected');
	await stage.barrier(team);
	t.is(reads(stage, '/prod/db'), 2);
	t.is(stage.events(team, 'db').filter(({ reason }) => reason === 'SecretSyncSuccess').length, 1);
});

test('a Secret that somebody edits gets its content back, and keeps the labels and annotations of others', async t => {
	const stage = await startStage(t, selfHeal);
	await stage.start();
	const team = await stage.namespace('team');
	await stage.ask(team, 'db');
	await stage.event(team, 'db', 'SecretSyncSuccess');
	await stage.edit(team, 'secrets/db', {
		metadata: {
			labels: { team: 'red', 'jasm.codnod.io/provider': 'forged' },
			annotations: { 'example.com/note': 'kept', 'jasm.codnod.io/source-path': 'forged' },
			finalizers: ['example.com/kept'],
		},
		data: { name: base64('wrong'), extra: base64('x') },
	});
	t.teardown(() => stage.edit(team, 'secrets/db', { metadata: { finalizers: null } }));
	const healed = await stage.secret(
		team,
		'db',
		({ data, labels }) => labels['team'] === 'red' && data['name'] === 'db' && !('extra' in data),
	);
	const { type, note } = await stage.event(team, 'db', 'SecretCorrected');
	t.is(type, 'Warning');
	t.is(note, "Secret 'db' was changed or deleted by somebody else; JASM restored it");
	t.is(healed.labels['jasm.codnod.io/provider'], 'aws-secretsmanager');
	t.is(healed.annotations['example.com/note'], 'kept');
	t.is(healed.annotations['jasm.codnod.io/source-path'], '/prod/db');
	const { metadata } = await stage.core.readNamespacedSecret({ namespace: team, name: 'db' });
	t.deepEqual(metadata!.finalizers, ['example.com/kept']);
});

test.serial('somebody who edits again and again is corrected once in 10 s at most', async t => {
	const stage = await startStage(t, { ...selfHeal, virtualTime: true });
	await stage.start();
	const team = await stage.namespace('team');
	await stage.ask(team, 'db');
	await stage.event(team, 'db', 'SecretSyncSuccess');
	let corrections = -1;
	const stop = stage.api.onChange((kind, { object }) => {
		if (
			kind === 'Secret' &&
			object.name === 'db' &&
			(object.object['data'] as object & { name: string }).name !== base64('wrong')
		) {
			corrections++;
			setImmediate(() => {
				stage.api.update('Secret', team, 'db', secret => {
					secret['data'] = { name: base64('wrong') };
				});
			});
		}
	});
	stage.api.update('Secret', team, 'db', secret => {
		secret.metadata.labels = { ...secret.metadata.labels, poke: 'x' };
	});
	await stage.clock.advance(60_000);
	stop();
	t.true(corrections >= 4 && corrections <= 7, `${corrections} corrections in a minute`);
	t.true(reads(stage, '/prod/db') <= 8, `${reads(stage, '/prod/db')} reads`);
	await stage.clock.advance(20_000);
	t.is(stage.world.secret(team, 'db')!.data['name'], 'db', 'the last word is the source');
});

test('a Secret that loses the label is not ours any more: it is left alone, and told', async t => {
	const stage = await startStage(t, selfHeal);
	await stage.start();
	const team = await stage.namespace('team');
	await stage.ask(team, 'db');
	await stage.event(team, 'db', 'SecretSyncSuccess');
	await stage.edit(team, 'secrets/db', {
		metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
		data: { name: base64('theirs') },
	});
	await stage.event(team, 'db', 'SecretNotOwned');
	t.is(stage.world.secret(team, 'db')!.data['name'], 'theirs');
});

test('a restart reads nothing that is known to be synced, serves new pods first, and tells nobody twice', async t => {
	const stage = await startStage(t, selfHeal);
	const team = await stage.namespace('team');
	const all = names('db', 20);
	const first = await stage.start();
	await stage.each(all, name => stage.ask(team, name));
	for (const name of all) {
		await stage.event(team, name, 'SecretSyncSuccess');
	}

	t.is(await first.stop(), undefined);
	const before = all.map(name => stage.world.secret(team, name));
	const calls = stage.secretsManager.calls.length;
	await stage.ask(team, 'while-away');
	await stage.start();
	await stage.event(team, 'while-away', 'SecretSyncSuccess');
	await stage.barrier(team);
	const asked = stage.secretsManager.calls.slice(calls).map(({ name }) => name);
	t.deepEqual(
		asked.filter(name => name.startsWith('/prod/db-')),
		[],
	);
	t.deepEqual(
		all.map(name => stage.world.secret(team, name)),
		before,
	);
	t.is(stage.events(team).filter(({ pod }) => all.includes(pod)).length, all.length);
});

test('what happened while JASM was away is made good: a deleted Secret, another path, an edit, a newer pod', async t => {
	const stage = await startStage(t, selfHeal);
	const team = await stage.namespace('team');
	const first = await stage.start();
	for (const name of ['deleted', 'changed', 'edited', 'kept']) {
		await stage.ask(team, name);
		await stage.event(team, name, 'SecretSyncSuccess');
	}

	t.is(await first.stop(), undefined);
	stage.secretsManager.put('/prod/other', { name: 'other' });
	await stage.core.deleteNamespacedSecret({ namespace: team, name: 'deleted' });
	await stage.annotate(team, 'changed', annotation({ path: '/prod/other', secretName: 'changed' }));
	await stage.edit(team, 'secrets/edited', { data: { name: base64('wrong') } });
	await stage.start();
	t.is((await stage.secret(team, 'deleted')).data['name'], 'deleted');
	await stage.secret(team, 'changed', ({ data }) => data['name'] === 'other');
	await stage.secret(team, 'edited', ({ data }) => data['name'] === 'edited');
	await stage.barrier(team);
	t.is(reads(stage, '/prod/kept'), 1);
});

test.serial(
	'Secrets that others own are neither listed nor kept: only those with the label, and only metadata',
	async t => {
		const stage = await startStage(t, { ...selfHeal, embedded: true });
		stage.api.seed(
			'Secret',
			names('other', 500).map(name => ({ metadata: { namespace: 'crowd', name }, data: { a: base64('x') } })),
		);
		await stage.start();
		const team = await stage.namespace('team');
		await stage.ask(team, 'db');
		await stage.event(team, 'db', 'SecretSyncSuccess');
		const watches = stage.api.requests.filter({
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

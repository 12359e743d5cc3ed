// The provider fails in every way it can: told once per cause, backed off, bounded, and nobody else waits for it.
import test from 'ava';
import { annotation, PROVIDER, type Stage, startStage } from '../helpers/stage.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const allWritten = (stage: Stage, namespace: string, all: readonly string[]) => () =>
	all.every(name => stage.world.secret(namespace, name)?.data['name'] === name);

/** A second provider beside the usual one, at the same place but with a name and limits of its own. */
function withSecond(stage: Stage, fields: object = {}) {
	const { providers } = stage.configFile() as { providers: Record<string, object> };
	const rule = (provider: string) => ({ namespaces: [`*-${stage.cluster.id}`], provider, paths: ['/**'] });
	return {
		providers: { ...providers, second: { ...providers[PROVIDER], ...fields } },
		policy: [rule(PROVIDER), rule('second')],
	};
}

test.serial(
	'a provider that is down is tried again ever more rarely, every attempt is logged, and it recovers',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const down = stage.secretsManager.inject('reset');
		await stage.ask(team, 'web');
		const seenAt: number[] = [];
		for (let attempt = 1; attempt <= 6; attempt++) {
			await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE', secret: `${team}/web` }, attempt);
			seenAt.push(stage.clock.monotonic());
			const calls = stage.secretsManager.count('GetSecretValue');
			await stage.clock.runUntil(() => stage.secretsManager.count('GetSecretValue') > calls, {
				maxMs: 30_000,
			});
		}

		t.deepEqual(
			controller.log
				.filter({ code: 'PROVIDER_UNAVAILABLE', secret: `${team}/web` })
				.map(({ attempt }) => attempt)
				.slice(0, 6),
			[0, 1, 2, 3, 4, 5],
		);
		// Full jitter of 250 ms doubling: no wait is longer than its cap.
		for (const [index, at] of seenAt.slice(1).entries()) {
			t.true(at - seenAt[index]! <= 250 * 2 ** index, `wait ${index}`);
		}

		const { note } = await stage.event(team, 'web', 'SecretFetchFailed');
		t.regex(note, /PROVIDER_UNAVAILABLE\): nothing to do: JASM tries again by itself/);
		t.is(stage.events(team, 'web').length, 1, 'one Event per cause');
		down.stop();
		await stage.secret(team, 'web');
		await stage.event(team, 'web', 'SecretSyncSuccess');
	},
);

test.serial(
	'ten minutes without a provider keep the queue bounded, and everything drains when it is back',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start({ config: withSecond(stage) });
		const team = await stage.namespace('team');
		const all = names('web', 20);
		stage.secretsManager.put('/prod/fine', { fine: 'yes' });
		const down = stage.secretsManager.inject('access-denied', {
			when: ({ name }) => name.startsWith('/prod/web'),
		});
		await stage.each(all, name => stage.ask(team, name));
		await controller.log.waitFor({ code: 'PROVIDER_DENIED' }, all.length);
		await stage.clock.advance(600_000);
		t.true((await controller.metric('jasm_workqueue_depth')) <= all.length);
		const calls = stage.secretsManager.count('GetSecretValue');
		t.true(calls <= all.length * 10, `${calls} calls in ten minutes for ${all.length} keys`);
		await stage.pod(team, 'fine', annotation({ provider: 'second', path: '/prod/fine', secretName: 'fine' }));
		await stage.secret(team, 'fine');
		t.is((await controller.probe('/readyz')).status, 200, 'readiness does not depend on a provider');
		t.is((await controller.probe('/livez')).status, 200);
		down.stop();
		const took = await stage.clock.runUntil(allWritten(stage, team, all), { maxMs: 400_000 });
		t.true(took > 0);
		const drained = stage.secretsManager.calls
			.slice(calls)
			.filter(({ name }) => name.startsWith('/prod/web'));
		t.is(drained.length, all.length, 'one read each');
	},
);

test.serial(
	'an outage of ten minutes costs few calls, and its end is noticed within forty seconds',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const all = names('web', 20);
		const down = stage.secretsManager.inject('reset');
		await stage.each(all, name => stage.ask(team, name));
		await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE' }, all.length);
		await stage.clock.advance(540_000);
		const calls = stage.secretsManager.count('GetSecretValue');
		await stage.clock.advance(60_000);
		// Two or three tries and what is left of the backoffs; the SDK makes up to three calls of one.
		t.true(stage.secretsManager.count('GetSecretValue') - calls <= 3 * (3 + all.length));
		down.stop();
		const took = await stage.clock.runUntil(allWritten(stage, team, all), { maxMs: 60_000 });
		t.true(took <= 40_000, `${took} ms`);
	},
);

test.serial('throttling is answered with patience: at least 5 s, and no hotter than the backoff', async t => {
	const stage = await startStage(t, { virtualTime: true });
	const controller = await stage.start();
	const team = await stage.namespace('team');
	const throttling = stage.secretsManager.inject({ type: 'ThrottlingException', message: 'Rate exceeded' });
	await stage.ask(team, 'web');
	await controller.log.waitFor({ code: 'PROVIDER_THROTTLED', secret: `${team}/web` });
	const calls = stage.secretsManager.count('GetSecretValue');
	t.true(calls <= 3, 'the retries of the SDK itself');
	await stage.clock.advance(4_900);
	t.is(stage.secretsManager.count('GetSecretValue'), calls);
	throttling.stop();
	t.true((await stage.clock.runUntil(allWritten(stage, team, ['web']))) <= 1_000);
});

test.serial(
	'what a person has to mend is not asked for hot: some ten calls in ten minutes, and mended by itself',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		await stage.pod(team, 'web', annotation({ path: '/prod/late', secretName: 'web' }));
		await stage.event(team, 'web', 'SecretFetchFailed');
		await stage.clock.advance(600_000);
		const calls = stage.secretsManager.count('GetSecretValue', '/prod/late');
		t.true(calls >= 5 && calls <= 9, `${calls} calls in ten minutes`);
		t.is(stage.events(team, 'web').length, 1);
		t.is(controller.log.count({ code: 'SECRET_NOT_FOUND', secret: `${team}/web` }), calls);
		stage.secretsManager.put('/prod/late', { name: 'web' });
		await stage.clock.runUntil(allWritten(stage, team, ['web']), { maxMs: 400_000 });
		await stage.event(team, 'web', 'SecretSyncSuccess');
	},
);

test.serial(
	'new pods do not make a broken source hot: a crash loop of replicas costs a read every 5 s at most',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		await stage.start();
		const team = await stage.namespace('team');
		const generations = names('web', 30);
		for (const [index, name] of generations.entries()) {
			await stage.pod(team, name, annotation({ path: '/prod/missing' }));
			await stage.clock.advance(1_000);
			if (index > 0) {
				const old = generations[index - 1]!;
				await stage.core.deleteNamespacedPod({ namespace: team, name: old, gracePeriodSeconds: 0 });
			}
		}

		const calls = stage.secretsManager.count('GetSecretValue', '/prod/missing');
		t.true(calls <= 10, `${calls} calls in 30 s`);
	},
);

test.serial(
	'a call that never comes back ends at its deadline, and slow secrets delay no others',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const hung = names('slow', 40);
		const quick = names('quick', 10);
		stage.secretsManager.inject('hang', { when: ({ name }) => name.startsWith('/prod/slow') });
		await stage.each(hung, name => stage.ask(team, name));
		await stage.secretsManager.waitForCall(({ name }) => name === '/prod/slow-39');
		await stage.each(quick, name => stage.ask(team, name));
		for (const name of quick) {
			await stage.secret(team, name);
		}

		await stage.clock.advance(120_000);
		await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE' }, hung.length);
		const { note } = await stage.event(team, 'slow-0', 'SecretFetchFailed');
		t.regex(note, /no answer within 120000 ms/);
	},
);

test.serial('a provider that hangs does not starve another one', async t => {
	const stage = await startStage(t, { virtualTime: true });
	await stage.start({ config: withSecond(stage) });
	const team = await stage.namespace('team');
	stage.secretsManager.inject('hang', { when: ({ name }) => name.startsWith('/prod/slow') });
	const hung = names('slow', 100);
	stage.api.seed(
		'Pod',
		hung.map(name => ({
			metadata: {
				namespace: team,
				name,
				annotations: {
					'jasm.codnod.io/secret-sync': annotation({ path: `/prod/${name}`, secretName: name }),
				},
			},
		})),
	);
	await stage.secretsManager.waitForCall(({ name }) => name.startsWith('/prod/slow'));
	stage.secretsManager.put('/other/db', { name: 'other' });
	await stage.pod(team, 'other', annotation({ provider: 'second', path: '/other/db', secretName: 'other' }));
	t.is((await stage.secret(team, 'other')).data['name'], 'other');
	t.true(stage.secretsManager.count('GetSecretValue') <= 65);
});

test.serial(
	'a deleted secret, a version that is not there and a key that cannot be used are told apart',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		await stage.start();
		const team = await stage.namespace('team');
		stage.secretsManager.put('/prod/deleted', { a: 'b' });
		stage.secretsManager.delete('/prod/deleted');
		stage.secretsManager.put('/prod/version', { a: 'b' });
		stage.secretsManager.put('/prod/kms', { a: 'b' });
		stage.secretsManager.inject('kms-denied', { when: ({ name }) => name === '/prod/kms' });
		for (const [name, fields, code] of [
			['deleted', {}, 'SECRET_DELETED'],
			['version', { version: 'AWSNOTHERE' }, 'SECRET_NOT_FOUND'],
			['kms', {}, 'PROVIDER_DECRYPTION_FAILED'],
		] as const) {
			await stage.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name, ...fields }));
			const { note } = await stage.event(team, name, 'SecretFetchFailed');
			t.true(note.includes(code), note);
			t.is(stage.world.secret(team, name), undefined);
		}
	},
);

test.serial(
	'an answer about another secret, half of an answer or a page of a proxy is never written',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		for (const [index, fault] of (
			['truncate', { html: 200 }, { html: 404 }, { html: 403 }] as const
		).entries()) {
			const injected = stage.secretsManager.inject(fault);
			const name = `web-${index}`;
			await stage.ask(team, name);
			await controller.log.waitFor({ message: 'secret not synced', secret: `${team}/${name}` });
			t.is(stage.world.secret(team, name), undefined);
			t.is(controller.log.count({ code: 'SECRET_NOT_FOUND' }), 0, 'absence is never guessed');
			injected.stop();
			await stage.clock.runUntil(allWritten(stage, team, [name]), { maxMs: 120_000 });
		}
	},
);

test.serial(
	'the same failure is told in the same words: no request, account or role makes two Events of one',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		await stage.start();
		const team = await stage.namespace('team');
		for (const fault of ['access-denied', 'kms-denied', 'internal-error', 'expired-token'] as const) {
			const injected = stage.secretsManager.inject(fault);
			const notes: string[] = [];
			for (const pod of [`${fault}-a`, `${fault}-b`]) {
				await stage.pod(team, pod, annotation({ path: '/prod/db', secretName: pod }));
				notes.push((await stage.event(team, pod, 'SecretFetchFailed')).note);
			}

			t.is(notes[0], notes[1]);
			t.notRegex(notes[0]!, /\d{12}|arn:|assumed-role|[0-9a-f]{8}-[0-9a-f]{4}/);
			injected.stop();
		}
	},
);

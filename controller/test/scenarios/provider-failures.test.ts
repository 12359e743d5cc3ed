// The provider fails in every way it can: reported once per cause, backed off, bounded, and no other Secret waits for it.
import test from 'ava';
import {
	annotation,
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const allWritten = (environment: TestEnvironment, namespace: string, all: readonly string[]) => () =>
	all.every(name => environment.world.secret(namespace, name)?.data['name'] === name);

/** A second provider beside the usual one, at the same place but with a name and limits of its own. */
function withSecond(environment: TestEnvironment, fields: object = {}) {
	const { providers } = environment.configFile() as { providers: Record<string, object> };
	const rule = (provider: string) => ({
		namespaces: [`*-${environment.cluster.id}`],
		provider,
		paths: ['/**'],
	});
	return {
		providers: { ...providers, second: { ...providers[PROVIDER], ...fields } },
		policy: [rule(PROVIDER), rule('second')],
	};
}

test.serial(
	'a provider that is down is tried again ever more rarely, every attempt is logged, and it recovers',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const down = environment.secretsManager.inject('reset');
		await environment.ask(team, 'web');
		const seenAt: number[] = [];
		for (let attempt = 1; attempt <= 6; attempt++) {
			await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE', secret: `${team}/web` }, attempt);
			seenAt.push(environment.clock.monotonic());
			const calls = environment.secretsManager.count('GetSecretValue');
			await environment.clock.runUntil(() => environment.secretsManager.count('GetSecretValue') > calls, {
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

		const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
		t.regex(note, /PROVIDER_UNAVAILABLE\): JASM tries again by itself/);
		t.is(environment.events(team, 'web').length, 1, 'one Event per cause');
		down.stop();
		await environment.secret(team, 'web');
		await environment.event(team, 'web', 'SecretSyncSuccess');
	},
);

test.serial(
	'ten minutes without a provider keep the queue bounded, and everything drains when it is back',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start({ config: withSecond(environment) });
		const team = await environment.namespace('team');
		const all = names('web', 20);
		environment.secretsManager.put('/prod/fine', { fine: 'yes' });
		const down = environment.secretsManager.inject('access-denied', {
			when: ({ name }) => name.startsWith('/prod/web'),
		});
		await environment.each(all, name => environment.ask(team, name));
		await controller.log.waitFor({ code: 'PROVIDER_DENIED' }, all.length);
		await environment.clock.advance(600_000);
		t.true((await controller.metric('jasm_workqueue_depth')) <= all.length);
		const calls = environment.secretsManager.count('GetSecretValue');
		t.true(calls <= all.length * 10, `${calls} calls in ten minutes for ${all.length} keys`);
		await environment.pod(
			team,
			'fine',
			annotation({ provider: 'second', path: '/prod/fine', secretName: 'fine' }),
		);
		await environment.secret(team, 'fine');
		t.is((await controller.probe('/readyz')).status, 200, 'readiness does not depend on a provider');
		t.is((await controller.probe('/livez')).status, 200);
		down.stop();
		const took = await environment.clock.runUntil(allWritten(environment, team, all), { maxMs: 400_000 });
		t.true(took > 0);
		const drained = environment.secretsManager.calls
			.slice(calls)
			.filter(({ name }) => name.startsWith('/prod/web'));
		t.is(drained.length, all.length, 'one read each');
	},
);

test.serial(
	'an outage of ten minutes costs few calls, and its end is noticed within forty seconds',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const all = names('web', 20);
		const down = environment.secretsManager.inject('reset');
		await environment.each(all, name => environment.ask(team, name));
		await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE' }, all.length);
		await environment.clock.advance(540_000);
		const calls = environment.secretsManager.count('GetSecretValue');
		await environment.clock.advance(60_000);
		// Two or three tries and what is left of the backoffs; the SDK makes up to three calls of one.
		t.true(environment.secretsManager.count('GetSecretValue') - calls <= 3 * (3 + all.length));
		down.stop();
		const took = await environment.clock.runUntil(allWritten(environment, team, all), { maxMs: 60_000 });
		t.true(took <= 40_000, `${took} ms`);
	},
);

test.serial('throttling is answered with patience: at least 5 s, and no hotter than the backoff', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	const throttling = environment.secretsManager.inject({
		type: 'ThrottlingException',
		message: 'Rate exceeded',
	});
	await environment.ask(team, 'web');
	await controller.log.waitFor({ code: 'PROVIDER_THROTTLED', secret: `${team}/web` });
	const calls = environment.secretsManager.count('GetSecretValue');
	t.true(calls <= 3, 'the retries of the SDK itself');
	await environment.clock.advance(4_900);
	t.is(environment.secretsManager.count('GetSecretValue'), calls);
	throttling.stop();
	t.true((await environment.clock.runUntil(allWritten(environment, team, ['web']))) <= 1_000);
});

test.serial(
	'what a person has to mend is not asked for hot: some ten calls in ten minutes, and mended by itself',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		await environment.pod(team, 'web', annotation({ path: '/prod/late', secretName: 'web' }));
		await environment.event(team, 'web', 'SecretFetchFailed');
		await environment.clock.advance(600_000);
		const calls = environment.secretsManager.count('GetSecretValue', '/prod/late');
		t.true(calls >= 5 && calls <= 9, `${calls} calls in ten minutes`);
		t.is(environment.events(team, 'web').length, 1);
		t.is(controller.log.count({ code: 'SECRET_NOT_FOUND', secret: `${team}/web` }), calls);
		environment.secretsManager.put('/prod/late', { name: 'web' });
		await environment.clock.runUntil(allWritten(environment, team, ['web']), { maxMs: 400_000 });
		await environment.event(team, 'web', 'SecretSyncSuccess');
	},
);

test.serial(
	'new pods do not make a broken source hot: a crash loop of replicas costs a read every 5 s at most',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		await environment.start();
		const team = await environment.namespace('team');
		const generations = names('web', 30);
		for (const [index, name] of generations.entries()) {
			await environment.pod(team, name, annotation({ path: '/prod/missing' }));
			await environment.clock.advance(1_000);
			if (index > 0) {
				const old = generations[index - 1]!;
				await environment.core.deleteNamespacedPod({ namespace: team, name: old, gracePeriodSeconds: 0 });
			}
		}

		const calls = environment.secretsManager.count('GetSecretValue', '/prod/missing');
		t.true(calls <= 10, `${calls} calls in 30 s`);
	},
);

test.serial(
	'a call that never comes back ends at its deadline, and slow secrets delay no others',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const hung = names('slow', 40);
		const quick = names('quick', 10);
		environment.secretsManager.inject('hang', { when: ({ name }) => name.startsWith('/prod/slow') });
		await environment.each(hung, name => environment.ask(team, name));
		await environment.secretsManager.waitForCall(({ name }) => name === '/prod/slow-39');
		await environment.each(quick, name => environment.ask(team, name));
		for (const name of quick) {
			await environment.secret(team, name);
		}

		await environment.clock.advance(120_000);
		await controller.log.waitFor({ code: 'PROVIDER_UNAVAILABLE' }, hung.length);
		const { note } = await environment.event(team, 'slow-0', 'SecretFetchFailed');
		t.regex(note, /no answer within 120000 ms/);
	},
);

test.serial('a provider that hangs does not starve another one', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	await environment.start({ config: withSecond(environment) });
	const team = await environment.namespace('team');
	environment.secretsManager.inject('hang', { when: ({ name }) => name.startsWith('/prod/slow') });
	const hung = names('slow', 100);
	environment.api.seed(
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
	await environment.secretsManager.waitForCall(({ name }) => name.startsWith('/prod/slow'));
	environment.secretsManager.put('/other/db', { name: 'other' });
	await environment.pod(
		team,
		'other',
		annotation({ provider: 'second', path: '/other/db', secretName: 'other' }),
	);
	t.is((await environment.secret(team, 'other')).data['name'], 'other');
	t.true(environment.secretsManager.count('GetSecretValue') <= 65);
});

test.serial(
	'a deleted secret, a version that is not there and a key that cannot be used are told apart',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/deleted', { a: 'b' });
		environment.secretsManager.delete('/prod/deleted');
		environment.secretsManager.put('/prod/version', { a: 'b' });
		environment.secretsManager.put('/prod/kms', { a: 'b' });
		environment.secretsManager.inject('kms-denied', { when: ({ name }) => name === '/prod/kms' });
		for (const [name, fields, code] of [
			['deleted', {}, 'SECRET_DELETED'],
			['version', { version: 'AWSNOTHERE' }, 'SECRET_NOT_FOUND'],
			['kms', {}, 'PROVIDER_DECRYPTION_FAILED'],
		] as const) {
			await environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name, ...fields }));
			const { note } = await environment.event(team, name, 'SecretFetchFailed');
			t.true(note.includes(code), note);
			t.is(environment.world.secret(team, name), undefined);
		}
	},
);

test.serial(
	'an answer about another secret, half of an answer or a page of a proxy is never written',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		for (const [index, fault] of (
			['truncate', { html: 200 }, { html: 404 }, { html: 403 }] as const
		).entries()) {
			const injected = environment.secretsManager.inject(fault);
			const name = `web-${index}`;
			await environment.ask(team, name);
			await controller.log.waitFor({ message: 'secret not synced', secret: `${team}/${name}` });
			t.is(environment.world.secret(team, name), undefined);
			t.is(controller.log.count({ code: 'SECRET_NOT_FOUND' }), 0, 'absence is never guessed');
			injected.stop();
			await environment.clock.runUntil(allWritten(environment, team, [name]), { maxMs: 120_000 });
		}
	},
);

test.serial(
	'the same failure is told in the same words: no request, account or role makes two Events of one',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		await environment.start();
		const team = await environment.namespace('team');
		for (const fault of ['access-denied', 'kms-denied', 'internal-error', 'expired-token'] as const) {
			const injected = environment.secretsManager.inject(fault);
			const notes: string[] = [];
			for (const pod of [`${fault}-a`, `${fault}-b`]) {
				await environment.pod(team, pod, annotation({ path: '/prod/db', secretName: pod }));
				notes.push((await environment.event(team, pod, 'SecretFetchFailed')).note);
			}

			t.is(notes[0], notes[1]);
			t.notRegex(notes[0]!, /\d{12}|arn:|assumed-role|[0-9a-f]{8}-[0-9a-f]{4}/);
			injected.stop();
		}
	},
);

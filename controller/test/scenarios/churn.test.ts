// One namespace churns as hard as it can: it spends its own allowance, the others do not notice, nothing piles up.
import test from 'ava';
import {
	annotation,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** Pods that appear at once, each with a secret of its own. */
function crowd(environment: TestEnvironment, namespace: string, all: readonly string[]): void {
	environment.api.seed(
		'Pod',
		all.map(name => {
			environment.secretsManager.put(`/prod/${name}`, { name });
			const text = annotation({ path: `/prod/${name}`, secretName: name });
			return { metadata: { namespace, name, annotations: { 'jasm.codnod.io/secret-sync': text } } };
		}),
	);
}

test.serial(
	'a namespace that asks for hundreds of secrets is read at its own rate, and no other waits for it',
	async t => {
		const environment = await startEnvironment(t, {
			virtualTime: true,
			config: { limits: { readsPerSecond: 10, burst: 20 } },
		});
		const controller = await environment.start();
		const [loud, quiet] = [await environment.namespace('loud'), await environment.namespace('quiet')];
		const all = names('web', 200);
		crowd(environment, loud, all);
		await environment.clock.settle();
		const reads = () =>
			environment.secretsManager.calls.filter(({ name }) => name.startsWith('/prod/web')).length;
		t.is(reads(), 20, 'the burst');
		await environment.ask(quiet, 'other');
		t.true(
			(await environment.clock.runUntil(() => environment.world.secret(quiet, 'other') !== undefined)) <=
				1_000,
		);
		const [start, before] = [environment.clock.monotonic(), reads()];
		await environment.clock.advance(5_000);
		const passed = (environment.clock.monotonic() - start) / 1_000;
		t.true(reads() - before <= passed * 10 + 1, `${reads() - before} reads in ${passed} s`);
		await environment.clock.runUntil(() =>
			all.every(name => environment.world.secret(loud, name) !== undefined),
		);
		t.is(reads(), all.length);
		t.is(controller.log.count({ message: 'secret not synced' }), 0, 'waiting for its turn is no failure');
	},
);

test.serial('pods that come and go by the thousand leave nothing behind', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	for (let round = 0; round < 5; round++) {
		const all = names(`round-${round}`, 100);
		crowd(environment, team, all);
		await environment.clock.advance(2_000);
		for (const name of all) {
			environment.api.delete('Pod', team, name);
		}
	}

	await environment.clock.advance(60_000);
	t.is(await controller.metric('jasm_tracked_pods'), 0);
	t.is(await controller.metric('jasm_requested_secrets'), 0);
	t.is(await controller.metric('jasm_workqueue_depth'), 0);
	await environment.ask(team, 'last');
	await environment.secret(team, 'last');
});

test.serial('an annotation that flaps between faults cannot flood the Events of its namespace', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', 'provider: [');
	await environment.event(team, 'web', 'AnnotationInvalid');
	for (let round = 0; round < 120; round++) {
		environment.api.update('Pod', team, 'web', pod => {
			pod.metadata.annotations = { 'jasm.codnod.io/secret-sync': `unknown${round}: x` };
		});
		await environment.clock.advance(200);
	}

	const events = environment.events(team, 'web').length;
	t.true(events <= 30, `${events} Events`);
	t.is(controller.log.count({ code: 'ANNOTATION_INVALID' }), 121);
	t.true((await controller.metric('jasm_events_total')) >= 121, 'what was dropped is counted');
	await environment.ask(team, 'other');
	await environment.event(team, 'other', 'SecretSyncSuccess');
});

test.serial(
	'an annotation that flaps between two sources costs reads and writes at the rate of the namespace',
	async t => {
		const environment = await startEnvironment(t, {
			virtualTime: true,
			config: { limits: { readsPerSecond: 1, burst: 5 } },
		});
		await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/a', { from: 'a' });
		environment.secretsManager.put('/prod/b', { from: 'b' });
		await environment.pod(team, 'web', annotation({ path: '/prod/a' }));
		const versions = environment.versions(team, 'db');
		for (let round = 0; round < 300; round++) {
			environment.api.update('Pod', team, 'web', pod => {
				const text = annotation({ path: round % 2 === 0 ? '/prod/b' : '/prod/a' });
				pod.metadata.annotations = { 'jasm.codnod.io/secret-sync': text };
			});
			await environment.clock.advance(100);
		}

		const reads = environment.secretsManager.count('GetSecretValue');
		t.true(reads <= 40, `${reads} reads in 30 s`);
		t.true(versions.length <= reads + 1);
		await environment.clock.advance(5_000);
		t.is(environment.world.secret(team, 'db')!.data['from'], 'a', 'the last word counts');
	},
);

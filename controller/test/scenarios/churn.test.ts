// One namespace churns as hard as it can: it spends its own allowance, the others do not notice, nothing piles up.
import test from 'ava';
import { annotation, type Stage, startStage } from '../helpers/stage.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** Pods that appear at once, each with a secret of its own. */
function crowd(stage: Stage, namespace: string, all: readonly string[]): void {
	stage.api.seed(
		'Pod',
		all.map(name => {
			stage.secretsManager.put(`/prod/${name}`, { name });
			const text = annotation({ path: `/prod/${name}`, secretName: name });
			return { metadata: { namespace, name, annotations: { 'jasm.codnod.io/secret-sync': text } } };
		}),
	);
}

test.serial(
	'a namespace that asks for hundreds of secrets is read at its own rate, and no other waits for it',
	async t => {
		const stage = await startStage(t, {
			virtualTime: true,
			config: { limits: { readsPerSecond: 10, burst: 20 } },
		});
		const controller = await stage.start();
		const [loud, quiet] = [await stage.namespace('loud'), await stage.namespace('quiet')];
		const all = names('web', 200);
		crowd(stage, loud, all);
		await stage.clock.settle();
		const reads = () => stage.secretsManager.calls.filter(({ name }) => name.startsWith('/prod/web')).length;
		t.is(reads(), 20, 'the burst');
		await stage.ask(quiet, 'other');
		t.true((await stage.clock.runUntil(() => stage.world.secret(quiet, 'other') !== undefined)) <= 1_000);
		const [start, before] = [stage.clock.monotonic(), reads()];
		await stage.clock.advance(5_000);
		const passed = (stage.clock.monotonic() - start) / 1_000;
		t.true(reads() - before <= passed * 10 + 1, `${reads() - before} reads in ${passed} s`);
		await stage.clock.runUntil(() => all.every(name => stage.world.secret(loud, name) !== undefined));
		t.is(reads(), all.length);
		t.is(controller.log.count({ message: 'secret not synced' }), 0, 'waiting for its turn is no failure');
	},
);

test.serial('pods that come and go by the thousand leave nothing behind', async t => {
	const stage = await startStage(t, { virtualTime: true });
	const controller = await stage.start();
	const team = await stage.namespace('team');
	for (let round = 0; round < 5; round++) {
		const all = names(`round-${round}`, 100);
		crowd(stage, team, all);
		await stage.clock.advance(2_000);
		for (const name of all) {
			stage.api.delete('Pod', team, name);
		}
	}

	await stage.clock.advance(60_000);
	t.is(await controller.metric('jasm_tracked_pods'), 0);
	t.is(await controller.metric('jasm_requested_secrets'), 0);
	t.is(await controller.metric('jasm_workqueue_depth'), 0);
	await stage.ask(team, 'last');
	await stage.secret(team, 'last');
});

test.serial('an annotation that flaps between faults cannot flood the Events of its namespace', async t => {
	const stage = await startStage(t, { virtualTime: true });
	const controller = await stage.start();
	const team = await stage.namespace('team');
	await stage.pod(team, 'web', 'provider: [');
	await stage.event(team, 'web', 'AnnotationInvalid');
	for (let round = 0; round < 120; round++) {
		stage.api.update('Pod', team, 'web', pod => {
			pod.metadata.annotations = { 'jasm.codnod.io/secret-sync': `unknown${round}: x` };
		});
		await stage.clock.advance(200);
	}

	const events = stage.events(team, 'web').length;
	t.true(events <= 30, `${events} Events`);
	t.is(controller.log.count({ code: 'ANNOTATION_INVALID' }), 121);
	t.true((await controller.metric('jasm_events_total')) >= 121, 'what was dropped is counted');
	await stage.ask(team, 'other');
	await stage.event(team, 'other', 'SecretSyncSuccess');
});

test.serial(
	'an annotation that flaps between two sources costs reads and writes at the rate of the namespace',
	async t => {
		const stage = await startStage(t, {
			virtualTime: true,
			config: { limits: { readsPerSecond: 1, burst: 5 } },
		});
		await stage.start();
		const team = await stage.namespace('team');
		stage.secretsManager.put('/prod/a', { from: 'a' });
		stage.secretsManager.put('/prod/b', { from: 'b' });
		await stage.pod(team, 'web', annotation({ path: '/prod/a' }));
		const versions = stage.versions(team, 'db');
		for (let round = 0; round < 300; round++) {
			stage.api.update('Pod', team, 'web', pod => {
				const text = annotation({ path: round % 2 === 0 ? '/prod/b' : '/prod/a' });
				pod.metadata.annotations = { 'jasm.codnod.io/secret-sync': text };
			});
			await stage.clock.advance(100);
		}

		const reads = stage.secretsManager.count('GetSecretValue');
		t.true(reads <= 40, `${reads} reads in 30 s`);
		t.true(versions.length <= reads + 1);
		await stage.clock.advance(5_000);
		t.is(stage.world.secret(team, 'db')!.data['from'], 'a', 'the last word counts');
	},
);

// Restarts come at a bearable pace: per workload, in the whole cluster, in the hours of the operator, or not at all.
import test from 'ava';
import { asking, startRestartEnvironment } from '../helpers/environment/restart-environment.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.serial(
	'a source that changes without end restarts its workload every ten minutes at first, then once an hour',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('0', 'db');
		await stage.start([team]);
		await stage.workload(team, 'web');
		await stage.holds(team, 'db', '0');
		await stage.clock.advance(20 * MINUTE);
		const times: number[] = [];
		stage.api.onChange((kind, { object }) => {
			if (kind === 'Deployment' && object.object.metadata.generation! > times.length + 1) {
				times.push(stage.clock.now());
			}
		});
		for (let round = 1; round <= 95; round++) {
			stage.put(String(round), 'db');
			await stage.clock.advance(MINUTE);
		}

		const gaps = times.slice(1).map((at, index) => (at - times[index]!) / MINUTE);
		t.is(times.length, 4, `restarts in 95 minutes: ${gaps}`);
		t.true(
			gaps.every(gap => gap >= 10),
			String(gaps),
		);
		t.true(
			gaps.slice(2).every(gap => gap >= 60),
			String(gaps),
		);
		const told = stage.environment.events(team).filter(({ reason }) => reason === 'RestartHeldBack');
		t.is(told.length, 1);
	},
);

test.serial(
	'a held-back workload is restarted in ten minutes again after its secrets rested for an hour',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('0', 'db');
		await stage.start([team]);
		await stage.workload(team, 'web');
		await stage.holds(team, 'db', '0');
		await stage.clock.advance(20 * MINUTE);
		for (let round = 1; round <= 3; round++) {
			stage.put(String(round), 'db');
			await stage.clock.advance(12 * MINUTE);
		}

		t.is(stage.generationOf(team, 'web'), 4);
		await stage.clock.advance(61 * MINUTE);
		stage.put('rested', 'db');
		await stage.clock.advance(2 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 5);
	},
);

test.serial('many workloads that are stale at once are restarted at the rate of the operator', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team], { perMinute: 30, inProgress: 100 });
	const names = Array.from({ length: 40 }, (_, index) => `web-${index}`);
	for (const name of names) await stage.workload(team, name);
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(20 * MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	const perMinute: number[] = [];
	while (perMinute.length < 3) {
		const before = stage.restarts().length;
		await stage.clock.advance(MINUTE);
		perMinute.push(stage.restarts().length - before);
	}

	t.true(Math.max(...perMinute) <= 35, `a burst of five and thirty a minute: ${perMinute}`);
	t.deepEqual(
		names.map(name => stage.generationOf(team, name)),
		names.map(() => 2),
	);
	t.is(stage.restarts().length, names.length);
});

test.serial(
	'no more workloads are in progress than the operator allows, and one that hangs gives its place to others',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const controller = await stage.start([team], { perMinute: 1_000, inProgress: 2 });
		const names = ['a', 'b', 'c', 'd'];
		for (const name of names) await stage.workload(team, name);
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(20 * MINUTE);
		// A new pod needs what is not there: each rollout hangs.
		for (const name of names) {
			stage.api.update('Deployment', team, name, object => {
				const { template } = object['spec'] as { template: { spec: { containers: object[] } } };
				template.spec.containers = [
					{ name: 'app', image: 'app:1', envFrom: [{ secretRef: { name: 'missing' } }] },
				];
			});
		}

		const before = names.map(name => stage.generationOf(team, name)!);
		const begun = () =>
			names.filter((name, index) => stage.generationOf(team, name)! > before[index]!).length;
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.clock.advance(5 * MINUTE);
		t.is(begun(), 2);
		t.is(await controller.metric('jasm_restarts_in_progress'), 2);
		await stage.clock.advance(8 * MINUTE);
		t.is(begun(), 4);
		const stalled = stage.environment.events(team).filter(({ reason }) => reason === 'RestartStalled');
		t.is(stalled.length, 2);
		t.regex(stalled[0]!.note, /is not over after 10 minutes/);
	},
);

test.serial('a dry run restarts nothing, and tells once what it would restart', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	const controller = await stage.start([team], { dryRun: true });
	await stage.workload(team, 'web', { replicas: 2 });
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	await stage.clock.advance(30 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 1);
	t.deepEqual(stage.restarts(), []);
	const told = stage.environment.events(team).filter(({ reason }) => reason === 'RestartPlanned');
	t.is(told.length, 1);
	t.regex(told[0]!.note, /^Would restart Deployment 'web'/);
	t.is(await controller.metric('jasm_restarts_total', { outcome: 'planned' }), 1);
});

test.serial(
	'outside the hours of the operator a restart waits and says so; at the opening it is decided again',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db', 'other');
		const now = stage.clock.now();
		const at = (ms: number) => new Date(ms).toISOString().slice(11, 16);
		const hours = {
			days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
			from: at(now + HOUR),
			to: at(now + 2 * HOUR),
			timeZone: 'UTC',
		};
		await stage.start([team], { hours });
		await stage.workload(team, 'web');
		await stage.workload(team, 'gone', { text: asking(['other']) });
		await stage.holds(team, 'db', 'first');
		await stage.holds(team, 'other', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db', 'other');
		await stage.holds(team, 'other', 'second');
		await stage.clock.advance(20 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 1);
		const told = stage.environment.events(team).filter(({ reason }) => reason === 'RestartPlanned');
		t.is(told.length, 2);
		t.regex(told.map(({ note }) => note).join('\n'), /Restarts Deployment 'web' at \d{4}-\d\d-\d\dT/);
		// A person replaced the pods of one meanwhile.
		stage.api.update('Deployment', team, 'gone', object => {
			const { template } = object['spec'] as { template: { metadata: { annotations: object } } };
			template.metadata.annotations = { ...template.metadata.annotations, person: 'restarted it' };
		});
		await stage.clock.advance(35 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 1, 'the hours have not begun');
		await stage.clock.advance(10 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 2);
		t.is(stage.generationOf(team, 'gone'), 2, 'by the person alone');
		t.is(stage.restarts().length, 1);
	},
);

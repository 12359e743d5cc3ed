// What the API server answers to restarts: told nowhere, and no reason to try others again.
import test from 'ava';
import { startRestartEnvironment } from '../helpers/environment/restart-environment.ts';

const MINUTE = 60_000;

test.serial(
	'what the API server answers to a restart, granted or refused, is in no log, Event or metric',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const controller = await stage.start([team]);
		const canary = 'canary-of-the-pod-template';
		for (const name of ['granted', 'paused', 'broken']) {
			await stage.workload(team, name);
			stage.api.update('Deployment', team, name, object => {
				const spec = object['spec'] as { template: { spec: object } };
				const containers = [{ name: 'app', image: 'app:1', env: [{ name: 'P', value: canary }] }];
				spec.template.spec = { ...spec.template.spec, containers };
				object['spec'] = { ...spec, paused: name === 'paused' };
				const manifest = JSON.stringify({ env: canary });
				object.metadata.annotations = { 'kubectl.kubernetes.io/last-applied-configuration': manifest };
			});
		}

		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(2 * MINUTE);
		stage.api.faults.inject(
			{ verb: 'patch', resource: 'deployments', name: 'broken' },
			{ answer: { status: 422, reason: 'Invalid', message: `spec: Invalid value: "${canary}"` } },
		);
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.clock.advance(10 * MINUTE);
		t.is(stage.restarts('granted').length, 1);
		const refused = stage.environment.events(team).filter(({ reason }) => reason === 'RestartRefused');
		t.true(refused.length >= 2, JSON.stringify(refused));
		const told = [controller.log.lines, stage.api.list('Event', team), await controller.metrics()];
		t.notRegex(JSON.stringify(told), new RegExp(canary));
	},
);

test.serial('workloads that are refused do not make JASM try each other again', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team], { inProgress: 1 });
	const names = ['a', 'b', 'c'];
	for (const name of names) {
		await stage.workload(team, name);
		stage.api.update('Deployment', team, name, object => {
			object['spec'] = { ...(object['spec'] as object), paused: true };
		});
	}

	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	const tries = (name: string) =>
		stage.api.requests.all.filter(request => request.verb === 'patch' && request.name === name).length;
	await stage.clock.advance(5 * MINUTE);
	const counts = names.map(tries);
	t.true(
		counts.every(count => count >= 1 && count <= 12),
		`tries in five minutes: ${counts}`,
	);
});

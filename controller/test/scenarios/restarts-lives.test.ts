// What is to be restarted survives the controller: it is found out from the API server, and nothing comes twice.
import test from 'ava';
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import { asking, startRestartEnvironment } from '../helpers/environment/restart-environment.ts';

const MINUTE = 60_000;
const ELECT = { argv: ['--leader-elect'] };

test.serial(
	'a controller that starts again restarts no workload whose Secrets did not change meanwhile',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const first = await stage.start([team]);
		await stage.workload(team, 'changed', { replicas: 2 });
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.rolledOut(team, 'changed', 2);
		await stage.clock.advance(MINUTE);
		await stage.environment.stop(first);
		const versions = stage.environment.versions(team, 'db').length;

		await stage.start([team]);
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.environment.versions(team, 'db').length, versions);
		t.is(stage.generationOf(team, 'changed'), 2);
		t.is(stage.restarts().length, 1);
	},
);

test.serial(
	'a controller that ends between the change and the restart is followed by one that restarts, once',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const first = await stage.start([team]);
		await stage.workload(team, 'web', { replicas: 2 });
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.environment.stop(first);
		t.is(stage.generationOf(team, 'web'), 1);

		await stage.start([team]);
		await stage.rolledOut(team, 'web', 2);
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 2);
		t.is(stage.restarts('web').length, 1);
	},
);

test.serial(
	'a change while no controller runs is written and followed by one restart when the next one starts',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const first = await stage.start([team]);
		await stage.workload(team, 'web');
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(MINUTE);
		await stage.environment.stop(first);
		stage.put('second', 'db');
		await stage.clock.advance(5 * MINUTE);

		await stage.start([team]);
		await stage.holds(team, 'db', 'second');
		await stage.rolledOut(team, 'web', 1);
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 2);
	},
);

test.serial('a controller that starts while a rollout hangs does not begin another one', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	const first = await stage.start([team]);
	await stage.workload(team, 'web');
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	// The new pod needs a Secret that is not there.
	stage.api.update('Deployment', team, 'web', object => {
		const { template } = object['spec'] as { template: { spec: { containers: object[] } } };
		template.spec.containers = [
			{ name: 'app', image: 'app:1', envFrom: [{ secretRef: { name: 'missing' } }] },
		];
	});
	stage.put('second', 'db');
	await stage.clock.runUntil(() => stage.generationOf(team, 'web') === 3);
	await stage.environment.stop(first);

	await stage.start([team]);
	await stage.clock.advance(30 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 3);
});

test.serial('a standby restarts nothing, and the next leader restarts what the last one had not', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	const leader = await stage.start([team], {}, ELECT);
	await leader.log.waitFor({ message: 'leading' });
	const standby = await stage.start([team], {}, ELECT);
	await stage.workload(team, 'web', { replicas: 2 });
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	await stage.environment.stop(leader);
	await stage.rolledOut(team, 'web', 2);
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 2);
	t.is(stage.restarts('web').length, 1);
	t.is(await standby.metric('jasm_restarts_total', { outcome: 'restarted' }), 1);
});

test.serial(
	'a manifest that is applied again keeps the annotation or removes it, and neither causes a second restart',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		await stage.start([team]);
		await stage.workload(team, 'web');
		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.rolledOut(team, 'web', 1);
		const hash = stage.hashOf(team, 'web');
		// As `kubectl apply` of the same manifest: it removes only what it had set itself.
		const apply = { spec: { template: { metadata: { annotations: { [ANNOTATION_KEY]: asking(['db']) } } } } };
		const path = `/apis/apps/v1/namespaces/${team}/deployments/web`;
		const contentType = 'application/merge-patch+json';
		await stage.environment.request({ method: 'PATCH', path, contentType, body: apply });
		t.is(stage.hashOf(team, 'web'), hash);
		t.is(stage.generationOf(team, 'web'), 2);
		// As `kubectl replace`, which is a rollout by itself.
		stage.api.update('Deployment', team, 'web', object => {
			const { template } = object['spec'] as { template: { metadata: { annotations: object } } };
			template.metadata.annotations = { [ANNOTATION_KEY]: asking(['db']) };
		});
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(team, 'web'), 3);
		t.is(stage.restarts('web').length, 1);
	},
);

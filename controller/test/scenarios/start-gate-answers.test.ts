// Waiting pods and what the API server answers to a release: a pod that was replaced, a refusal that holds a value, a later
// edit that cannot be read. The embedded server answers, because a real one gives these answers only by chance.
import test from 'ava';
import { startReplica } from '../helpers/canary/environment.ts';
import { listenToProcess, tracesOf } from '../helpers/canary/outputs.ts';
import { Canaries } from '../helpers/canary/values.ts';
import { createStartGateUsers } from '../helpers/environment/start-gate-users.ts';
import { annotation, startGateEnvironment } from '../helpers/environment/test-environment.ts';

const asks = annotation({ path: '/prod/db', secretName: 'db' });
const RELEASE = { verb: 'patch', resource: 'pods', name: 'db-0' } as const;

test.serial(
	'a pod that takes the name of a waiting pod is not released in its place, and waits for a read of its own',
	async t => {
		const environment = await startGateEnvironment(t, { embedded: true });
		const { gateOf, released } = createStartGateUsers(environment);
		const { api, core, secretsManager } = environment;
		const team = await environment.namespace('team');
		secretsManager.put('/prod/db', { v: 'old' });
		const replica = await environment.start();
		const refusing = secretsManager.inject('access-denied');
		const { metadata } = await environment.pod(team, 'db-0', asks, { start: 'after-sync' });
		await environment.event(team, 'db-0', 'WaitingForSecret');

		// JASM does not see that another pod takes the name.
		api.faults.stallWatches({ resource: 'pods' });
		await core.deleteNamespacedPod({ namespace: team, name: 'db-0', gracePeriodSeconds: 0 });
		const successor = await environment.pod(team, 'db-0', asks, { start: 'after-sync' });
		refusing.stop();
		await api.requests.waitFor({ ...RELEASE, namespace: team });
		t.not(successor.metadata?.uid, metadata?.uid);
		t.deepEqual(await gateOf(team, 'db-0'), { gated: true, start: 'after-sync' });

		secretsManager.put('/prod/db', { v: 'new' });
		api.faults.resumeWatches();
		await released(team, 'db-0');
		t.is((await environment.secret(team, 'db')).data['v'], 'new');
		t.deepEqual(
			api.requests.all
				.filter(
					request => request.resource === 'pods' && request.verb === 'patch' && request.namespace === team,
				)
				.map(({ status }) => status),
			[422, 200],
		);
		t.regex(await replica.metrics(), /jasm_releases_total\{outcome="Gone"\} 1\n/);
		t.regex(await replica.metrics(), /jasm_gated_pods 0\n/);
	},
);

test.serial('a value in the refusal of a release comes out nowhere', async t => {
	const listening = listenToProcess(t);
	const canaries = new Canaries();
	const value = canaries.text('an environment variable of the pod');
	const environment = await startGateEnvironment(t, { embedded: true });
	const { gateOf } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { v: canaries.text('a secret') });
	const replica = await startReplica(environment, canaries, 'debug');
	const message = `Pod "db-0" is invalid: spec.containers[0].env[0].value: Invalid value: "${value}"`;
	environment.api.faults.inject(
		RELEASE,
		{
			answer: {
				status: 422,
				reason: 'Invalid',
				message,
				details: { causes: [{ reason: 'FieldValueInvalid', message, field: `spec.${value}` }] },
			},
		},
		Number.POSITIVE_INFINITY,
	);
	await environment.pod(team, 'db-0', asks, { start: 'after-sync' });
	const { note } = await environment.event(team, 'db-0', 'ReleaseRefused');
	t.regex(note, /RELEASE_REFUSED/);
	t.deepEqual(await gateOf(team, 'db-0'), { gated: true, start: 'after-sync' });
	const outlets = { ...tracesOf(environment, [replica]), ...listening(), metrics: await replica.metrics() };
	t.deepEqual(canaries.foundIn(outlets), []);
	t.true(
		replica.log.lines.some(line => line.message === 'pod not released'),
		'the refusal is in the log',
	);
});

test.serial(
	'a waiting pod whose start value cannot be read hears which values are valid, once for each value, and stays held',
	async t => {
		const environment = await startGateEnvironment(t, { embedded: true });
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		await environment.start();
		const edit = (text: string) =>
			environment.edit(team, 'pods/db-0', { metadata: { annotations: { 'jasm.codnod.io/start': text } } });
		await environment.pod(team, 'db-0', asks, { start: 'after-sync, 600s' });
		await environment.event(team, 'db-0', 'WaitingForSecret');
		await edit('after-snyc\u0007');
		const { type, note } = await environment.event(team, 'db-0', 'StartAnnotationInvalid');
		t.is(type, 'Warning');
		t.is(
			note,
			"jasm.codnod.io/start: 'after-snyc\\u{7}' is not a valid value (START_ANNOTATION_INVALID): write after-sync, " +
				"a deadline such as 'after-sync, 60s', or at-once; until then the pod waits for its Secrets without a deadline",
		);
		t.deepEqual(await gateOf(team, 'db-0'), { gated: true, start: 'after-snyc\u0007' });
		// Another change of the pod is no reason to say it again; another value is.
		await environment.annotate(team, 'db-0', annotation({ path: '/prod/other', secretName: 'db' }));
		await environment.barrier(team);
		const heard = () =>
			environment.events(team, 'db-0').filter(({ reason }) => reason === 'StartAnnotationInvalid');
		t.is(heard().length, 1);
		await edit('60s');
		await environment.event(team, 'db-0', 'StartAnnotationInvalid', 2);
		environment.secretsManager.put('/prod/other', { v: '1' });
		await edit('after-sync');
		await released(team, 'db-0');
		t.is(heard().length, 2);
	},
);

test.serial(
	'a start annotation on a pod that has no gate goes with the next sync, and the pod is not touched otherwise',
	async t => {
		const environment = await startGateEnvironment(t, { embedded: true });
		const { gateOf, released } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: '1' });
		await environment.start();
		await environment.pod(team, 'db-0', asks);
		await environment.event(team, 'db-0', 'SecretSyncSuccess');
		const specOf = async () =>
			(await environment.core.readNamespacedPod({ namespace: team, name: 'db-0' })).spec;
		const before = await specOf();
		const annotations = { 'jasm.codnod.io/start': 'after-sync' };
		await environment.edit(team, 'pods/db-0', { metadata: { annotations } });
		await released(team, 'db-0');
		t.deepEqual(await gateOf(team, 'db-0'), { gated: false, start: undefined });
		t.deepEqual(await specOf(), before);
	},
);

test.serial('a pod whose gate a person removed first loses the annotation with the next sync', async t => {
	const environment = await startGateEnvironment(t, { embedded: true });
	const { gateOf, released } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	await environment.start();
	await environment.pod(team, 'db-0', asks, { start: 'after-sync' });
	await environment.event(team, 'db-0', 'WaitingForSecret');
	await environment.edit(team, 'pods/db-0', { spec: { schedulingGates: null } });
	t.deepEqual(await gateOf(team, 'db-0'), { gated: false, start: 'after-sync' });
	environment.secretsManager.put('/prod/db', { v: '1' });
	await released(team, 'db-0');
	t.is((await environment.secret(team, 'db')).data['v'], '1');
});

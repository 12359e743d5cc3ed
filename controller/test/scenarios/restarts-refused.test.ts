// Workloads that are left alone hear why, once; none is tried in a loop.
import test from 'ava';
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import {
	asking,
	POLICY,
	SENTINEL,
	startRestartEnvironment,
	type WorkloadKind,
} from '../helpers/environment/restart-environment.ts';
import { annotation } from '../helpers/environment/test-environment.ts';

const MINUTE = 60_000;

const BY_HAND: Readonly<Record<string, { kind: WorkloadKind; spec: object; why: RegExp }>> = {
	'a paused Deployment': {
		kind: 'Deployment',
		spec: { paused: true },
		why: /the Deployment is paused/,
	},
	'a StatefulSet whose pods are replaced by hand': {
		kind: 'StatefulSet',
		spec: { updateStrategy: { type: 'OnDelete' } },
		why: /its pods are replaced by hand \(updateStrategy OnDelete\)/,
	},
	'a DaemonSet whose pods are replaced by hand': {
		kind: 'DaemonSet',
		spec: { updateStrategy: { type: 'OnDelete' } },
		why: /its pods are replaced by hand \(updateStrategy OnDelete\)/,
	},
};

for (const [what, { kind, spec, why }] of Object.entries(BY_HAND)) {
	test.serial(`${what} is left alone and hears why once; its Secret is written all the same`, async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		const controller = await stage.start([team]);
		await stage.workload(team, 'web', { kind });
		await stage.holds(team, 'db', 'first');
		stage.api.update(kind, team, 'web', object => {
			object['spec'] = { ...(object['spec'] as object), ...spec };
		});
		const before = stage.generationOf(team, 'web', kind);
		await stage.clock.advance(MINUTE);
		const [pod] = stage.podsOf(team, 'web');
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.clock.advance(30 * MINUTE);
		t.is(stage.generationOf(team, 'web', kind), before);
		t.is(stage.podsOf(team, 'web')[0]?.uid, pod?.uid);
		const told = stage.environment.events(team).filter(({ reason }) => reason === 'RestartRefused');
		t.is(told.length, 1);
		t.regex(told[0]!.note, why);
		t.regex(told[0]!.note, /RESTART_REFUSED/);
		const refused = await controller.metric('jasm_restarts_total', { kind, outcome: 'refused' });
		t.true(refused >= 1 && refused <= 30, `${refused} tries in half an hour`);
	});
}

test.serial('a Deployment that is resumed is restarted then', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	await stage.start([team]);
	await stage.workload(team, 'web');
	await stage.holds(team, 'db', 'first');
	const pause = (paused: boolean) =>
		stage.api.update('Deployment', team, 'web', object => {
			object['spec'] = { ...(object['spec'] as object), paused };
		});
	pause(true);
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.clock.advance(10 * MINUTE);
	t.deepEqual(stage.restarts(), []);
	pause(false);
	await stage.rolledOut(team, 'web', 1);
	t.is(stage.restarts('web').length, 1);
});

test.serial(
	'pods of a Job, bare pods and pods of an unknown owner hear once that they are not restarted',
	async t => {
		const stage = await startRestartEnvironment(t);
		const team = await stage.namespace('team');
		stage.put('first', 'db');
		await stage.start([team]);
		const owners = {
			job: { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly', uid: 'u1', controller: true },
			rollout: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'canary-abc', uid: 'u2', controller: true },
			foreign: { apiVersion: 'example.com/v1', kind: 'StatefulSet', name: 'x', uid: 'u3', controller: true },
			bare: undefined,
		};
		for (const [name, owner] of Object.entries(owners)) {
			stage.api.create({
				kind: 'Pod',
				metadata: {
					name,
					namespace: team,
					annotations: { [ANNOTATION_KEY]: asking(['db']) },
					...(name === 'rollout' && { labels: { 'rollouts-pod-template-hash': 'abc' } }),
					...(owner && { ownerReferences: [owner] }),
				},
				spec: { containers: [{ name: 'app', image: 'app:1' }] },
			});
			const { type, note } = await stage.environment.event(team, name, 'RestartUnsupported');
			t.is(type, 'Warning');
			t.regex(note, /only Deployments, StatefulSets and DaemonSets are restarted/);
		}

		await stage.holds(team, 'db', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.clock.advance(15 * MINUTE);
		const told = stage.environment.events(team).filter(({ reason }) => reason === 'RestartUnsupported');
		t.is(told.length, 4);
		t.deepEqual(stage.restarts(), []);
	},
);

test.serial(
	'in a namespace that the operator did not list nothing is restarted, and the pod hears so',
	async t => {
		const stage = await startRestartEnvironment(t);
		const [team, other] = [await stage.namespace('team'), await stage.namespace('other')];
		stage.put('first', 'db');
		await stage.start([team]);
		await stage.workload(other, 'web');
		await stage.holds(other, 'db', 'first');
		const [pod] = stage.podsOf(other, 'web');
		t.regex(
			(await stage.environment.event(other, pod!.name, 'RestartUnsupported')).note,
			/restarts\.namespaces/,
		);
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.holds(other, 'db', 'second');
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(other, 'web'), 1);
		t.deepEqual(stage.restarts(), []);
	},
);

test.serial(
	'a pod that claims to belong to another workload does not restart one that does not ask for it itself',
	async t => {
		const stage = await startRestartEnvironment(t);
		const [team, other] = [await stage.namespace('team'), await stage.namespace('other')];
		stage.put('first', 'db', 'own');
		await stage.start([team, other]);
		await stage.workload(team, 'victim', { text: annotation({ path: '/prod/db', secretName: 'db' }) });
		await stage.workload(other, 'victim', { text: asking(['own']) });
		stage.api.create({
			kind: 'Pod',
			metadata: {
				name: 'forged',
				namespace: team,
				annotations: { [ANNOTATION_KEY]: asking(['db']) },
				labels: { 'pod-template-hash': 'abc' },
				ownerReferences: [
					{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'victim-abc', uid: 'forged', controller: true },
				],
			},
			spec: { containers: [{ name: 'app', image: 'app:1' }] },
		});
		await stage.holds(team, 'db', 'first');
		await stage.holds(other, 'own', 'first');
		await stage.clock.advance(MINUTE);
		stage.put('second', 'db');
		await stage.holds(team, 'db', 'second');
		await stage.clock.advance(15 * MINUTE);
		t.is(stage.generationOf(team, 'victim'), 1);
		t.is(stage.generationOf(other, 'victim'), 1, 'of the same name in another namespace');
		t.deepEqual(stage.restarts(), []);
		const { note } = await stage.environment.event(team, 'forged', 'RestartRefused');
		t.regex(note, /its pod template does not ask for restarts/);
	},
);

test.serial('a workload that is gone is not restarted, and is not tried again', async t => {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	stage.put('first', 'db');
	const controller = await stage.start([team]);
	stage.api.create({
		kind: 'Pod',
		metadata: {
			name: 'orphan',
			namespace: team,
			annotations: { [ANNOTATION_KEY]: asking(['db']) },
			ownerReferences: [
				{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'gone', uid: 'gone', controller: true },
			],
		},
		spec: { containers: [{ name: 'app', image: 'app:1' }] },
	});
	await stage.holds(team, 'db', 'first');
	await stage.clock.advance(MINUTE);
	stage.put('second', 'db');
	await stage.holds(team, 'db', 'second');
	await stage.clock.advance(15 * MINUTE);
	t.is(stage.api.requests.all.filter(({ verb, name }) => verb === 'patch' && name === 'gone').length, 1);
	t.is(await controller.metric('jasm_restarts_total', { outcome: 'missing' }), 1);
	t.is(await controller.metric('jasm_restarts_in_progress'), 0);
	t.is(await controller.metric('jasm_restarts_waiting'), 0);
});

for (const [what, [kind, namespace, name]] of Object.entries({
	policy: ['ValidatingAdmissionPolicy', '', POLICY],
	binding: ['ValidatingAdmissionPolicyBinding', '', POLICY],
	sentinel: ['Deployment', 'jasm', SENTINEL],
	right: ['RoleBinding', 'jasm', 'jasm-restart'],
} satisfies Readonly<Record<string, readonly [string, string, string]>>)) {
	test.serial(
		`without the ${what} of the installation nothing is restarted, and Secrets are written as ever`,
		async t => {
			const stage = await startRestartEnvironment(t);
			const team = await stage.namespace('team');
			stage.put('first', 'db');
			stage.api.delete(kind, namespace, name);
			const controller = await stage.start([team], {}, { wait: false });
			// The proof is tried for some seconds, because a policy acts some moments after it was created.
			await stage.clock.advance(10_000);
			await controller.ready();
			await stage.workload(team, 'web');
			await stage.holds(team, 'db', 'first');
			await stage.clock.advance(MINUTE);
			stage.put('second', 'db');
			await stage.holds(team, 'db', 'second');
			await stage.clock.advance(15 * MINUTE);
			t.is(stage.generationOf(team, 'web'), 1);
			t.deepEqual(stage.restarts('web'), []);
			const [pod] = stage.podsOf(team, 'web');
			const { note } = await stage.environment.event(team, pod!.name, 'RestartUnsupported');
			t.regex(note, /RESTART_GUARD_MISSING/);
			t.is(await controller.metric('jasm_restarts_off'), 1);
			const line = await controller.log.waitFor({ message: 'nothing is restarted' });
			t.regex(JSON.stringify(line), /RESTART_GUARD_MISSING/);
		},
	);
}

// Writes fail in every way they can: each pod hears of it, other keys go on, and what can mend itself does.
import test from 'ava';
import { answers, type FaultAnswer } from '../../testing/index.ts';
import { annotation, type Stage, startStage } from '../helpers/stage.ts';

const creates = { verb: 'create', resource: 'secrets' };
const writes = { verb: ['create', 'update'], resource: 'secrets' };
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** A pod that asks for a Secret of its own name. */
async function ask(stage: Stage, namespace: string, name: string): Promise<void> {
	stage.secretsManager.put(`/prod/${name}`, { name });
	await stage.pod(namespace, name, annotation({ path: `/prod/${name}`, secretName: name }));
}

const allWritten = (stage: Stage, namespace: string, all: readonly string[]) => () =>
	all.every(name => stage.world.secret(namespace, name)?.data['name'] === name);

test.serial(
	'without the right to create Secrets the pod hears verb and resource, and it mends by itself',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const rules = (change: (verbs: string[]) => string[]) =>
			stage.api.update('ClusterRole', '', 'jasm', role => {
				for (const rule of role['rules'] as { resources: string[]; verbs: string[] }[]) {
					if (rule.resources.includes('secrets')) {
						rule.verbs = change(rule.verbs);
					}
				}
			});
		rules(verbs => verbs.filter(verb => verb !== 'create'));
		await ask(stage, team, 'web');
		const { type, note } = await stage.event(team, 'web', 'SecretSyncFailed');
		t.is(type, 'Warning');
		t.regex(note, new RegExp(`JASM is not allowed to create secrets in namespace "${team}"`));
		t.true((await controller.metric('jasm_syncs_total', { outcome: 'KUBERNETES_FORBIDDEN' })) === 1);
		await stage.clock.advance(600_000);
		const tries = controller.log.count({ code: 'KUBERNETES_FORBIDDEN', secret: `${team}/web` });
		t.true(tries >= 3 && tries <= 8, `${tries} tries in ten minutes`);
		t.is(stage.events(team, 'web').length, 1);
		rules(verbs => ['create', ...verbs]);
		await stage.clock.runUntil(allWritten(stage, team, ['web']));
		await stage.event(team, 'web', 'SecretSyncSuccess');
		t.true(controller.running);
	},
);

/** An answer of the API server to a write, and what becomes of it. */
const REFUSALS: Readonly<Record<string, { answer: FaultAnswer; code: string; again: boolean }>> = {
	'a quota that is used up': {
		answer: {
			status: 403,
			reason: 'Forbidden',
			message: 'secrets "x" is forbidden: exceeded quota: q, requested: count/secrets=1',
		},
		code: 'SECRET_REJECTED',
		again: true,
	},
	'an admission webhook that says no': {
		answer: {
			status: 400,
			reason: 'BadRequest',
			message: 'admission webhook "w.example.com" denied the request: no',
		},
		code: 'SECRET_REJECTED',
		again: true,
	},
	"somebody else's admission policy": {
		answer: {
			status: 422,
			reason: 'Invalid',
			message:
				"secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'other' with binding 'other' denied request: no",
		},
		code: 'SECRET_REJECTED',
		again: true,
	},
	'a body that is too large for the API server': {
		answer: {
			status: 413,
			reason: 'RequestEntityTooLarge',
			message: 'Request entity too large: limit is 3145728',
		},
		code: 'SECRET_TOO_LARGE',
		again: false,
	},
	'an object that is too large for etcd': {
		answer: { status: 500, message: 'etcdserver: request is too large' },
		code: 'SECRET_TOO_LARGE',
		again: false,
	},
	'a validation that nobody knows yet': {
		answer: {
			status: 422,
			reason: 'Invalid',
			message: 'Secret "x" is invalid: data[PASSWORD-hunter2]: Invalid value',
		},
		code: 'SECRET_REJECTED',
		again: true,
	},
};

test.serial(
	'a write that the cluster refuses is told to the pod, never quotes the answer, and is not repeated hot',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		for (const [index, [title, { answer, code, again }]] of Object.entries(REFUSALS).entries()) {
			const name = `web-${index}`;
			const rule = stage.api.faults.inject(
				{ ...creates, namespace: team },
				{ answer },
				Number.POSITIVE_INFINITY,
			);
			await ask(stage, team, name);
			const { note } = await stage.event(team, name, 'SecretSyncFailed');
			t.true(note.includes(code), `${title}: ${note}`);
			t.false(note.includes('hunter2') || note.includes('requested:'), title);
			await stage.clock.advance(120_000);
			t.is(rule.hits > 1, again, `${title}: ${rule.hits} tries in two minutes`);
			t.true(rule.hits <= 6, `${title}: ${rule.hits} tries in two minutes`);
			t.is(stage.events(team, name).length, 1, title);
			rule.remove();
			if (again) {
				await stage.clock.runUntil(allWritten(stage, team, [name]));
			}
		}

		t.false(controller.log.text.some(line => line.includes('hunter2')));
	},
);

for (const [title, answer] of [
	[
		'is being deleted',
		{
			status: 403,
			reason: 'Forbidden',
			details: { causes: [{ reason: 'NamespaceTerminating', message: 'it is being terminated' }] },
		},
	],
	[
		'is gone',
		{
			status: 404,
			reason: 'NotFound',
			message: 'namespaces "team" not found',
			details: { name: 'team', kind: 'namespaces' },
		},
	],
] as [string, FaultAnswer][]) {
	test.serial(`a key whose namespace ${title} is dropped without a word to anybody`, async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const rule = stage.api.faults.inject(
			{ ...writes, namespace: team },
			{ answer },
			Number.POSITIVE_INFINITY,
		);
		await ask(stage, team, 'web');
		await controller.log.waitFor({ code: 'NAMESPACE_GONE', secret: `${team}/web` });
		await stage.clock.advance(600_000);
		t.is(rule.hits, 1);
		t.is(stage.events(team).length, 0);
		t.is(await controller.metric('jasm_workqueue_depth'), 0);
	});
}

test.serial('a storm of 429 slows the keys it meets and nobody else, without a hot loop', async t => {
	const stage = await startStage(t, { virtualTime: true });
	await stage.start();
	const team = await stage.namespace('team');
	const all = names('web', 40);
	let request = 0;
	const storm = stage.api.faults.inject(
		({ resource, verb }) =>
			resource === 'secrets' && ['create', 'update'].includes(verb) && ++request % 3 === 0,
		{ answer: answers.tooManyRequests(1) },
		Number.POSITIVE_INFINITY,
	);
	await Promise.all(all.map(name => ask(stage, team, name)));
	const took = await stage.clock.runUntil(allWritten(stage, team, all));
	t.true(took >= 1_000, 'Retry-After is a floor');
	t.true(storm.hits >= 13);
	const attempts = stage.api.requests.count({ ...writes, namespace: team });
	t.true(attempts <= 2 * all.length, `${attempts} writes for ${all.length} Secrets`);
});

test.serial(
	'answers of 5xx, resets and answers that never come are outlived, and every Secret is whole',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		for (const [index, fault] of [
			{ answer: answers.internalError },
			{ answer: answers.unavailable },
			{ drop: 'before' },
			{ drop: 'after' },
			{ hang: true },
			{ cutAfterBytes: 20 },
		].entries()) {
			const name = `web-${index}`;
			stage.api.faults.inject({ ...creates, namespace: team }, fault as object);
			await ask(stage, team, name);
			await stage.clock.runUntil(allWritten(stage, team, [name]), { maxMs: 30_000 });
			await stage.clock.advance(1_000);
			t.is(stage.events(team, name).at(-1)?.reason, 'SecretSyncSuccess', `fault ${index}`);
		}

		t.is(controller.log.count({ level: 'error' }), 0);
	},
);

test.serial(
	'a write whose answer was lost meets its own Secret and is a success, not a conflict',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const versions = stage.versions(team, 'web');
		stage.api.faults.inject({ ...creates, namespace: team }, { drop: 'after' });
		await ask(stage, team, 'web');
		await stage.event(team, 'web', 'SecretSyncSuccess');
		t.is(versions.length, 1);
		t.is(controller.log.count({ message: 'secret not synced' }), 0);
	},
);

test.serial(
	'connections that are told to go away or break in the middle of a burst cost no Secret',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		await stage.start();
		const team = await stage.namespace('team');
		for (const [index, disturb] of [
			() => stage.api.faults.goAway(),
			() => stage.api.faults.dropConnections(),
		].entries()) {
			const all = names(`web-${index}`, 30);
			for (const name of all) {
				stage.secretsManager.put(`/prod/${name}`, { name });
			}

			stage.api.requests.clear();
			const disturbed = stage.api.requests
				.waitFor({ ...creates, namespace: team }, { count: 5 })
				.then(disturb);
			for (const name of all) {
				const annotations = {
					'jasm.codnod.io/secret-sync': annotation({ path: `/prod/${name}`, secretName: name }),
				};
				stage.api.create({
					kind: 'Pod',
					metadata: { namespace: team, name, annotations },
					spec: { containers: [{ name: 'c', image: 'i' }] },
				});
			}

			await disturbed;
			await stage.clock.runUntil(allWritten(stage, team, all), { maxMs: 30_000 });
		}

		t.pass();
	},
);

test.serial(
	'a burst of a hundred distinct secrets goes over one connection, sixty-four at a time',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		await stage.start();
		const team = await stage.namespace('team');
		const all = names('web', 100);
		for (const name of all) {
			stage.secretsManager.put(`/prod/${name}`, { name });
		}

		stage.api.seed(
			'Pod',
			all.map(name => ({
				metadata: {
					namespace: team,
					name,
					annotations: {
						'jasm.codnod.io/secret-sync': annotation({ path: `/prod/${name}`, secretName: name }),
					},
				},
			})),
		);
		await stage.clock.runUntil(allWritten(stage, team, all));
		const sent = stage.api.requests.filter({ ...writes, namespace: team });
		t.is(sent.length, 100);
		t.is(new Set(sent.map(({ connection }) => connection)).size, 1);
		const inFlight = sent.map(
			({ receivedAt }) =>
				sent.filter(other => other.receivedAt <= receivedAt && other.answeredAt! > receivedAt).length,
		);
		t.true(Math.max(...inFlight) <= 64);
	},
);

for (const [title, fault] of [
	['answers 500', { answer: answers.internalError }],
	['never answers', { hang: true }],
] as const) {
	test.serial(`an events API that ${title} holds up no sync`, async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		stage.api.faults.inject({ resource: 'events' }, fault, Number.POSITIVE_INFINITY);
		const all = names('web', 80);
		await Promise.all(all.map(name => ask(stage, team, name)));
		t.true((await stage.clock.runUntil(allWritten(stage, team, all))) <= 1_000);
		await stage.clock.advance(120_000);
		t.is(stage.secretsManager.count('GetSecretValue'), all.length, 'no sync is repeated for an Event');
		t.true((await controller.metric('jasm_events_total', { outcome: 'failed' })) > 0);
		t.is((await controller.probe('/readyz')).status, 200);
	});
}

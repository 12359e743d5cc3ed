// Writes that the cluster refuses: reported to the pod in our words, retried where a person can mend them, never hot.
import test from 'ava';
import type { FaultAnswer } from '../../testing/index.ts';
import { startEnvironment } from '../helpers/environment/test-environment.ts';

const creates = { verb: 'create', resource: 'secrets' };
const writes = { verb: ['create', 'update'], resource: 'secrets' };

test.serial(
	'without the right to create Secrets the pod hears verb and resource, and it mends by itself',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const rules = (change: (verbs: string[]) => string[]) =>
			environment.api.update('ClusterRole', '', 'jasm', role => {
				for (const rule of role['rules'] as { resources: string[]; verbs: string[] }[]) {
					if (rule.resources.includes('secrets')) {
						rule.verbs = change(rule.verbs);
					}
				}
			});
		rules(verbs => verbs.filter(verb => verb !== 'create'));
		await environment.ask(team, 'web');
		const { type, note } = await environment.event(team, 'web', 'SecretSyncFailed');
		t.is(type, 'Warning');
		t.regex(note, new RegExp(`JASM is not allowed to create secrets in namespace "${team}"`));
		t.true((await controller.metric('jasm_syncs_total', { outcome: 'KUBERNETES_FORBIDDEN' })) === 1);
		await environment.clock.advance(600_000);
		const tries = controller.log.count({ code: 'KUBERNETES_FORBIDDEN', secret: `${team}/web` });
		t.true(tries >= 3 && tries <= 8, `${tries} tries in ten minutes`);
		t.is(environment.events(team, 'web').length, 1);
		rules(verbs => ['create', ...verbs]);
		await environment.clock.runUntil(() => environment.world.secret(team, 'web') !== undefined);
		await environment.event(team, 'web', 'SecretSyncSuccess');
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
	'another admission policy': {
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
		again: true,
	},
	'an object that is too large for etcd': {
		answer: { status: 500, message: 'etcdserver: request is too large' },
		code: 'SECRET_TOO_LARGE',
		again: true,
	},
	'a validation that is not known yet': {
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
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		for (const [index, [title, { answer, code, again }]] of Object.entries(REFUSALS).entries()) {
			const name = `web-${index}`;
			const rule = environment.api.faults.inject(
				{ ...creates, namespace: team },
				{ answer },
				Number.POSITIVE_INFINITY,
			);
			await environment.ask(team, name);
			const { note } = await environment.event(team, name, 'SecretSyncFailed');
			t.true(note.includes(code), `${title}: ${note}`);
			t.false(note.includes('hunter2') || note.includes('requested:'), title);
			await environment.clock.advance(120_000);
			t.is(rule.hits > 1, again, `${title}: ${rule.hits} tries in two minutes`);
			t.true(rule.hits <= 6, `${title}: ${rule.hits} tries in two minutes`);
			t.is(environment.events(team, name).length, 1, title);
			rule.remove();
			if (again) {
				await environment.clock.runUntil(() => environment.world.secret(team, name) !== undefined);
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
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const rule = environment.api.faults.inject(
			{ ...writes, namespace: team },
			{ answer },
			Number.POSITIVE_INFINITY,
		);
		await environment.ask(team, 'web');
		await controller.log.waitFor({ code: 'NAMESPACE_GONE', secret: `${team}/web` });
		await environment.clock.advance(600_000);
		t.is(rule.hits, 1);
		t.is(environment.events(team).length, 0);
		t.is(await controller.metric('jasm_workqueue_depth'), 0);
	});
}

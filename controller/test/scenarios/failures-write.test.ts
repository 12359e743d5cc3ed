// Writes fail in every way they can: each pod hears of it, other keys go on, and what can mend itself does.
import test from 'ava';
import { answers } from '../../testing/index.ts';
import {
	annotation,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';

const creates = { verb: 'create', resource: 'secrets' };
const writes = { verb: ['create', 'update'], resource: 'secrets' };
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

const allWritten = (environment: TestEnvironment, namespace: string, all: readonly string[]) => () =>
	all.every(name => environment.world.secret(namespace, name)?.data['name'] === name);

test.serial('a storm of 429 slows only the keys that it meets, without a hot loop', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	await environment.start();
	const team = await environment.namespace('team');
	const all = names('web', 40);
	let request = 0;
	const storm = environment.api.faults.inject(
		({ resource, verb }) =>
			resource === 'secrets' && ['create', 'update'].includes(verb) && ++request % 3 === 0,
		{ answer: answers.tooManyRequests(1) },
		Number.POSITIVE_INFINITY,
	);
	await environment.each(all, name => environment.ask(team, name));
	const took = await environment.clock.runUntil(allWritten(environment, team, all));
	t.true(took >= 1_000, 'Retry-After is a floor');
	t.true(storm.hits >= 13);
	const attempts = environment.api.requests.count({ ...writes, namespace: team });
	t.true(attempts <= 2 * all.length, `${attempts} writes for ${all.length} Secrets`);
});

test.serial(
	'answers of 5xx, resets and answers that never come are outlived, and every Secret is whole',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		for (const [index, fault] of [
			{ answer: answers.internalError },
			{ answer: answers.unavailable },
			{ drop: 'before' },
			{ drop: 'after' },
			{ hang: true },
			{ cutAfterBytes: 20 },
		].entries()) {
			const name = `web-${index}`;
			environment.api.faults.inject({ ...creates, namespace: team }, fault as object);
			await environment.ask(team, name);
			await environment.clock.runUntil(allWritten(environment, team, [name]), { maxMs: 30_000 });
			await environment.clock.advance(1_000);
			t.is(environment.events(team, name).at(-1)?.reason, 'SecretSyncSuccess', `fault ${index}`);
		}

		t.is(controller.log.count({ level: 'error' }), 0);
	},
);

test.serial(
	'after ten minutes in which no write was taken all of them come within forty seconds of its end',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const all = names('web', 20);
		let down = true;
		environment.api.faults.inject(
			({ resource, verb }) => down && resource === 'secrets' && writes.verb.includes(verb),
			{ answer: answers.unavailable },
			Number.POSITIVE_INFINITY,
		);
		await environment.each(all, name => environment.ask(team, name));
		await controller.log.waitFor({ code: 'KUBERNETES_UNAVAILABLE' }, all.length);
		await environment.clock.advance(600_000);
		down = false;
		const took = await environment.clock.runUntil(allWritten(environment, team, all), { maxMs: 60_000 });
		t.true(took <= 40_000, `${took} ms`);
	},
);

test.serial(
	'a write whose answer was lost meets its own Secret and is a success, not a conflict',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		const versions = environment.versions(team, 'web');
		environment.api.faults.inject({ ...creates, namespace: team }, { drop: 'after' });
		await environment.ask(team, 'web');
		await environment.event(team, 'web', 'SecretSyncSuccess');
		t.is(versions.length, 1);
		t.is(controller.log.count({ message: 'secret not synced' }), 0);
	},
);

test.serial(
	'connections that are told to go away or break in the middle of a burst cost no Secret',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		await environment.start();
		const team = await environment.namespace('team');
		for (const [index, disturb] of [
			() => environment.api.faults.goAway(),
			() => environment.api.faults.dropConnections(),
		].entries()) {
			const all = names(`web-${index}`, 30);
			for (const name of all) {
				environment.secretsManager.put(`/prod/${name}`, { name });
			}

			environment.api.requests.clear();
			const disturbed = environment.api.requests
				.waitFor({ ...creates, namespace: team }, { count: 5 })
				.then(disturb);
			for (const name of all) {
				const annotations = {
					'jasm.codnod.io/secret-sync': annotation({ path: `/prod/${name}`, secretName: name }),
				};
				environment.api.create({
					kind: 'Pod',
					metadata: { namespace: team, name, annotations },
					spec: { containers: [{ name: 'c', image: 'i' }] },
				});
			}

			await disturbed;
			await environment.clock.runUntil(allWritten(environment, team, all), { maxMs: 30_000 });
		}

		t.pass();
	},
);

test.serial(
	'a burst of a hundred distinct secrets goes over one connection, sixty-four at a time',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		await environment.start();
		const team = await environment.namespace('team');
		const all = names('web', 100);
		for (const name of all) {
			environment.secretsManager.put(`/prod/${name}`, { name });
		}

		environment.api.seed(
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
		await environment.clock.runUntil(allWritten(environment, team, all));
		const sent = environment.api.requests.filter({ ...writes, namespace: team });
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
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		environment.api.faults.inject({ resource: 'events' }, fault, Number.POSITIVE_INFINITY);
		const all = names('web', 80);
		await environment.each(all, name => environment.ask(team, name));
		t.true((await environment.clock.runUntil(allWritten(environment, team, all))) <= 1_000);
		await environment.clock.advance(120_000);
		t.is(environment.secretsManager.count('GetSecretValue'), all.length, 'no sync is repeated for an Event');
		t.true((await controller.metric('jasm_events_total', { outcome: 'failed' })) > 0);
		t.is((await controller.probe('/readyz')).status, 200);
	});
}

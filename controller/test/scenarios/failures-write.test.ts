// Writes fail in every way they can: each pod hears of it, other keys go on, and what can mend itself does.
import test from 'ava';
import { answers } from '../../testing/index.ts';
import { annotation, type Stage, startStage } from '../helpers/stage.ts';

const creates = { verb: 'create', resource: 'secrets' };
const writes = { verb: ['create', 'update'], resource: 'secrets' };
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

const allWritten = (stage: Stage, namespace: string, all: readonly string[]) => () =>
	all.every(name => stage.world.secret(namespace, name)?.data['name'] === name);

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
	await stage.each(all, name => stage.ask(team, name));
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
			await stage.ask(team, name);
			await stage.clock.runUntil(allWritten(stage, team, [name]), { maxMs: 30_000 });
			await stage.clock.advance(1_000);
			t.is(stage.events(team, name).at(-1)?.reason, 'SecretSyncSuccess', `fault ${index}`);
		}

		t.is(controller.log.count({ level: 'error' }), 0);
	},
);

test.serial(
	'after ten minutes in which no write was taken all of them come within forty seconds of its end',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		const all = names('web', 20);
		let down = true;
		stage.api.faults.inject(
			({ resource, verb }) => down && resource === 'secrets' && writes.verb.includes(verb),
			{ answer: answers.unavailable },
			Number.POSITIVE_INFINITY,
		);
		await stage.each(all, name => stage.ask(team, name));
		await controller.log.waitFor({ code: 'KUBERNETES_UNAVAILABLE' }, all.length);
		await stage.clock.advance(600_000);
		down = false;
		const took = await stage.clock.runUntil(allWritten(stage, team, all), { maxMs: 60_000 });
		t.true(took <= 40_000, `${took} ms`);
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
		await stage.ask(team, 'web');
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
		await stage.each(all, name => stage.ask(team, name));
		t.true((await stage.clock.runUntil(allWritten(stage, team, all))) <= 1_000);
		await stage.clock.advance(120_000);
		t.is(stage.secretsManager.count('GetSecretValue'), all.length, 'no sync is repeated for an Event');
		t.true((await controller.metric('jasm_events_total', { outcome: 'failed' })) > 0);
		t.is((await controller.probe('/readyz')).status, 200);
	});
}

// The watch of pods fails in every way it can: no pod is missed, nothing is read twice, and it is over in time.
import test, { type ExecutionContext } from 'ava';
import { answers } from '../../testing/index.ts';
import { type Stage, type StageOptions, startStage } from '../helpers/stage.ts';

const pods = { resource: 'pods', verb: 'watch' };

/** A stage in virtual time with one pod that was served: `kept` in namespace `team`. */
async function startServed(t: ExecutionContext, options: StageOptions = {}) {
	const stage = await startStage(t, { virtualTime: true, ...options });
	const team = await stage.namespace('team');
	const controller = await stage.start();
	await stage.ask(team, 'kept');
	await stage.event(team, 'kept', 'SecretSyncSuccess');
	return { stage, team, controller };
}

/** Moves time until the Secret of this name is there; the virtual milliseconds that took. */
const until = (stage: Stage, namespace: string, name: string, maxMs = 60_000): Promise<number> =>
	stage.clock.runUntil(() => stage.world.secret(namespace, name) !== undefined, { maxMs });

const reads = (stage: Stage, name: string): number =>
	stage.secretsManager.count('GetSecretValue', `/prod/${name}`);

test.serial('a watch that the server closes is resumed at once: nothing is listed or read again', async t => {
	const { stage, team } = await startServed(t);
	stage.api.requests.clear();
	stage.api.faults.endWatches();
	await stage.ask(team, 'in-the-gap');
	t.true((await until(stage, team, 'in-the-gap')) <= 100);
	t.is(stage.api.requests.count({ resource: 'pods', verb: 'list' }), 0);
	const reopened = stage.api.requests.filter(pods);
	t.is(reopened.length, 1);
	t.truthy(reopened[0]!.query['resourceVersion']);
	t.is(reopened[0]!.query['sendInitialEvents'], undefined);
	t.is(reads(stage, 'kept'), 1);
});

test.serial('a connection that breaks in the middle of a line loses no pod', async t => {
	const { stage, team } = await startServed(t);
	for (const bytes of [0, 1, 17, 200, 600, 1_000]) {
		stage.api.faults.cutWatches(bytes);
		await stage.ask(team, `cut-at-${bytes}`);
		t.true((await until(stage, team, `cut-at-${bytes}`)) <= 60_000);
	}

	t.is(reads(stage, 'kept'), 1);
});

for (const [form, expire] of [
	['at the connection', (stage: Stage) => stage.api.faults.endWatches()],
	['as an event of the stream', (stage: Stage) => stage.api.faults.failWatches(answers.expired)],
] as const) {
	test.serial(
		`history that is expired ${form} is made up for by one list that reads nothing again`,
		async t => {
			const { stage, team, controller } = await startServed(t);
			await stage.ask(team, 'goes');
			await stage.event(team, 'goes', 'SecretSyncSuccess');
			stage.api.faults.stallWatches();
			await stage.ask(team, 'comes');
			stage.api.delete('Pod', team, 'goes');
			stage.api.faults.expireHistory();
			expire(stage);
			stage.api.faults.resumeWatches();
			t.true((await until(stage, team, 'comes')) <= 500);
			t.is(reads(stage, 'kept') + reads(stage, 'goes'), 2);
			await stage.clock.settle();
			t.is(await controller.metric('jasm_tracked_pods'), 2);
			t.is(await controller.metric('jasm_requested_secrets'), 2);
		},
	);
}

test.serial(
	'a server that is behind the version it is asked for is waited for, and nothing goes back in time',
	async t => {
		const { stage, team } = await startServed(t);
		stage.api.faults.inject(pods, { answer: answers.versionTooLarge }, 2);
		stage.api.faults.endWatches();
		await stage.ask(team, 'later');
		const took = await until(stage, team, 'later');
		t.true(took >= 800 && took <= 10_000, `${took} ms`);
		t.is(reads(stage, 'kept'), 1);
	},
);

for (const watchList of ['off', 'unknown'] as const) {
	test.serial(
		`a server whose WatchList is ${watchList} is listed in pages instead, and asked for it once`,
		async t => {
			const { stage, team, controller } = await startServed(t, { server: { watchList } });
			stage.api.faults.failWatches(answers.expired);
			await stage.ask(team, 'later');
			await until(stage, team, 'later');
			const watchLists = stage.api.requests.filter(({ query }) => query['sendInitialEvents'] !== undefined);
			t.is(watchLists.length, 1);
			t.is(watchLists[0]!.status, 422);
			t.is(stage.api.requests.count({ resource: 'pods', verb: 'list' }), 2);
			t.is(controller.log.count({ message: 'the API server has no WatchList: listing in pages instead' }), 1);
			t.is(reads(stage, 'kept'), 1);
		},
	);
}

test.serial('a list whose pages expire half way begins anew and misses nobody', async t => {
	const stage = await startStage(t, { virtualTime: true, server: { watchList: 'unknown' } });
	const team = await stage.namespace('team');
	const crowd = Array.from({ length: 1_200 }, (_, index) => ({
		metadata: { namespace: 'crowd', name: `p-${index}` },
	}));
	stage.api.seed('Pod', crowd);
	await stage.ask(team, 'served');
	let page = 0;
	const rule = stage.api.faults.inject(
		({ resource, verb, query }) =>
			resource === 'pods' && verb === 'list' && !!query['continue'] && ++page === 2,
		{ answer: answers.expired },
	);
	const controller = await stage.start();
	await until(stage, team, 'served');
	t.is(rule.hits, 1);
	t.is(await controller.metric('jasm_tracked_pods'), 1);
	t.is((await controller.probe('/readyz')).status, 200);
});

test.serial(
	'a server that is alive but silent is given up after 70 s, and readiness and liveness tell in time',
	async t => {
		const { stage, team, controller } = await startServed(t);
		stage.api.faults.stallWatches();
		await stage.ask(team, 'later');
		await stage.clock.advance(60_000);
		t.is(stage.world.secret(team, 'later'), undefined);
		t.is((await controller.probe('/readyz')).status, 200);
		stage.api.faults.resumeWatches();
		t.true((await until(stage, team, 'later')) <= 10_000);
		await stage.clock.advance(1_000);

		// Silent from here on, at every try.
		stage.api.faults.stallWatches();
		await stage.clock.advance(150_000);
		const { status, text } = await controller.probe('/readyz');
		t.is(status, 503);
		t.is(text, 'the watch of pods is stale\n');
		t.is((await controller.probe('/livez')).status, 200, 'a dead API server is no reason to be killed');
		stage.api.faults.resumeWatches();
		await stage.clock.runUntil(async () => (await controller.probe('/readyz')).status === 200, {
			maxMs: 70_000,
		});
		t.is(reads(stage, 'kept'), 1);
	},
);

test.serial(
	'an API server that restarts is back within 2 s of its first good answer; Retry-After is a floor',
	async t => {
		const { stage, team, controller } = await startServed(t);
		await stage.api.faults.refuseConnections();
		await stage.clock.advance(10_000);
		await stage.api.faults.acceptConnections();
		const busy = stage.api.faults.inject(
			{},
			{ answer: answers.tooManyRequests(5) },
			Number.POSITIVE_INFINITY,
		);
		await stage.clock.runUntil(() => busy.hits > 0);
		const hits = busy.hits;
		await stage.clock.advance(4_900);
		t.is(busy.hits, hits, 'nobody asks again before the time that the server named');
		busy.remove();
		await stage.ask(team, 'later');
		t.true((await until(stage, team, 'later', 10_000)) <= 2_000);
		t.is(reads(stage, 'kept'), 1);
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

test.serial(
	'without the right to watch pods the controller is not ready, says which verb it lacks, and waits',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const team = await stage.namespace('team');
		const binding = stage.api.get('ClusterRoleBinding', '', 'jasm');
		stage.api.delete('ClusterRoleBinding', '', 'jasm');
		const controller = await stage.start({
			wait: false,
			argv: ['--allow-unguarded'],
			config: { profile: 'self-heal' },
		});
		const line = await controller.log.waitFor({ level: 'warn', message: 'the watch broke off' });
		t.is(line.error!.code, 'KUBERNETES_FORBIDDEN');
		t.regex(line.error!.message!, /not allowed to watch (pods|secrets)/);
		t.is((await controller.probe('/readyz')).status, 503);
		t.is((await controller.probe('/livez')).status, 200);
		const asked = stage.api.requests.count(pods);
		await stage.clock.advance(25_000);
		t.is(stage.api.requests.count(pods), asked, 'the next try is after 30 s');
		await stage.ask(team, 'served');
		stage.api.create({ ...binding, metadata: { name: 'jasm' } });
		stage.api.update('ClusterRole', '', 'jasm', role => {
			const rules = role['rules'] as { resources: string[]; verbs: string[] }[];
			rules.find(({ resources }) => resources.includes('secrets'))!.verbs.push('get', 'list', 'watch');
		});
		await until(stage, team, 'served');
		t.true(controller.running);
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

test.serial(
	'lines that are no events, longer than any event or of unknown meaning end a stream, never the controller',
	async t => {
		const { stage, team, controller } = await startServed(t);
		const lines = [
			'{"type":"ADDED","obj\n',
			'\ufeff{"type":"BOOKMARK"}\n',
			'<html>proxy error</html>\n',
			'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}}\n',
			'{"type":"ADDED","object":{"metadata":{"name":"no-uid"}}}\n',
			`{"type":"ADDED","object":{"metadata":{"name":"${'x'.repeat(5 * 1024 * 1024)}"}}}\n`,
			'\r\n',
		];
		for (const [index, line] of lines.entries()) {
			stage.api.faults.injectLine(line);
			await stage.ask(team, `after-${index}`);
			await until(stage, team, `after-${index}`);
		}

		t.true(controller.running);
		t.is(reads(stage, 'kept'), 1);
		t.is(controller.log.count({ level: 'fatal' }) + controller.log.count({ level: 'error' }), 0);
	},
);

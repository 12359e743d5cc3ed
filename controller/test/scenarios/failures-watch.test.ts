// The watch of pods fails in every way it can: no pod is missed, nothing is read twice, and it is over in time.
import test, { type ExecutionContext } from 'ava';
import { answers } from '../../testing/index.ts';
import {
	startEnvironment,
	type TestEnvironment,
	type TestEnvironmentOptions,
} from '../helpers/environment/test-environment.ts';

const pods = { resource: 'pods', verb: 'watch' };

/** A stage in virtual time with one pod that was served: `kept` in namespace `team`. */
async function startServed(t: ExecutionContext, options: TestEnvironmentOptions = {}) {
	const environment = await startEnvironment(t, { virtualTime: true, ...options });
	const team = await environment.namespace('team');
	const controller = await environment.start();
	await environment.ask(team, 'kept');
	await environment.event(team, 'kept', 'SecretSyncSuccess');
	return { environment, team, controller };
}

/** Moves time until the Secret of this name is there; the virtual milliseconds that took. */
const until = (
	environment: TestEnvironment,
	namespace: string,
	name: string,
	maxMs = 60_000,
): Promise<number> =>
	environment.clock.runUntil(() => environment.world.secret(namespace, name) !== undefined, { maxMs });

const reads = (environment: TestEnvironment, name: string): number =>
	environment.secretsManager.count('GetSecretValue', `/prod/${name}`);

test.serial('a watch that the server closes is resumed at once: nothing is listed or read again', async t => {
	const { environment, team } = await startServed(t);
	environment.api.requests.clear();
	environment.api.faults.endWatches();
	await environment.ask(team, 'in-the-gap');
	t.true((await until(environment, team, 'in-the-gap')) <= 100);
	t.is(environment.api.requests.count({ resource: 'pods', verb: 'list' }), 0);
	const reopened = environment.api.requests.filter(pods);
	t.is(reopened.length, 1);
	t.truthy(reopened[0]!.query['resourceVersion']);
	t.is(reopened[0]!.query['sendInitialEvents'], undefined);
	t.is(reads(environment, 'kept'), 1);
});

test.serial('a connection that breaks in the middle of a line loses no pod', async t => {
	const { environment, team } = await startServed(t);
	for (const bytes of [0, 1, 17, 200, 600, 1_000]) {
		environment.api.faults.cutWatches(bytes);
		await environment.ask(team, `cut-at-${bytes}`);
		t.true((await until(environment, team, `cut-at-${bytes}`)) <= 60_000);
	}

	t.is(reads(environment, 'kept'), 1);
});

for (const [form, expire] of [
	['at the connection', (environment: TestEnvironment) => environment.api.faults.endWatches()],
	[
		'as an event of the stream',
		(environment: TestEnvironment) => environment.api.faults.failWatches(answers.expired),
	],
] as const) {
	test.serial(
		`history that is expired ${form} is made up for by one list that reads nothing again`,
		async t => {
			const { environment, team, controller } = await startServed(t);
			await environment.ask(team, 'goes');
			await environment.event(team, 'goes', 'SecretSyncSuccess');
			environment.api.faults.stallWatches();
			await environment.ask(team, 'comes');
			environment.api.delete('Pod', team, 'goes');
			environment.api.faults.expireHistory();
			expire(environment);
			environment.api.faults.resumeWatches();
			t.true((await until(environment, team, 'comes')) <= 500);
			t.is(reads(environment, 'kept') + reads(environment, 'goes'), 2);
			await environment.clock.settle();
			t.is(await controller.metric('jasm_tracked_pods'), 2);
			t.is(await controller.metric('jasm_requested_secrets'), 2);
		},
	);
}

test.serial(
	'a server that is behind the version it is asked for is waited for, and nothing goes back in time',
	async t => {
		const { environment, team } = await startServed(t);
		environment.api.faults.inject(pods, { answer: answers.versionTooLarge }, 2);
		environment.api.faults.endWatches();
		await environment.ask(team, 'later');
		const took = await until(environment, team, 'later');
		t.true(took >= 800 && took <= 10_000, `${took} ms`);
		t.is(reads(environment, 'kept'), 1);
	},
);

for (const watchList of ['off', 'unknown'] as const) {
	test.serial(
		`a server whose WatchList is ${watchList} is listed in pages instead, and asked for it once`,
		async t => {
			const { environment, team, controller } = await startServed(t, { server: { watchList } });
			environment.api.faults.failWatches(answers.expired);
			await environment.ask(team, 'later');
			await until(environment, team, 'later');
			const watchLists = environment.api.requests.filter(
				({ query }) => query['sendInitialEvents'] !== undefined,
			);
			t.is(watchLists.length, 1);
			t.is(watchLists[0]!.status, 422);
			t.is(environment.api.requests.count({ resource: 'pods', verb: 'list' }), 2);
			t.is(controller.log.count({ message: 'the API server has no WatchList: listing in pages instead' }), 1);
			t.is(reads(environment, 'kept'), 1);
		},
	);
}

test.serial('a list whose pages expire half way starts again and misses no pod', async t => {
	const environment = await startEnvironment(t, { virtualTime: true, server: { watchList: 'unknown' } });
	const team = await environment.namespace('team');
	const crowd = Array.from({ length: 1_200 }, (_, index) => ({
		metadata: { namespace: 'crowd', name: `p-${index}` },
	}));
	environment.api.seed('Pod', crowd);
	await environment.ask(team, 'served');
	let page = 0;
	const rule = environment.api.faults.inject(
		({ resource, verb, query }) =>
			resource === 'pods' && verb === 'list' && !!query['continue'] && ++page === 2,
		{ answer: answers.expired },
	);
	const controller = await environment.start();
	await until(environment, team, 'served');
	t.is(rule.hits, 1);
	t.is(await controller.metric('jasm_tracked_pods'), 1);
	t.is((await controller.probe('/readyz')).status, 200);
});

test.serial(
	'a server that is alive but silent is given up after 70 s, and readiness and liveness tell in time',
	async t => {
		const { environment, team, controller } = await startServed(t);
		environment.api.faults.stallWatches();
		await environment.ask(team, 'later');
		await environment.clock.advance(60_000);
		t.is(environment.world.secret(team, 'later'), undefined);
		t.is((await controller.probe('/readyz')).status, 200);
		environment.api.faults.resumeWatches();
		t.true((await until(environment, team, 'later')) <= 10_000);
		await environment.clock.advance(1_000);

		// Silent from here on, at every try.
		environment.api.faults.stallWatches();
		await environment.clock.advance(150_000);
		const { status, text } = await controller.probe('/readyz');
		t.is(status, 503);
		t.is(text, 'the watch of pods is stale\n');
		t.is((await controller.probe('/livez')).status, 200, 'a dead API server is no reason to be killed');
		environment.api.faults.resumeWatches();
		await environment.clock.runUntil(async () => (await controller.probe('/readyz')).status === 200, {
			maxMs: 70_000,
		});
		t.is(reads(environment, 'kept'), 1);
	},
);

test.serial(
	'an API server that restarts is back within 2 s of its first good answer; Retry-After is a floor',
	async t => {
		const { environment, team, controller } = await startServed(t);
		await environment.api.faults.refuseConnections();
		await environment.clock.advance(10_000);
		await environment.api.faults.acceptConnections();
		const busy = environment.api.faults.inject(
			{},
			{ answer: answers.tooManyRequests(5) },
			Number.POSITIVE_INFINITY,
		);
		await environment.clock.runUntil(() => busy.hits > 0);
		const hits = busy.hits;
		await environment.clock.advance(4_900);
		t.is(busy.hits, hits, 'no request goes out before the time that the server named');
		busy.remove();
		await environment.ask(team, 'later');
		t.true((await until(environment, team, 'later', 10_000)) <= 2_000);
		t.is(reads(environment, 'kept'), 1);
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

test.serial(
	'without the right to watch pods the controller is not ready, says which verb it lacks, and waits',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const team = await environment.namespace('team');
		const binding = environment.api.get('ClusterRoleBinding', '', 'jasm');
		environment.api.delete('ClusterRoleBinding', '', 'jasm');
		const controller = await environment.start({
			wait: false,
			argv: ['--allow-unguarded'],
			config: { profile: 'self-heal' },
		});
		const line = await controller.log.waitFor({ level: 'warn', message: 'the watch broke off' });
		t.is(line.error!.code, 'KUBERNETES_FORBIDDEN');
		t.regex(line.error!.message!, /not allowed to watch (pods|secrets)/);
		t.is((await controller.probe('/readyz')).status, 503);
		t.is((await controller.probe('/livez')).status, 200);
		const asked = environment.api.requests.count(pods);
		await environment.clock.advance(25_000);
		t.is(environment.api.requests.count(pods), asked, 'the next try is after 30 s');
		await environment.ask(team, 'served');
		environment.api.create({ ...binding, metadata: { name: 'jasm' } });
		environment.api.update('ClusterRole', '', 'jasm', role => {
			const rules = role['rules'] as { resources: string[]; verbs: string[] }[];
			rules.find(({ resources }) => resources.includes('secrets'))!.verbs.push('get', 'list', 'watch');
		});
		await until(environment, team, 'served');
		t.true(controller.running);
		t.is((await controller.probe('/readyz')).status, 200);
	},
);

test.serial(
	'lines that are no events, longer than any event or of unknown meaning end a stream, never the controller',
	async t => {
		const { environment, team, controller } = await startServed(t);
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
			environment.api.faults.injectLine(line);
			await environment.ask(team, `after-${index}`);
			await until(environment, team, `after-${index}`);
		}

		t.true(controller.running);
		t.is(reads(environment, 'kept'), 1);
		t.is(controller.log.count({ level: 'fatal' }) + controller.log.count({ level: 'error' }), 0);
	},
);

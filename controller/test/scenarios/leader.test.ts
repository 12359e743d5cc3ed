// Two replicas, one leader: who writes, who takes over when, and that it never matters for what is written.
import test, { type ExecutionContext } from 'ava';
import type { Replica } from '../helpers/environment/replica.ts';
import {
	annotation,
	startEnvironment,
	type TestEnvironment,
	type TestEnvironmentOptions,
} from '../helpers/environment/test-environment.ts';
import { startHoldingRelay } from '../helpers/servers/holding-proxy.ts';

const ELECT = ['--leader-elect'];
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const isLeader = async (replica: Replica) => (await replica.metric('jasm_leader')) === 1;
const holder = (environment: TestEnvironment): string =>
	(
		environment.api.get('Lease', environment.cluster.home, 'jasm.codnod.io')['spec'] as {
			holderIdentity: string;
		}
	).holderIdentity;

/** A leader that reaches the API server over a relay, and a standby that does not. */
async function startPair(t: ExecutionContext, options: TestEnvironmentOptions = {}) {
	const environment = await startEnvironment(t, { virtualTime: true, ...options });
	const team = await environment.namespace('team');
	const relay = await startHoldingRelay(environment.api.url);
	t.teardown(() => relay.close());
	const kubeconfig = environment.cluster
		.kubeconfigFor(await environment.cluster.createToken())
		.replace(environment.api.url, relay.url('https'));
	const leader = await environment.start({ argv: ELECT, kubeconfig });
	await environment.clock.runUntil(() => isLeader(leader));
	const standby = await environment.start({ argv: ELECT });
	return { environment, team, relay, leader, standby };
}

test('of two replicas one writes; the other watches, is ready, writes nothing and reports nothing', async t => {
	const environment = await startEnvironment(t);
	const replicas = [await environment.start({ argv: ELECT })];
	await replicas[0]!.log.waitFor({ message: 'leading' });
	replicas.push(await environment.start({ argv: ELECT }));
	const [leader, standby] = replicas as [Replica, Replica];
	await standby.log.waitFor({ message: 'standing by' });
	const team = await environment.namespace('team');
	await environment.ask(team, 'web');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	await environment.barrier(team);
	t.is(await standby.metric('jasm_leader'), 0);
	t.is((await standby.probe('/readyz')).status, 200);
	t.is(await standby.metric('jasm_kubernetes_requests_total', { resource: 'secrets', verb: 'create' }), 0);
	t.is(await standby.metric('jasm_events_total'), 0);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/web'), 1);
	t.is(environment.events(team, 'web').length, 1);
	t.true(await isLeader(leader));

	t.is(await leader.stop(), undefined);
	await environment.ask(team, 'after');
	await environment.event(team, 'after', 'SecretSyncSuccess');
	t.true(await isLeader(standby));
});

test.serial(
	'a leader that is told to stop releases the lease last, and another leads within a second',
	async t => {
		const { environment, team, leader, standby } = await startPair(t);
		await environment.ask(team, 'web');
		await environment.secret(team, 'web');
		t.is(await environment.stop(leader), undefined);
		const writes = environment.api.requests.filter(
			({ verb, resource }) =>
				['create', 'update'].includes(verb) && ['secrets', 'events', 'leases'].includes(resource),
		);
		t.is(writes.at(-1)!.resource, 'leases');
		const took = await environment.clock.runUntil(() => isLeader(standby), { maxMs: 5_000 });
		t.true(took <= 1_000, `${took} ms`);
		await environment.ask(team, 'later');
		await environment.secret(team, 'later');
	},
);

test.serial(
	'a leader that is gone without a word is followed within 35 s, and pods of the gap come first',
	async t => {
		const { environment, team, relay, leader, standby } = await startPair(t);
		const old = names('old', 100);
		environment.api.seed(
			'Pod',
			old.map(name => ({
				metadata: {
					namespace: team,
					name,
					annotations: {
						'jasm.codnod.io/secret-sync': annotation({ path: `/prod/${name}`, secretName: name }),
					},
				},
			})),
		);
		for (const name of old) {
			environment.secretsManager.put(`/prod/${name}`, { name });
		}

		const written = (all: readonly string[]) => () =>
			all.every(name => environment.world.secret(team, name) !== undefined);
		await environment.clock.runUntil(written(old));
		await environment.clock.advance(120_000);
		await relay.refuse();
		const calls = environment.secretsManager.calls.length;
		await environment.ask(team, 'in-the-gap');
		const took = await environment.clock.runUntil(() => isLeader(standby), { maxMs: 60_000 });
		t.true(took <= 35_000, `${took} ms`);
		await environment.clock.runUntil(written(['in-the-gap']), { maxMs: 1_000 });
		const order = environment.secretsManager.calls.slice(calls).map(({ name }) => name);
		t.true(order.indexOf('/prod/in-the-gap') < 64, 'among the first that run, although it came last');
		await environment.clock.runUntil(() => !leader.running, { maxMs: 60_000 });
		t.like(await leader.ended, { code: 'LEASE_LOST' });
	},
);

test.serial(
	'a leader that cannot renew stops before anybody else may start: it ends with a code',
	async t => {
		const { environment, relay, leader, standby } = await startPair(t);
		await environment.clock.advance(30_000);
		await relay.refuse();
		const stopped = await environment.clock.runUntil(() => !leader.running, { maxMs: 60_000 });
		t.true(stopped <= 21_000, `${stopped} ms`);
		t.like(await leader.ended, { code: 'LEASE_LOST' });
		t.false(await isLeader(standby));
		await environment.clock.runUntil(() => isLeader(standby), { maxMs: 20_000 });
		t.pass();
	},
);

test.serial('a leader whose lease is taken away writes no more and ends with a code', async t => {
	const { environment, team, leader } = await startPair(t);
	environment.api.update('Lease', environment.cluster.home, 'jasm.codnod.io', lease => {
		lease['spec'] = { ...(lease['spec'] as object), holderIdentity: 'another-process' };
	});
	await environment.clock.runUntil(() => !leader.running, { maxMs: 10_000 });
	t.like(await leader.ended, { code: 'LEASE_LOST' });
	t.is(leader.log.count({ level: 'error' }), 0);
	await environment.ask(team, 'web');
	await environment.clock.advance(1_000);
	t.is(environment.world.secret(team, 'web'), undefined, 'the one that holds the lease does not exist');
});

test.serial('a lease outlives a restart of the API server', async t => {
	const { environment, team, leader, standby } = await startPair(t);
	const before = holder(environment);
	await environment.api.faults.refuseConnections();
	await environment.clock.advance(10_000);
	await environment.api.faults.acceptConnections();
	await environment.ask(team, 'web');
	await environment.clock.runUntil(() => environment.world.secret(team, 'web') !== undefined, {
		maxMs: 5_000,
	});
	await environment.clock.advance(30_000);
	t.is(holder(environment), before);
	t.true(leader.running && (await isLeader(leader)));
	t.false(await isLeader(standby));
});

test.serial('a wall clock that jumps by an hour changes no lease, no backoff and no watch', async t => {
	const { environment, team, leader, standby } = await startPair(t, { server: { now: () => new Date() } });
	const controllerAndBefore = [leader, holder(environment)] as const;
	await environment.pod(team, 'late', annotation({ path: '/prod/late', secretName: 'late' }));
	await leader.log.waitFor({ code: 'SECRET_NOT_FOUND', secret: `${team}/late` });
	for (const hours of [1, -2, 1]) {
		environment.clock.setWallClock(environment.clock.now() + hours * 3_600_000);
		const tries = leader.log.count({ code: 'SECRET_NOT_FOUND' });
		await environment.clock.advance(60_000);
		t.true(leader.log.count({ code: 'SECRET_NOT_FOUND' }) - tries <= 4);
		t.is(holder(environment), controllerAndBefore[1]);
		t.false(await isLeader(standby));
		t.is((await leader.probe('/readyz')).status, 200);
		t.is((await leader.probe('/livez')).status, 200);
		const name = `web-${hours}-${Math.round(environment.clock.monotonic())}`;
		await environment.ask(team, name);
		await environment.secret(team, name);
	}

	t.is(leader.log.count({ message: 'the watch broke off' }), 0);
});

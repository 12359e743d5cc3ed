// Two replicas, one leader: who writes, who takes over when, and that it never matters for what is written.
import test, { type ExecutionContext } from 'ava';
import { startHoldingRelay } from '../helpers/holding-relay.ts';
import type { Replica } from '../helpers/replica.ts';
import { annotation, type Stage, type StageOptions, startStage } from '../helpers/stage.ts';

const ELECT = ['--leader-elect'];
const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const isLeader = async (replica: Replica) => (await replica.metric('jasm_leader')) === 1;
const holder = (stage: Stage): string =>
	(stage.api.get('Lease', stage.cluster.home, 'jasm.codnod.io')['spec'] as { holderIdentity: string })
		.holderIdentity;

/** A leader that reaches the API server over a relay, and a standby that does not. */
async function startPair(t: ExecutionContext, options: StageOptions = {}) {
	const stage = await startStage(t, { virtualTime: true, ...options });
	const team = await stage.namespace('team');
	const relay = await startHoldingRelay(stage.api.url);
	t.teardown(() => relay.close());
	const kubeconfig = stage.cluster
		.kubeconfigFor(await stage.cluster.createToken())
		.replace(stage.api.url, relay.url('https'));
	const leader = await stage.start({ argv: ELECT, kubeconfig });
	await stage.clock.runUntil(() => isLeader(leader));
	const standby = await stage.start({ argv: ELECT });
	return { stage, team, relay, leader, standby };
}

test('of two replicas one writes; the other watches, is ready, writes nothing and tells nobody', async t => {
	const stage = await startStage(t);
	const replicas = [await stage.start({ argv: ELECT })];
	await replicas[0]!.log.waitFor({ message: 'leading' });
	replicas.push(await stage.start({ argv: ELECT }));
	const [leader, standby] = replicas as [Replica, Replica];
	await standby.log.waitFor({ message: 'standing by' });
	const team = await stage.namespace('team');
	await stage.ask(team, 'web');
	await stage.event(team, 'web', 'SecretSyncSuccess');
	await stage.barrier(team);
	t.is(await standby.metric('jasm_leader'), 0);
	t.is((await standby.probe('/readyz')).status, 200);
	t.is(await standby.metric('jasm_kubernetes_requests_total', { resource: 'secrets', verb: 'create' }), 0);
	t.is(await standby.metric('jasm_events_total'), 0);
	t.is(stage.secretsManager.count('GetSecretValue', '/prod/web'), 1);
	t.is(stage.events(team, 'web').length, 1);
	t.true(await isLeader(leader));

	t.is(await leader.stop(), undefined);
	await stage.ask(team, 'after');
	await stage.event(team, 'after', 'SecretSyncSuccess');
	t.true(await isLeader(standby));
});

test.serial(
	'a leader that is told to stop releases the lease last, and another leads within a second',
	async t => {
		const { stage, team, leader, standby } = await startPair(t);
		await stage.ask(team, 'web');
		await stage.secret(team, 'web');
		t.is(await stage.stop(leader), undefined);
		const writes = stage.api.requests.filter(
			({ verb, resource }) =>
				['create', 'update'].includes(verb) && ['secrets', 'events', 'leases'].includes(resource),
		);
		t.is(writes.at(-1)!.resource, 'leases');
		const took = await stage.clock.runUntil(() => isLeader(standby), { maxMs: 5_000 });
		t.true(took <= 1_000, `${took} ms`);
		await stage.ask(team, 'later');
		await stage.secret(team, 'later');
	},
);

test.serial(
	'a leader that is gone without a word is followed within 35 s, and pods of the gap come first',
	async t => {
		const { stage, team, relay, leader, standby } = await startPair(t);
		const old = names('old', 100);
		stage.api.seed(
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
			stage.secretsManager.put(`/prod/${name}`, { name });
		}

		const written = (all: readonly string[]) => () =>
			all.every(name => stage.world.secret(team, name) !== undefined);
		await stage.clock.runUntil(written(old));
		await stage.clock.advance(120_000);
		await relay.refuse();
		const calls = stage.secretsManager.calls.length;
		await stage.ask(team, 'in-the-gap');
		const took = await stage.clock.runUntil(() => isLeader(standby), { maxMs: 60_000 });
		t.true(took <= 35_000, `${took} ms`);
		await stage.clock.runUntil(written(['in-the-gap']), { maxMs: 1_000 });
		const order = stage.secretsManager.calls.slice(calls).map(({ name }) => name);
		t.true(order.indexOf('/prod/in-the-gap') < 64, 'among the first that run, although it came last');
		await stage.clock.runUntil(() => !leader.running, { maxMs: 60_000 });
		t.like(await leader.ended, { code: 'LEASE_LOST' });
	},
);

test.serial(
	'a leader that cannot renew stops before anybody else may start: it ends with a code',
	async t => {
		const { stage, relay, leader, standby } = await startPair(t);
		await stage.clock.advance(30_000);
		await relay.refuse();
		const stopped = await stage.clock.runUntil(() => !leader.running, { maxMs: 60_000 });
		t.true(stopped <= 21_000, `${stopped} ms`);
		t.like(await leader.ended, { code: 'LEASE_LOST' });
		t.false(await isLeader(standby));
		await stage.clock.runUntil(() => isLeader(standby), { maxMs: 20_000 });
		t.pass();
	},
);

test.serial('a leader whose lease is taken away writes no more and ends with a code', async t => {
	const { stage, team, leader } = await startPair(t);
	stage.api.update('Lease', stage.cluster.home, 'jasm.codnod.io', lease => {
		lease['spec'] = { ...(lease['spec'] as object), holderIdentity: 'somebody-else' };
	});
	await stage.clock.runUntil(() => !leader.running, { maxMs: 10_000 });
	t.like(await leader.ended, { code: 'LEASE_LOST' });
	t.is(leader.log.count({ level: 'error' }), 0);
	await stage.ask(team, 'web');
	await stage.clock.advance(1_000);
	t.is(stage.world.secret(team, 'web'), undefined, 'the one that holds the lease does not exist');
});

test.serial('a lease outlives a restart of the API server', async t => {
	const { stage, team, leader, standby } = await startPair(t);
	const before = holder(stage);
	await stage.api.faults.refuseConnections();
	await stage.clock.advance(10_000);
	await stage.api.faults.acceptConnections();
	await stage.ask(team, 'web');
	await stage.clock.runUntil(() => stage.world.secret(team, 'web') !== undefined, { maxMs: 5_000 });
	await stage.clock.advance(30_000);
	t.is(holder(stage), before);
	t.true(leader.running && (await isLeader(leader)));
	t.false(await isLeader(standby));
});

test.serial('a wall clock that jumps by an hour changes no lease, no backoff and no watch', async t => {
	const { stage, team, leader, standby } = await startPair(t, { server: { now: () => new Date() } });
	const controllerAndBefore = [leader, holder(stage)] as const;
	await stage.pod(team, 'late', annotation({ path: '/prod/late', secretName: 'late' }));
	await leader.log.waitFor({ code: 'SECRET_NOT_FOUND', secret: `${team}/late` });
	for (const hours of [1, -2, 1]) {
		stage.clock.setWallClock(stage.clock.now() + hours * 3_600_000);
		const tries = leader.log.count({ code: 'SECRET_NOT_FOUND' });
		await stage.clock.advance(60_000);
		t.true(leader.log.count({ code: 'SECRET_NOT_FOUND' }) - tries <= 4);
		t.is(holder(stage), controllerAndBefore[1]);
		t.false(await isLeader(standby));
		t.is((await leader.probe('/readyz')).status, 200);
		t.is((await leader.probe('/livez')).status, 200);
		const name = `web-${hours}-${Math.round(stage.clock.monotonic())}`;
		await stage.ask(team, name);
		await stage.secret(team, name);
	}

	t.is(leader.log.count({ message: 'the watch broke off' }), 0);
});

// What leader election promises: never two leaders that both know it, a new one in time, and no leader that is not sure.
import test, { type ExecutionContext } from 'ava';
import { KubernetesError } from '../../src/kubernetes/errors.ts';
import { LeaderElection } from '../../src/kubernetes/lease.ts';
import { type ApiServer, answers } from '../../testing/index.ts';
import { until } from '../helpers/clocks/until.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { apiServer, wired } from '../helpers/watches/wired.ts';

const LEASES = { resource: 'leases' } as const;
const UPDATE = { ...LEASES, verb: 'update' } as const;
const ref = { namespace: 'default', name: 'jasm.codnod.io' };

const specOf = (server: ApiServer) =>
	server.get('Lease', ref.namespace, ref.name)['spec'] as Record<string, unknown>;

/**
 * A replica with a session of its own on the common clock. Its requests go over real sockets, so time passes
 * in steps that let them finish.
 */
function replica(t: ExecutionContext, server: ApiServer, clock: VirtualClock, identity: string) {
	const log: string[] = [];
	const { raw: client, facts, inFlight } = wired(t, server, { clock });
	const election = new LeaderElection({
		client,
		clock,
		random: () => 0.5,
		lease: ref,
		identity,
		onStartedLeading: () => log.push('leads'),
		onStoppedLeading: () => log.push('stopped'),
		onOtherLeader: other => log.push(`sees ${other}`),
		onError: error => log.push(error instanceof KubernetesError ? error.code : error.message),
	});
	const stop = new AbortController();
	const outcome = election.run(stop.signal).then(
		() => 'resolved',
		(error: KubernetesError) => error.code,
	);
	t.teardown(() => stop.abort());
	return { log, election, stop, outcome, facts, inFlight, leads: () => election.stillLeading() };
}

async function world(t: ExecutionContext) {
	const server = await apiServer(t);
	const clock = new VirtualClock();
	const replicas: ReturnType<typeof replica>[] = [];
	const answered = () => replicas.every(({ inFlight }) => inFlight() === 0);
	/** Lets `ms` pass in tenths of a second, each with the requests that it caused. */
	const pass = async (ms: number, condition = () => false) => {
		for (let left = ms; left > 0 && !condition(); left -= 100) {
			await clock.advance(Math.min(left, 100));
			await until(answered);
			await clock.settle();
		}
	};
	const start = (identity: string) => {
		const started = replica(t, server, clock, identity);
		replicas.push(started);
		return started;
	};
	return { server, clock, pass, start };
}

test('the first replica leads at once and says so in the Lease', async t => {
	const { server, start } = await world(t);
	const a = start('a');
	await until(a.leads);
	t.deepEqual(a.log, ['leads']);
	t.deepEqual(specOf(server), {
		holderIdentity: 'a',
		leaseDurationSeconds: 30,
		acquireTime: '2030-01-01T00:00:00.000000Z',
		renewTime: '2030-01-01T00:00:00.000000Z',
		leaseTransitions: 0,
	});
});

test('a leader renews every five seconds, a standby only looks, from memory', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	const b = start('b');
	await until(() => b.log.length === 1);
	await pass(60_000);
	t.true(a.leads());
	t.deepEqual([a.log, b.log], [['leads'], ['sees a']]);
	const renewals = server.requests.count(UPDATE);
	t.true(renewals >= 11 && renewals <= 12, `${renewals} renewals`);
	const looks = b.facts.filter(({ verb }) => verb === 'get').length;
	t.true(looks >= 55 && looks <= 76, `${looks} looks`);
	t.true(
		server.requests.filter({ ...LEASES, verb: 'get' }).every(({ query }) => query['resourceVersion'] === '0'),
	);
	t.is(specOf(server)['renewTime'], '2030-01-01T00:01:00.000000Z');
});

test('a leader that stops releases the Lease last, and the standby leads within a second', async t => {
	const { server, start, pass, clock } = await world(t);
	const a = start('a');
	await until(a.leads);
	const b = start('b');
	await pass(7_000);
	a.stop.abort();
	t.is(await a.outcome, 'resolved');
	t.deepEqual(a.log, ['leads', 'stopped']);
	t.like(specOf(server), { holderIdentity: '', leaseDurationSeconds: 1 });
	const released = clock.monotonic();
	await pass(5_000, b.leads);
	t.true(b.leads());
	t.true(clock.monotonic() - released < 1_000, `${clock.monotonic() - released} ms`);
	t.like(specOf(server), { holderIdentity: 'b', leaseTransitions: 1 });
});

test('after a leader that died the standby leads within 35 s, and never before the Lease ran out', async t => {
	const { server, start, pass, clock } = await world(t);
	const b = start('b');
	server.create({
		apiVersion: 'coordination.k8s.io/v1',
		kind: 'Lease',
		metadata: ref,
		spec: { holderIdentity: 'dead', leaseDurationSeconds: 30, renewTime: '2031-01-01T00:00:00.000000Z' },
	});
	await until(() => b.log.length > 0);
	const seen = clock.monotonic();
	await pass(29_800);
	t.false(b.leads());
	await pass(6_000, b.leads);
	t.true(b.leads());
	t.true(clock.monotonic() - seen <= 35_000);
});

test('a leader whose record keeps changing is alive, whatever the times in it say', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	const b = start('b');
	for (let i = 0; i < 5; i++) {
		await pass(20_000);
		// Clocks of other machines may be years apart.
		server.update('Lease', ref.namespace, ref.name, lease => {
			(lease['spec'] as Record<string, unknown>)['renewTime'] = `19${80 + i}-01-01T00:00:00.000000Z`;
		});
	}
	t.true(a.leads());
	t.false(b.leads());
});

test('a leader that cannot renew stops after 20 s, long before another may lead', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.faults.inject(UPDATE, { answer: answers.internalError }, Number.POSITIVE_INFINITY);
	await pass(19_900);
	t.true(a.leads());
	await pass(100);
	t.false(a.leads());
	t.is(await a.outcome, 'lease-lost');
	t.is(a.log.at(-1), 'stopped');
	t.is(specOf(server)['holderIdentity'], 'a');
});

test('a renewal that hangs does not keep a leader beyond its time', async t => {
	const { server, start, clock } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.faults.inject(UPDATE, { hang: true }, Number.POSITIVE_INFINITY);
	await clock.advance(5_000);
	await until(() => server.requests.count(UPDATE) === 1);
	await clock.advance(14_999);
	t.true(a.leads());
	await clock.advance(1);
	t.is(await a.outcome, 'lease-lost');
	t.false(a.leads());
});

test('a process that was stopped knows before its first write that it leads no more', async t => {
	const { start, clock } = await world(t);
	const a = start('a');
	await until(a.leads);
	// No timer fires while the event loop stands still: only the question itself can tell.
	const real = clock.monotonic.bind(clock);
	clock.monotonic = () => real() + 25_000;
	t.false(a.leads());
});

test('an API server that restarts within the renew deadline costs no leadership', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	await server.faults.refuseConnections();
	await pass(12_000);
	await server.faults.acceptConnections();
	server.faults.inject(UPDATE, { answer: answers.tooManyRequests(1) });
	await pass(15_000);
	t.true(a.leads());
	t.true(a.log.includes('unavailable'));
	t.false(a.log.includes('stopped'));
});

test('a leader that finds another in the Lease stops at once', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.update('Lease', ref.namespace, ref.name, lease => {
		(lease['spec'] as Record<string, unknown>)['holderIdentity'] = 'usurper';
	});
	await pass(6_000, () => !a.leads());
	t.is(await a.outcome, 'lease-lost');
	t.is(specOf(server)['holderIdentity'], 'usurper');
});

test('a renewal whose answer was lost is recognised as our own', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.faults.inject(UPDATE, { drop: 'after' }, 2);
	await pass(30_000);
	t.true(a.leads());
	t.false(a.log.includes('stopped'));
});

test('a deleted Lease is created again', async t => {
	const { server, start, pass } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.delete('Lease', ref.namespace, ref.name);
	await pass(6_000);
	t.true(a.leads());
	t.is(specOf(server)['holderIdentity'], 'a');
});

test('of two replicas that reach for a free Lease at the same time one leads', async t => {
	const { start, pass } = await world(t);
	const replicas = ['a', 'b', 'c'].map(start);
	await until(() => replicas.some(({ leads }) => leads()));
	await pass(3_000);
	t.is(replicas.filter(({ leads }) => leads()).length, 1);
});

test('a standby that stops leaves quietly, one without rights keeps trying slowly', async t => {
	const { server, start, pass } = await world(t);
	server.faults.inject(LEASES, { answer: { status: 403, reason: 'Forbidden' } }, Number.POSITIVE_INFINITY);
	const a = start('a');
	await until(() => a.log.length === 1);
	await pass(60_000);
	t.deepEqual([...new Set(a.log)], ['forbidden']);
	t.true(a.log.length <= 3);
	a.stop.abort();
	t.is(await a.outcome, 'resolved');
});

test('a release that meets a newer record of its own is made all the same, one of another is not', async t => {
	for (const holder of ['a', 'usurper']) {
		const { server, start } = await world(t);
		const a = start('a');
		await until(a.leads);
		server.update('Lease', ref.namespace, ref.name, lease => {
			Object.assign(lease['spec'] as object, { holderIdentity: holder, leaseDurationSeconds: 29 });
		});
		a.stop.abort();
		t.is(await a.outcome, 'resolved');
		t.is(specOf(server)['holderIdentity'], holder === 'a' ? '' : 'usurper');
	}
});

test('a release that fails does not keep the process', async t => {
	const { server, start, clock } = await world(t);
	const a = start('a');
	await until(a.leads);
	server.faults.inject(UPDATE, { hang: true });
	a.stop.abort();
	await until(() => server.requests.count(UPDATE) === 1);
	await clock.advance(3_000);
	t.is(await a.outcome, 'resolved');
	t.is(a.log.at(-1), 'aborted');
});

test('a jump of the wall clock changes nothing', async t => {
	const { start, pass, clock } = await world(t);
	const a = start('a');
	await until(a.leads);
	const b = start('b');
	for (const jump of [3_600_000, -7_200_000]) {
		clock.setWallClock(clock.now() + jump);
		await pass(12_000);
	}
	t.true(a.leads());
	t.false(b.leads());
});

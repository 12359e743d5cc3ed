// Reads without a notice: each source once per period, at a moment of its own, and only on the leader.
import test from 'ava';
import { Resync } from '../../src/changes/resync.ts';
import { PRIORITY } from '../../src/requests/pod-record.ts';
import { Requests } from '../../src/requests/requests.ts';
import { Workqueue } from '../../src/runtime/queue/workqueue.ts';
import { SyncStates } from '../../src/sync/sync-state.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { ask, podRecord } from '../requests/pod-fixtures.ts';

const HOUR = 3_600_000;
const PERIOD = 6 * HOUR;

type Read = { readonly key: string; readonly at: number; readonly priority: number };

/** Secrets that were written, and a queue whose keys are read at once and found unchanged. */
function aCluster(clock = new VirtualClock()) {
	const requests = new Requests();
	const states = new SyncStates({ rereadMs: 5_000 });
	const secrets = new Workqueue({ clock });
	const reads: Read[] = [];
	const stop = new AbortController();
	void (async () => {
		for (let taken = await secrets.get(stop.signal); taken; taken = await secrets.get(stop.signal)) {
			const { key, priority } = taken;
			reads.push({ key, priority, at: clock.monotonic() });
			states.get(key)?.source?.unchanged(clock.monotonic());
			secrets.done(key);
		}
	})();
	return {
		clock,
		reads,
		stop,
		asks(name: string, { annotation = ask(`/${name}`, name), written = true } = {}) {
			requests.update({ after: podRecord({ uid: name, name, annotation }) });
			const key = `ns/${name}`;
			const request = requests.of(key)!;
			const state = states.load(key, request);
			if (written) {
				const sent = state.writing(request, clock.monotonic());
				const readAt = clock.monotonic();
				state.completed(request, { sent, readAt, resourceVersion: '1', version: 'v1' });
			}
		},
		leader(random: () => number = Math.random) {
			const resync = new Resync({ periodMs: PERIOD, requests, states, secrets, clock, random });
			return { resync, running: resync.run(stop.signal) };
		},
	};
}

/** The most reads within any stretch of this length. */
function densest(reads: readonly Read[], ms: number): number {
	return Math.max(...reads.map(({ at }) => reads.filter(each => each.at >= at && each.at < at + ms).length));
}

test('every requested secret is read once in each period, always after the same time', async t => {
	const { clock, reads, asks, leader } = aCluster();
	const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
	for (const name of names) {
		asks(name);
	}

	leader().resync.lead();
	await clock.advance(PERIOD);
	t.deepEqual(reads.map(({ key }) => key).toSorted(), names.map(name => `ns/${name}`).toSorted());
	const first = new Map(reads.map(({ key, at }) => [key, at]));
	await clock.advance(PERIOD);
	t.is(reads.length, 400);
	for (const { key, at } of reads.slice(200)) {
		t.is(Math.round(at - first.get(key)!), PERIOD);
	}
});

test('the reads are spread over the whole period, also when another replica begins to lead', async t => {
	const { clock, reads, asks, leader } = aCluster();
	for (let index = 0; index < 1_000; index++) {
		asks(`prod-team-db-${index}`);
	}

	leader().resync.lead();
	await clock.advance(PERIOD);
	t.is(reads.length, 1_000);
	// A sixtieth of the period holds a sixtieth of the reads, give or take.
	t.true(densest(reads, PERIOD / 60) < 50, `${densest(reads, PERIOD / 60)} reads in six minutes`);
	t.true(densest(reads, 1_000) <= 5, `${densest(reads, 1_000)} reads in a second`);

	const other = aCluster(clock);
	for (let index = 0; index < 1_000; index++) {
		other.asks(`prod-team-db-${index}`);
	}

	other.leader().resync.lead();
	await clock.advance(PERIOD / 60);
	t.true(other.reads.length < 50, `${other.reads.length} reads in the first six minutes`);
});

test('a replica that does not lead reads nothing, and one that stops leaves no timer', async t => {
	const { clock, reads, asks, leader, stop } = aCluster();
	asks('db');
	const { resync, running } = leader();
	await clock.advance(4 * PERIOD);
	t.is(reads.length, 0);
	resync.lead();
	stop.abort();
	await running;
	await clock.advance(4 * PERIOD);
	t.is(reads.length, 0);
	t.is(clock.pending, undefined);
});

test('all Secrets of one source are due at the same moment, so that one read serves them', async t => {
	const { clock, reads, asks, leader } = aCluster();
	for (const name of ['a', 'b', 'c']) {
		asks(name, { annotation: ask('/shared', name) });
	}

	leader().resync.lead();
	await clock.advance(PERIOD);
	t.is(reads.length, 3);
	t.is(new Set(reads.map(({ at }) => at)).size, 1);
});

test('a Secret that no pod wants to follow is not read, nor is one that was never written', async t => {
	const { clock, reads, asks, leader } = aCluster();
	asks('still', { annotation: `${ask('/still', 'still')}onChange: ignore\n` });
	asks('failing', { written: false });
	asks('follows');
	leader().resync.lead();
	await clock.advance(2 * PERIOD);
	t.deepEqual([...new Set(reads.map(({ key }) => key))], ['ns/follows']);
});

test('everything else goes first', async t => {
	const { clock, reads, asks, leader } = aCluster();
	asks('db');
	leader().resync.lead();
	await clock.advance(PERIOD);
	t.deepEqual(
		reads.map(({ priority }) => priority),
		[Math.min(...Object.values(PRIORITY))],
	);
});

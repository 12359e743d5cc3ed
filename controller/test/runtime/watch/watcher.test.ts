// The watcher keeps a store equal to its collection, however streams end.
import test from 'ava';
import fc from 'fast-check';
import type { StreamEnd, WatchEvent } from '../../../src/runtime/watch/list-watch.ts';
import { Store } from '../../../src/runtime/watch/store.ts';
import { Watcher, type WatchTransition } from '../../../src/runtime/watch/watcher.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { Collection } from '../../helpers/watches/collection.ts';

type Pod = { readonly uid: string; readonly spec: number };

const closed: StreamEnd = { reason: 'closed' };
const failed: StreamEnd = { reason: 'failed', error: new Error('watching pods: connection reset') };

function aWatch({ sink }: { sink?: (event: WatchEvent<Pod>) => void } = {}) {
	const clock = new VirtualClock();
	const collection = new Collection<Pod>(clock);
	const store = new Store<Pod>();
	const transitions: WatchTransition[] = [];
	const watcher = new Watcher<Pod>({
		listWatch: collection,
		sink: sink ?? (event => store.apply(event)),
		clock,
		random: () => 0.5,
		onTransition: transition => transitions.push(transition),
	});
	const stop = new AbortController();
	const start = () => watcher.run(stop.signal);
	const upToDate = () =>
		store.size === collection.objects.size &&
		[...store.values()].every(record => collection.objects.get(record.uid)?.spec === record.spec);
	return { clock, collection, store, transitions, watcher, stop, start, upToDate };
}

async function aSynced() {
	const watch = aWatch();
	watch.collection.put({ uid: 'a', spec: 0 });
	const running = watch.start();
	await watch.clock.runUntil(() => watch.watcher.synced);
	return { ...watch, running };
}

test('pods created after a clean close are seen within 100 ms, without a list', async t => {
	const { clock, collection, store, upToDate } = await aSynced();
	await clock.advance(60_000);
	collection.end(closed);
	await clock.settle();
	collection.put({ uid: 'b', spec: 0 });
	t.false(upToDate());
	t.true((await clock.runUntil(upToDate)) <= 100);
	t.is(store.size, 2);
	t.deepEqual(collection.opened, [undefined, '11']);
});

test('objects that were deleted while the version expired are gone after the new list, at once', async t => {
	const { clock, collection, store, upToDate } = await aSynced();
	collection.put({ uid: 'b', spec: 0 });
	collection.end(closed);
	await clock.settle();
	collection.delete('a');
	collection.compact();
	t.true((await clock.runUntil(upToDate)) <= 500);
	t.deepEqual([...store.values()], [{ uid: 'b', spec: 0 }]);
});

test('a refused connection is retried until it is accepted, and the records stay', async t => {
	const { clock, collection, store, upToDate } = await aSynced();
	collection.refusals.push(failed, failed, { ...failed, retryAfterMs: 5_000 });
	collection.end(failed);
	await clock.settle();
	collection.put({ uid: 'b', spec: 0 });
	t.is(store.size, 1);
	await clock.runUntil(upToDate);
	t.is(collection.opened.length, 5);
});

test('aborting the signal ends the stream, or the wait, and resolves the run', async t => {
	const streaming = await aSynced();
	streaming.stop.abort();
	await t.notThrowsAsync(streaming.running);
	const waiting = await aSynced();
	waiting.collection.end(failed);
	await waiting.clock.settle();
	t.is(waiting.watcher.phase, 'backoff');
	waiting.stop.abort();
	await t.notThrowsAsync(waiting.running);
	t.is(waiting.clock.timers, 0);
});

test('a watcher that was stopped can run again from where it was', async t => {
	const { clock, collection, watcher, stop, store, running, upToDate } = await aSynced();
	stop.abort();
	await running;
	collection.put({ uid: 'b', spec: 0 });
	void watcher.run(new AbortController().signal);
	await clock.runUntil(upToDate);
	t.is(store.size, 2);
	t.deepEqual(collection.opened, [undefined, '11']);
});

test('a ListWatch that throws is a failure like any other', async t => {
	const watch = aWatch();
	const { open } = watch.collection;
	watch.collection.open = () => Promise.reject(new Error('a bug'));
	const running = watch.start();
	await watch.clock.settle();
	t.is(watch.watcher.phase, 'backoff');
	t.like(watch.transitions.at(-1), { end: { reason: 'failed', error: { message: 'a bug' } } });
	watch.collection.open = open;
	await watch.clock.runUntil(() => watch.watcher.synced);
	watch.stop.abort();
	await running;
});

test('an error of the sink ends the stream and the run, because a retry could not repair it', async t => {
	const heard: string[] = [];
	const watch = aWatch({
		sink: event => {
			heard.push(event.type);
			if (event.type === 'init-apply') throw new Error('a bug');
		},
	});
	for (const uid of ['a', 'b']) watch.collection.put({ uid, spec: 0 });
	const running = t.throwsAsync(watch.start(), { message: 'a bug' });
	await watch.clock.advance(10);
	await running;
	t.false(watch.collection.connected);
	t.deepEqual(heard, ['init', 'init-apply']);
});

test('each change of phase is reported once, with the reason of an end', async t => {
	const { clock, collection, transitions } = await aSynced();
	collection.end(failed);
	await clock.settle();
	const reported = transitions.map(({ from, to, end }) =>
		`${from.phase} ${to.phase} ${end?.reason ?? ''}`.trim(),
	);
	t.deepEqual(reported, ['empty initial', 'initial streaming', 'streaming backoff failed']);
});

test('a watcher is not fresh before its first list, however busy it is', async t => {
	const { clock, collection, watcher, start } = aWatch();
	collection.breakInitial = failed;
	void start();
	await clock.advance(100);
	t.false(watcher.synced);
	t.false(watcher.fresh(clock.monotonic()));
	await clock.runUntil(() => watcher.synced);
	t.true(watcher.fresh(clock.monotonic()));
});

test('a stream without a message for 150 s is not fresh; a bookmark makes it fresh', async t => {
	const { clock, collection, watcher } = await aSynced();
	await clock.advance(149_998);
	t.true(watcher.fresh(clock.monotonic()));
	await clock.advance(2);
	t.false(watcher.fresh(clock.monotonic()));
	collection.bookmark();
	t.true(watcher.fresh(clock.monotonic()));
});

test('a watcher that only fails is fresh by its last byte, not by its attempts', async t => {
	const { clock, collection, watcher } = await aSynced();
	collection.refusals.push(...Array.from({ length: 100 }, () => failed));
	collection.end(failed);
	await clock.advance(140_000);
	t.true(watcher.fresh(clock.monotonic()));
	await clock.advance(60_000);
	t.false(watcher.fresh(clock.monotonic()));
});

test('a stream that broke after a long silence is fresh for the first minute of reconnecting', async t => {
	const { clock, collection, watcher } = await aSynced();
	await clock.advance(200_000);
	collection.refusals.push(...Array.from({ length: 100 }, () => failed));
	collection.end(failed);
	await clock.settle();
	t.true(watcher.fresh(clock.monotonic()));
	await clock.advance(60_000);
	t.false(watcher.fresh(clock.monotonic()));
});

test('the watcher advances with every byte and every change of phase, independent of the wall clock', async t => {
	const { clock, collection, watcher } = await aSynced();
	const synced = watcher.advancedAt;
	clock.setWallClock(0);
	await clock.advance(1_000);
	t.is(watcher.advancedAt, synced);
	collection.bookmark();
	t.is(watcher.advancedAt, clock.monotonic());
	await clock.advance(1_000);
	collection.end(failed);
	await clock.settle();
	t.is(watcher.advancedAt, clock.monotonic());
});

const uid = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const happening = fc.oneof(
	fc.record({ put: uid, spec: fc.nat(9), progress: fc.boolean() }),
	fc.record({ delete: uid, progress: fc.boolean() }),
	fc.record({ end: fc.constantFrom<StreamEnd>(closed, failed, { reason: 'expired' }, { reason: 'ahead' }) }),
	fc.record({ refuse: fc.constantFrom<StreamEnd>(failed, { ...failed, retryAfterMs: 3_000 }, closed) }),
	fc.constant({ compact: true }),
	fc.constant({ breakInitial: failed }),
	fc.record({ pass: fc.constantFrom(1, 50, 1_000, 130_000) }),
);

test('however streams end and objects change, the store ends equal to the collection', async t => {
	await fc.assert(
		fc.asyncProperty(fc.array(happening, { maxLength: 60 }), async happenings => {
			const { clock, collection, store, watcher, stop, start, upToDate } = aWatch();
			const running = start();
			for (const it of happenings) {
				if ('put' in it) collection.put({ uid: it.put, spec: it.spec }, it.progress);
				else if ('delete' in it) collection.delete(it.delete, it.progress);
				else if ('end' in it) collection.end(it.end);
				else if ('refuse' in it) collection.refusals.push(it.refuse);
				else if ('compact' in it) collection.compact();
				else if ('breakInitial' in it) collection.breakInitial = it.breakInitial;
				else await clock.advance(it.pass);
			}
			await clock.runUntil(() => watcher.phase === 'streaming' && collection.connected, { maxMs: 3_600_000 });
			await clock.settle();
			t.true(upToDate(), `${JSON.stringify([...store.values()])}`);
			stop.abort();
			await running;
		}),
		{ numRuns: 200 },
	);
});

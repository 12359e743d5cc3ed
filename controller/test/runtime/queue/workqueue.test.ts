// The promises of the queue: one run per key at a time, no key lost, urgent keys first, fair to namespaces and groups.
import { getEventListeners } from 'node:events';
import test from 'ava';
import { Workqueue } from '../../../src/runtime/queue/workqueue.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { aQueue } from '../../helpers/watches/queue-on-virtual-clock.ts';

const never = new AbortController().signal;

test('no key runs twice at the same time', async t => {
	const { queue, take } = aQueue();
	queue.add('a/x');
	t.is((await take())?.key, 'a/x');
	queue.add('a/x');
	queue.add('a/x', { priority: 100 });
	t.is(await take(), undefined);
	t.is(queue.running, 1);
});

test('a key that becomes due while it runs, runs once more', async t => {
	const { clock, queue, take } = aQueue();
	queue.add('a/x');
	await take();
	queue.add('a/x', { delayMs: 10 });
	await clock.advance(50);
	t.is(await take(), undefined);
	queue.done('a/x');
	t.like(await take(), { key: 'a/x', waitedMs: 40 });
	queue.done('a/x');
	t.is(await take(), undefined);
});

test('a key that is added 1,000 times while it runs has exactly one follow-up run', async t => {
	const { queue, takeAll, take } = aQueue();
	queue.add('a/x');
	await take();
	for (let i = 0; i < 1_000; i++) queue.add('a/x', { priority: i % 3, delayMs: i });
	queue.done('a/x');
	t.like(await take(), { key: 'a/x', priority: 2 });
	queue.done('a/x');
	t.deepEqual(await takeAll(), []);
	t.is(queue.size, 0);
});

test('of keys that are added in one step, the most urgent is handed out first, even to a waiting caller', async t => {
	const { queue } = aQueue();
	const taken = queue.get(never);
	queue.add('a/old', { priority: -100 });
	queue.add('a/new', { priority: 100 });
	t.is((await taken)?.key, 'a/new');
});

test('keys of one namespace and priority run in the order in which they were added', async t => {
	const { queue, takeAll } = aQueue();
	for (const name of ['c', 'a', 'b']) queue.add(`n/${name}`);
	t.deepEqual(await takeAll(), ['n/c', 'n/a', 'n/b']);
});

test('keys whose delays end together run in the order in which they were added', async t => {
	const { clock, queue, takeAll } = aQueue();
	const keys = Array.from({ length: 8 }, (_, i) => `n/${i}`);
	for (const key of keys) queue.add(key, { delayMs: 10 });
	await clock.advance(10);
	t.deepEqual(await takeAll(), keys);
});

test('a key whose priority rises leaves its old place to the next key', async t => {
	const { queue, takeAll } = aQueue();
	for (const name of ['a', 'b', 'c', 'd']) queue.add(`n/${name}`);
	queue.add('n/b', { priority: 50 });
	queue.add('n/d', { priority: 50 });
	queue.add('n/a', { priority: -100 });
	t.deepEqual(await takeAll(), ['n/b', 'n/d', 'n/a', 'n/c']);
});

test('a namespace that adds thousands of keys does not keep another one waiting', async t => {
	const { queue, take } = aQueue();
	for (let i = 0; i < 5_000; i++) queue.add(`churn/${i}`);
	queue.add('quiet/x');
	queue.add('quiet/y');
	const first = [await take(), await take(), await take(), await take()].map(taken => taken?.key);
	t.deepEqual(first, ['churn/0', 'quiet/x', 'churn/1', 'quiet/y']);
});

test('a namespace that adds a key for each one taken does not keep another one waiting', async t => {
	const { queue, take } = aQueue();
	queue.add('churn/0');
	queue.add('quiet/x');
	const keys: (string | undefined)[] = [];
	for (let i = 1; i <= 3; i++) {
		queue.add(`churn/${i}`);
		keys.push((await take())?.key);
	}
	t.true(keys.includes('quiet/x'));
});

test('adding again takes the higher priority and the earlier time, and never loses either', async t => {
	const { clock, queue, take } = aQueue();
	queue.add('a/x', { priority: 100, delayMs: 1_000 });
	queue.add('a/x', { priority: 0, delayMs: 100 });
	queue.add('a/x', { priority: 50, delayMs: 5_000 });
	t.is(queue.size, 1);
	await clock.advance(99);
	t.is(await take(), undefined);
	await clock.advance(1);
	t.deepEqual(await take(), { key: 'a/x', priority: 100, waitedMs: 0 });
});

test('one timer is set while keys are delayed, and none otherwise', async t => {
	const { clock, queue } = aQueue();
	for (let i = 0; i < 100; i++) queue.add(`a/${i}`, { delayMs: 1_000 - i });
	t.is(clock.timers, 1);
	t.is(clock.pending, 901);
	await clock.advance(1_000);
	t.is(queue.delayed, 0);
	t.is(clock.timers, 0);
	queue.add('a/late', { delayMs: 10 });
	queue.add('a/late');
	t.is(clock.timers, 0);
});

test('a timer that fires a little early does not make a key run early, nor lose it', async t => {
	class HastyClock extends VirtualClock {
		override schedule(ms: number, callback: () => void) {
			return super.schedule(ms > 1 ? ms - 1 : ms, callback);
		}
	}
	const clock = new HastyClock();
	const queue = new Workqueue({ clock });
	queue.add('a/x', { delayMs: 100 });
	const taken = queue.get(never);
	await clock.advance(99);
	t.is(queue.delayed, 1);
	await clock.advance(1);
	t.deepEqual(await taken, { key: 'a/x', priority: 0, waitedMs: 0 });
});

test('a jump of the wall clock does not change when a key runs', async t => {
	const { clock, queue, take } = aQueue();
	queue.add('a/x', { delayMs: 100 });
	clock.setWallClock(clock.now() + 3_600_000);
	await clock.advance(99);
	t.is(await take(), undefined);
	clock.setWallClock(clock.now() - 7_200_000);
	await clock.advance(1);
	t.is((await take())?.key, 'a/x');
});

test('a caller that stops waiting takes no key', async t => {
	const { queue, take } = aQueue();
	const patience = new AbortController();
	const gaveUp = queue.get(patience.signal);
	patience.abort();
	queue.add('a/x');
	t.is(await gaveUp, undefined);
	t.is(await queue.get(patience.signal), undefined);
	t.is((await take())?.key, 'a/x');
});

test('a signal that outlives many waits collects no listeners', async t => {
	const { queue } = aQueue();
	const { signal } = new AbortController();
	for (let i = 0; i < 20; i++) {
		queue.add(`a/${i}`);
		await queue.get(signal);
	}
	t.is(getEventListeners(signal, 'abort').length, 0);
});

test('`done` of a key that does not run is an error', t => {
	const { queue } = aQueue();
	t.throws(() => queue.done('a/x'), { message: /"a\/x": expected a running key/ });
});

test('a full group leaves room for keys of other groups, however urgent its own keys are', async t => {
	const groups = { of: (key: string) => key.slice(-1), limit: 2 };
	const { queue, take, takeAll } = aQueue({ groups });
	for (let i = 0; i < 5; i++) queue.add(`a/${i}-s`, { priority: 100 });
	queue.add('a/1-f', { priority: -100 });
	t.deepEqual(await takeAll(false), ['a/0-s', 'a/1-s', 'a/1-f']);
	queue.done('a/0-s');
	t.is((await take())?.key, 'a/2-s');
});

test('among equally urgent groups, the one with the fewest running keys is next', async t => {
	const { queue, takeAll } = aQueue({ groups: { of: key => key.slice(-1), limit: 3 } });
	for (const key of ['a/1p', 'a/2p', 'a/3p', 'a/1q', 'a/2q']) queue.add(key);
	t.deepEqual(await takeAll(false), ['a/1p', 'a/1q', 'a/2p', 'a/2q', 'a/3p']);
});

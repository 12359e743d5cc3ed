// The virtual clock keeps the promises of a clock, so that tests can depend on it.
import test from 'ava';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

test('timers fire in the order of their due time; with equal times, in the order of scheduling', async t => {
	const clock = new VirtualClock();
	const fired: string[] = [];
	clock.schedule(20, () => fired.push('c'));
	clock.schedule(10, () => fired.push('a'));
	clock.schedule(10, () => fired.push('b'));
	await clock.advance(20);
	t.deepEqual(fired, ['a', 'b', 'c']);
});

test('sleeps that follow each other run within one advance, each at its own time', async t => {
	const clock = new VirtualClock({ monotonicMs: 0 });
	const seen: number[] = [];
	const chain = (async () => {
		for (let i = 0; i < 3; i++) {
			await clock.sleep(100);
			seen.push(clock.monotonic());
		}
	})();
	await clock.advance(1_000);
	await chain;
	t.deepEqual(seen, [100, 200, 300]);
	t.is(clock.monotonic(), 1_000);
});

test('a cancelled timer does not fire and an aborted sleep rejects with the reason of its signal', async t => {
	const clock = new VirtualClock();
	clock.schedule(10, () => t.fail()).cancel();
	const controller = new AbortController();
	const sleep = clock.sleep(10, controller.signal);
	controller.abort(new Error('enough'));
	await t.throwsAsync(sleep, { message: 'enough' });
	await t.throwsAsync(clock.sleep(10, controller.signal), { message: 'enough' });
	t.is(clock.timers, 0);
	await clock.advance(10);
});

test('a jump of the wall clock moves no timer', async t => {
	const clock = new VirtualClock({ monotonicMs: 0 });
	let fired = false;
	clock.schedule(1_000, () => {
		fired = true;
	});
	clock.setWallClock(clock.now() + 3_600_000);
	await clock.advance(999);
	t.false(fired);
	t.is(clock.pending, 1);
	await clock.advance(1);
	t.true(fired);
});

test('`runUntil` returns how long it took, and rejects when no timer can make the condition true', async t => {
	const clock = new VirtualClock();
	let ready = false;
	clock.schedule(5, () =>
		clock.schedule(7, () => {
			ready = true;
		}),
	);
	t.is(await clock.runUntil(() => ready), 12);
	await t.throwsAsync(
		clock.runUntil(() => false),
		{ message: /no timer is left/ },
	);
	clock.schedule(50, () => {});
	await t.throwsAsync(
		clock.runUntil(() => false, { maxMs: 49 }),
		{ message: /not within 49 ms/ },
	);
});

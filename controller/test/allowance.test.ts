// What a namespace may spend.
import test from 'ava';
import { Allowance } from '../src/allowance.ts';
import { VirtualClock } from './helpers/virtual-clock.ts';

test('a namespace that has spent its burst waits, while another reads on', t => {
	const allowance = new Allowance({ clock: new VirtualClock(), burst: 2, readsPerSecond: 10 });
	t.deepEqual(
		['a/1', 'a/2', 'a/3'].map(key => allowance.take(key)),
		[0, 0, 100],
	);
	t.is(allowance.take('b/1'), 0);
});

test('each who waits is given a moment of its own, at which it may read', async t => {
	const clock = new VirtualClock();
	const allowance = new Allowance({ clock, burst: 1, readsPerSecond: 10 });
	allowance.take('a/first');
	const waits = Array.from({ length: 5 }, (_, index) => allowance.take(`a/${index}`));
	t.deepEqual(waits, [100, 200, 300, 400, 500]);
	for (let i = 0; i < waits.length; i++) {
		await clock.advance(100);
		t.is(allowance.take(`a/${i}`), 0, `after ${(i + 1) * 100} ms`);
	}
});

test('namespaces at rest are forgotten once there are many', async t => {
	const clock = new VirtualClock();
	const allowance = new Allowance({ clock, burst: 1, readsPerSecond: 1 });
	for (let i = 0; i < 1_024; i++) {
		allowance.take(`n${i}/key`);
	}

	await clock.advance(1_000);
	allowance.take('one-more/key');
	t.is(allowance.size, 1);
});

test('a key that asks again and again keeps its moment, and puts off nobody', async t => {
	const clock = new VirtualClock();
	const allowance = new Allowance({ clock, burst: 1, readsPerSecond: 1 });
	allowance.take('a/first');
	for (let i = 0; i < 9; i++) {
		t.is(allowance.take('a/flapping'), 1_000 - i * 100);
		await clock.advance(100);
	}

	t.is(allowance.take('a/other'), 1_100);
	await clock.advance(100);
	t.is(allowance.take('a/flapping'), 0);
});

// The reads that a namespace may use.
import test from 'ava';
import { NamespaceRateLimiter } from '../../src/sync/rate-limits.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

test('a namespace that used up its burst waits, another one does not', t => {
	const rateLimiter = new NamespaceRateLimiter({ clock: new VirtualClock(), burst: 2, readsPerSecond: 10 });
	t.deepEqual(
		['a/1', 'a/2', 'a/3'].map(key => rateLimiter.take(key)),
		[0, 0, 100],
	);
	t.is(rateLimiter.take('b/1'), 0);
});

test('each waiting key gets its own time, and may read then', async t => {
	const clock = new VirtualClock();
	const rateLimiter = new NamespaceRateLimiter({ clock, burst: 1, readsPerSecond: 10 });
	rateLimiter.take('a/first');
	const waits = Array.from({ length: 5 }, (_, index) => rateLimiter.take(`a/${index}`));
	t.deepEqual(waits, [100, 200, 300, 400, 500]);
	for (let i = 0; i < waits.length; i++) {
		await clock.advance(100);
		t.is(rateLimiter.take(`a/${i}`), 0, `after ${(i + 1) * 100} ms`);
	}
});

test('namespaces with a full bucket are forgotten once there are many', async t => {
	const clock = new VirtualClock();
	const rateLimiter = new NamespaceRateLimiter({ clock, burst: 1, readsPerSecond: 1 });
	for (let i = 0; i < 1_024; i++) {
		rateLimiter.take(`n${i}/key`);
	}

	await clock.advance(1_000);
	rateLimiter.take('one-more/key');
	t.is(rateLimiter.size, 1);
});

test('a key that asks again and again keeps its reservation and delays no other key', async t => {
	const clock = new VirtualClock();
	const rateLimiter = new NamespaceRateLimiter({ clock, burst: 1, readsPerSecond: 1 });
	rateLimiter.take('a/first');
	for (let i = 0; i < 9; i++) {
		t.is(rateLimiter.take('a/flapping'), 1_000 - i * 100);
		await clock.advance(100);
	}

	t.is(rateLimiter.take('a/other'), 1_100);
	await clock.advance(100);
	t.is(rateLimiter.take('a/flapping'), 0);
});

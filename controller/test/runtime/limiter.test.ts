// Limits on concurrency and rate hold.
import test from 'ava';
import fc from 'fast-check';
import { Limiter, TokenBucket } from '../../src/runtime/limiter.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

const never = new AbortController().signal;

test('at most `concurrency` functions run at a time, and all run in the order of their calls', async t => {
	const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 30 });
	await fc.assert(
		fc.asyncProperty(lengths, fc.integer({ min: 1, max: 5 }), async (durations, concurrency) => {
			const clock = new VirtualClock();
			const limiter = new Limiter({ concurrency });
			const order: number[] = [];
			const all = Promise.all(
				durations.map((ms, nth) =>
					limiter.run(async () => {
						order.push(nth);
						t.true(limiter.active <= concurrency);
						await clock.sleep(ms);
					}, never),
				),
			);
			await clock.advance(50 * 30);
			await all;
			t.deepEqual(order, [...durations.keys()]);
			t.is(limiter.active, 0);
		}),
	);
});

test('a function that fails gives its slot back', async t => {
	const limiter = new Limiter({ concurrency: 1 });
	await t.throwsAsync(
		limiter.run(() => Promise.reject(new Error('denied')), never),
		{ message: 'denied' },
	);
	t.is(await limiter.run(() => Promise.resolve('ok'), never), 'ok');
});

test('a function whose caller aborts is never called and takes no slot', async t => {
	const limiter = new Limiter({ concurrency: 1 });
	const { promise, resolve } = Promise.withResolvers<string>();
	const first = limiter.run(() => promise, never);
	const patience = new AbortController();
	const second = limiter.run(() => Promise.resolve(t.fail()), patience.signal);
	const third = limiter.run(() => Promise.resolve('third'), never);
	t.is(limiter.waiting, 2);
	patience.abort(new Error('too long'));
	await t.throwsAsync(second, { message: 'too long' });
	resolve('first');
	t.deepEqual(await Promise.all([first, third]), ['first', 'third']);
	await t.throwsAsync(
		limiter.run(() => Promise.resolve(t.fail()), patience.signal),
		{ message: 'too long' },
	);
	t.is(limiter.active, 0);
});

test('a limiter with concurrency 0 cannot be created', t => {
	t.throws(() => new Limiter({ concurrency: 0 }), { message: /expected concurrency of at least 1, got 0/ });
});

test('a bucket gives its capacity at once, then one token per refill, and says how long to wait', async t => {
	const clock = new VirtualClock();
	const bucket = new TokenBucket({ clock, capacity: 2, refillPerSecond: 4 });
	t.deepEqual([bucket.take(), bucket.take(), bucket.take()], [0, 0, 250]);
	await clock.advance(250);
	t.is(bucket.take(), 0);
	t.false(bucket.full);
	await clock.advance(3_600_000);
	t.deepEqual([bucket.take(), bucket.take(), bucket.take()], [0, 0, 250]);
});

test('each rejected caller gets its own retry time, and a token then', async t => {
	const clock = new VirtualClock();
	const bucket = new TokenBucket({ clock, capacity: 1, refillPerSecond: 4 });
	t.true(bucket.full);
	bucket.take();
	t.deepEqual([bucket.take(), bucket.take(), bucket.take()], [250, 500, 750]);
	for (let i = 0; i < 3; i++) {
		await clock.advance(250);
		t.is(bucket.take(), 0);
	}
});

test('in any period a bucket gives at most its capacity and the refill of that period', async t => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.nat(300), { maxLength: 50 }), async pauses => {
			const clock = new VirtualClock();
			const bucket = new TokenBucket({ clock, capacity: 3, refillPerSecond: 10 });
			const start = clock.monotonic();
			let taken = 0;
			for (const ms of pauses) {
				await clock.advance(ms);
				while (bucket.take() === 0) taken++;
				t.true(taken <= 3 + (clock.monotonic() - start) / 100 + 1e-6);
			}
		}),
	);
});

// Waits grow, stay under their cap, keep a server's floor and spread callers.
import test from 'ava';
import fc from 'fast-check';
import { backoff, retryAfterFloor } from '../../src/runtime/backoff.ts';

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const options = fc.record({
	baseMs: fc.integer({ min: 1, max: 10_000 }),
	factor: fc.double({ min: 1, max: 10, noNaN: true }),
	capMs: fc.integer({ min: 1, max: 600_000 }),
});

test('with full jitter the wait lies between zero and the capped exponential', t => {
	fc.assert(
		fc.property(options, fc.nat(5_000), share, (some, attempt, r) => {
			const waitMs = backoff({ ...some, jitter: 'full' }, attempt, () => r);
			t.true(waitMs >= 0 && waitMs <= some.capMs && waitMs <= some.baseMs * some.factor ** attempt);
		}),
	);
});

test('with a jitter of j the wait lies between the capped exponential and 1 + j times as much', t => {
	fc.assert(
		fc.property(
			options,
			fc.nat(5_000),
			share,
			fc.double({ min: 0, max: 2, noNaN: true }),
			(some, n, r, jitter) => {
				const least = Math.min(some.capMs, some.baseMs * some.factor ** n);
				const waitMs = backoff({ ...some, jitter }, n, () => r);
				t.true(waitMs >= least && waitMs <= least * (1 + jitter));
			},
		),
	);
});

test('without jitter the wait never shrinks from one attempt to the next', t => {
	fc.assert(
		fc.property(options, fc.nat(100), share, (some, attempt, r) => {
			const wait = (n: number) => backoff({ ...some, jitter: 'full' }, n, () => r);
			t.true(wait(attempt + 1) >= wait(attempt));
		}),
	);
});

test('the default factor is two', t => {
	const waits = [0, 1, 2, 3].map(n => backoff({ baseMs: 100, capMs: 500, jitter: 0 }, n, Math.random));
	t.deepEqual(waits, [100, 200, 400, 500]);
});

test('a floor is kept, and callers with the same floor are spread over a tenth of it', t => {
	t.is(retryAfterFloor(undefined, 7, Math.random), 7);
	t.is(
		retryAfterFloor(5_000, 8_000, () => 0),
		8_000,
	);
	fc.assert(
		fc.property(fc.nat(100_000), fc.nat(100_000), share, (floorMs, waitMs, r) => {
			const result = retryAfterFloor(floorMs, waitMs, () => r);
			t.true(result >= floorMs && result >= waitMs && result <= Math.max(waitMs, floorMs * 1.1));
		}),
	);
});

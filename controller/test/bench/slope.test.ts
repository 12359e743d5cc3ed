// The verdict of a long run: growth is told apart from noise.
import test from 'ava';
import { trendOf } from '../../bench/soak/slope.ts';

/** Between -1 and 1, the same in each run. */
const noise = (index: number) => Math.sin(index * 12.9898) * 2 - Math.sin(index * 7.233);

const samples = (of: (index: number) => number) => Array.from({ length: 16 }, (_, index) => of(index));

test('a figure that grows by a little each minute is a trend, also under noise', t => {
	const { growth, isSteady } = trendOf(samples(index => 40 + 0.5 * index + noise(index)));
	t.true(isSteady);
	t.true(growth > 3 && growth < 12, String(growth));
});

test('noise around a level is no trend', t => {
	t.false(trendOf(samples(index => 40 + noise(index))).isSteady);
});

test('a figure that never changes, and one that falls, are no trends', t => {
	t.deepEqual(trendOf(samples(() => 24)), { growth: 0, isSteady: false });
	t.false(trendOf(samples(index => 40 - index)).isSteady);
});

test('two samples make no line', t => {
	t.throws(() => trendOf([1, 2]), { instanceOf: RangeError });
});

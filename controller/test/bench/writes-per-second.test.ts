// The rate of writes that the benchmark judges: the burst at the beginning is no part of it.
import test from 'ava';
import { secondsOfWrites } from '../../bench/scenarios/writes-per-second.ts';

test('writes are counted over stretches of ten seconds that begin one second after the first write', t => {
	const burst = Array.from({ length: 50 }, () => 5_000);
	const steady = Array.from({ length: 1_000 }, (_, index) => 6_000 + index * 20);
	t.deepEqual(secondsOfWrites([...burst, ...steady]), [50, 50]);
});

test('a stretch without writes counts as one', t => {
	t.deepEqual(secondsOfWrites([0, 1_000, 21_000]), [0.1, 0, 0.1]);
});

test('without writes there is no rate', t => {
	t.deepEqual(secondsOfWrites([]), []);
});

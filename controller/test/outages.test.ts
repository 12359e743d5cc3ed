// Who waits for a dependency that is out is woken when it answers, and meanwhile one at a time tries it.
import test from 'ava';
import { Outages } from '../src/outages.ts';
import { VirtualClock } from './helpers/virtual-clock.ts';

function someOutages() {
	const clock = new VirtualClock();
	const woken: string[] = [];
	const outages = new Outages({ clock, wake: key => void woken.push(key) });
	return {
		clock,
		outages,
		/** The keys woken since the last call. */
		woken: () => woken.splice(0),
		fail: (...keys: string[]) => {
			for (const key of keys) outages.failed('aws', key, clock.monotonic());
		},
	};
}

test('the first answer after an outage wakes everybody who waited for it', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a', 'ns/b', 'ns/c');
	await clock.advance(9_999);
	fail('ns/d');
	await clock.advance(1);
	woken();
	outages.answered('aws');
	t.deepEqual(woken(), ['ns/b', 'ns/c', 'ns/d']);
	outages.answered('aws');
	t.deepEqual(woken(), []);
});

test('an answer that comes sooner wakes nobody: failures now and then keep their backoff', async t => {
	const { clock, outages, woken, fail } = someOutages();
	for (let i = 0; i < 5; i++) {
		fail(`ns/${i}`);
		await clock.advance(1_000);
		outages.answered('aws');
	}

	t.deepEqual(woken(), []);
});

test('while many wait one of them tries every ten seconds, each in its turn', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a', 'ns/b', 'ns/c');
	const tried: string[] = [];
	for (let i = 0; i < 6; i++) {
		await clock.advance(10_000);
		const [key, ...more] = woken();
		t.deepEqual(more, []);
		tried.push(key!);
		outages.started(key!);
		fail(key!);
	}

	t.deepEqual(tried, ['ns/a', 'ns/b', 'ns/c', 'ns/a', 'ns/b', 'ns/c']);
});

test('the longer an outage lasts the more rarely it is tried, every five minutes in the end', async t => {
	const { clock, woken, fail } = someOutages();
	fail('ns/a');
	const waits: number[] = [];
	for (let i = 0; i < 100; i++) {
		waits.push(Math.round(await clock.runUntil(() => woken().length === 1, { maxMs: 400_000 })));
		fail('ns/a');
	}

	t.is(waits[0], 10_000);
	t.deepEqual(
		waits.toSorted((a, b) => a - b),
		waits,
	);
	t.is(waits.at(-1), 300_000);
});

test('a key that fails where others are answered keeps to its backoff', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/broken');
	for (let i = 0; i < 20; i++) {
		await clock.advance(5_000);
		outages.answered('aws');
		fail('ns/broken');
	}

	t.deepEqual(woken(), []);
});

test('an outage that begins right after an answer is tried as well', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a', 'ns/b');
	await clock.advance(5_000);
	outages.answered('aws');
	fail('ns/a');
	await clock.advance(15_000);
	t.deepEqual(woken(), ['ns/a']);
});

test('who runs, and who is served, is woken no more', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a', 'ns/b');
	outages.started('ns/a');
	outages.started('ns/b');
	await clock.advance(60_000);
	outages.answered('aws');
	t.deepEqual(woken(), []);
});

test('who had asked before the end of the outage and failed after it tries again at once', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a');
	const askedAt = clock.monotonic() + 8_000;
	await clock.advance(10_000);
	outages.answered('aws');
	woken();
	await clock.advance(2_000);
	outages.failed('aws', 'ns/late', askedAt);
	t.deepEqual(woken(), ['ns/late']);
	outages.failed('aws', 'ns/late', clock.monotonic());
	t.deepEqual(woken(), []);
});

test('the outage of one dependency is none of another', async t => {
	const { clock, outages, woken, fail } = someOutages();
	fail('ns/a');
	outages.failed('vault', 'ns/b', clock.monotonic());
	await clock.advance(9_000);
	outages.answered('vault');
	await clock.advance(1_000);
	woken();
	fail('ns/a');
	outages.failed('vault', 'ns/b', clock.monotonic());
	outages.answered('aws');
	t.deepEqual(woken(), ['ns/a']);
});

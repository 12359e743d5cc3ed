// Keys that wait for a dependency are requeued when it answers; meanwhile one key at a time probes it.
import test from 'ava';
import { DependencyHealth } from '../../src/sync/dependency-health.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

function someDependencies() {
	const clock = new VirtualClock();
	const requeued: string[] = [];
	const dependencyHealth = new DependencyHealth({ clock, requeue: key => void requeued.push(key) });
	return {
		clock,
		dependencyHealth,
		/** The keys requeued since the last call. */
		requeued: () => requeued.splice(0),
		fail: (...keys: string[]) => {
			for (const key of keys) dependencyHealth.failed('aws', key, clock.monotonic());
		},
	};
}

test('the first answer after an outage requeues every key that waited for it', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a', 'ns/b', 'ns/c');
	await clock.advance(9_999);
	fail('ns/d');
	await clock.advance(1);
	requeued();
	dependencyHealth.answered('aws');
	t.deepEqual(requeued(), ['ns/b', 'ns/c', 'ns/d']);
	dependencyHealth.answered('aws');
	t.deepEqual(requeued(), []);
});

test('an answer before that requeues nothing: occasional failures keep their backoff', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	for (let i = 0; i < 5; i++) {
		fail(`ns/${i}`);
		await clock.advance(1_000);
		dependencyHealth.answered('aws');
	}

	t.deepEqual(requeued(), []);
});

test('while many keys wait, one of them probes every ten seconds, each in turn', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a', 'ns/b', 'ns/c');
	const tried: string[] = [];
	for (let i = 0; i < 6; i++) {
		await clock.advance(10_000);
		const [key, ...more] = requeued();
		t.deepEqual(more, []);
		tried.push(key!);
		dependencyHealth.started(key!);
		fail(key!);
	}

	t.deepEqual(tried, ['ns/a', 'ns/b', 'ns/c', 'ns/a', 'ns/b', 'ns/c']);
});

test('the longer an outage lasts, the rarer the probes; the longest interval is five minutes', async t => {
	const { clock, requeued, fail } = someDependencies();
	fail('ns/a');
	const waits: number[] = [];
	for (let i = 0; i < 100; i++) {
		waits.push(Math.round(await clock.runUntil(() => requeued().length === 1, { maxMs: 400_000 })));
		fail('ns/a');
	}

	t.is(waits[0], 10_000);
	t.deepEqual(
		waits.toSorted((a, b) => a - b),
		waits,
	);
	t.is(waits.at(-1), 300_000);
});

test('a key that fails while other keys are answered keeps its backoff', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/broken');
	for (let i = 0; i < 20; i++) {
		await clock.advance(5_000);
		dependencyHealth.answered('aws');
		fail('ns/broken');
	}

	t.deepEqual(requeued(), []);
});

test('an outage that begins right after an answer is probed, too', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a', 'ns/b');
	await clock.advance(5_000);
	dependencyHealth.answered('aws');
	fail('ns/a');
	await clock.advance(15_000);
	t.deepEqual(requeued(), ['ns/a']);
});

test('a key that runs, or that was served, is not requeued', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a', 'ns/b');
	dependencyHealth.started('ns/a');
	dependencyHealth.started('ns/b');
	await clock.advance(60_000);
	dependencyHealth.answered('aws');
	t.deepEqual(requeued(), []);
});

test('a key that called before the end of an outage and failed after it runs again at once', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a');
	const askedAt = clock.monotonic() + 8_000;
	await clock.advance(10_000);
	dependencyHealth.answered('aws');
	requeued();
	await clock.advance(2_000);
	dependencyHealth.failed('aws', 'ns/late', askedAt);
	t.deepEqual(requeued(), ['ns/late']);
	dependencyHealth.failed('aws', 'ns/late', clock.monotonic());
	t.deepEqual(requeued(), []);
});

test('the outage of one dependency does not affect another', async t => {
	const { clock, dependencyHealth, requeued, fail } = someDependencies();
	fail('ns/a');
	dependencyHealth.failed('vault', 'ns/b', clock.monotonic());
	await clock.advance(9_000);
	dependencyHealth.answered('vault');
	await clock.advance(1_000);
	requeued();
	fail('ns/a');
	dependencyHealth.failed('vault', 'ns/b', clock.monotonic());
	dependencyHealth.answered('aws');
	t.deepEqual(requeued(), ['ns/a']);
});

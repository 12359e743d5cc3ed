// Memory for values: a run takes it before it reads, waits for it outside of the queue, and always gives it back.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { SecretProvider } from '../../src/providers/provider.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { ByteBudget } from '../../src/runtime/byte-budget.ts';
import { bytesHeldFor, VALUE_MEMORY } from '../../src/sync/memory-limits.ts';
import { Reading, SecretReader } from '../../src/sync/secret-reader.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { aReconcile } from './reconcile-fixture.ts';

/** Values of 900 kB that one provider may have under way. */
const AT_ONCE = Math.floor(VALUE_MEMORY.largeShare / bytesHeldFor(900_000));

const large = (bytes: number) =>
	new SecretValue({ payload: JSON.stringify({ a: 'x'.repeat(bytes) }), version: 'v' });

test('large values are under way as far as memory has room, and each is written in its turn', async t => {
	const most = { now: 0, ever: 0 };
	const { run, addPod, answers, clock, granted, budget, written, events } = aReconcile({
		async beforeWrite() {
			most.ever = Math.max(most.ever, ++most.now);
			await clock.sleep(100);
			most.now--;
		},
	});
	answers(async () => large(900_000));
	const keys = Array.from({ length: 10 }, (_, i) => `s${i}`);
	for (const name of keys) {
		addPod(`/prod/${name}`, name);
	}

	const first = Promise.all(keys.map(name => run(undefined, `ns/${name}`)));
	await clock.advance(1_000);
	const results = await first;
	t.is(most.ever, AT_ONCE);
	t.is(results.filter(result => result !== undefined).length, 10 - AT_ONCE, 'these come back later');
	for (let turn = 0; turn < granted.length; turn++) {
		const next = run(undefined, granted[turn]!);
		await clock.advance(100);
		t.is(await next, undefined);
	}

	t.deepEqual(written.map(({ name }) => name).sort(), keys);
	t.is(most.ever, AT_ONCE);
	t.is(budget.inFlight, 0);
	t.true(
		events.every(({ reason }) => reason === 'SecretSyncSuccess'),
		'waiting for memory is no failure',
	);
});

test('a key that waits for memory reads nothing, and leaves the line with its last pod', async t => {
	const { run, addPod, answers, reads, budget, requests } = aReconcile();
	budget.claim({ key: 'other/1', purpose: '', group: 'aws', priority: 0 })!.resize(VALUE_MEMORY.share);
	answers(async () => large(900_000));
	const pod = addPod();
	t.deepEqual(await run(), { requeueAfterMs: 60_000 });
	t.deepEqual(await run(), { requeueAfterMs: 60_000 });
	t.is(reads(), 1);
	t.is(budget.waiting, 1);
	requests.update({ before: pod });
	t.is(await run(), undefined);
	t.is(budget.waiting, 0);
});

test('a run that fails or is stopped gives its memory back', async t => {
	const { run, addPod, answers, budget } = aReconcile({
		async beforeWrite() {
			throw new JasmError('writing', { code: 'SECRET_REJECTED' });
		},
	});
	answers(async () => large(900_000));
	addPod();
	await t.throwsAsync(run(), { code: 'SECRET_REJECTED' });
	t.is(budget.inFlight, 0);
});

/** A reader over the real limits, with reads that a test lets go. */
function aReader({ read }: { readonly read?: SecretProvider['read'] } = {}) {
	const clock = new VirtualClock();
	const granted: string[] = [];
	const budget = new ByteBudget({ ...VALUE_MEMORY, onGrant: key => void granted.push(key) });
	let calls = 0;
	const reader = new SecretReader({
		providers: {
			get: async () => ({
				async read(reference, signal, room) {
					calls++;
					room?.reserve(900_000);
					await clock.sleep(20, signal);
					return (await read?.(reference, signal, room)) ?? large(900_000);
				},
			}),
		},
		concurrencyOf: () => 64,
		budget,
		clock,
		metrics: createMetrics(),
		joinWindowMs: 250,
	});
	const ask = (key: string, path = key, signal = new AbortController().signal, provider = 'vault') =>
		reader.read(provider, { path }, { key, priority: 0, signal });
	return { clock, granted, budget, reader, ask, calls: () => calls };
}

const settled = (promise: Promise<unknown>) =>
	promise.then(
		() => 'read',
		error => error.code as string,
	);

test('a read that is called off gives its memory back, and the next one in line gets it', async t => {
	const { clock, granted, budget, ask } = aReader();
	const stop = new AbortController();
	const reads = Array.from({ length: AT_ONCE }, (_, i) => ask(`a/${i}`, undefined, stop.signal));
	t.is(await settled(ask('b/1')), 'MEMORY_BUSY');
	stop.abort(new JasmError('stopping', { code: 'ABORTED' }));
	t.deepEqual(await Promise.all(reads.map(settled)), Array(AT_ONCE).fill('ABORTED'));
	await clock.advance(0);
	t.deepEqual(granted, ['b/1']);
	const [reading] = await Promise.all([ask('b/1'), clock.advance(20)]);
	reading.release();
	t.is(budget.inFlight, 0);
});

test('a read that ends at its deadline gives its memory back', async t => {
	const { clock, budget, ask } = aReader({
		async read() {
			throw new JasmError('no answer', { code: 'PROVIDER_UNAVAILABLE' });
		},
	});
	const [code] = await Promise.all([settled(ask('a/1')), clock.advance(20)]);
	t.is(code, 'PROVIDER_UNAVAILABLE');
	t.is(budget.inFlight, 0);
});

test('askers of one value share the call, and each holds memory of its own', async t => {
	const { clock, budget, ask, calls } = aReader();
	const reads = Array.from({ length: AT_ONCE + 2 }, (_, i) =>
		ask(`a/${i}`, 'shared').catch(error => error as JasmError),
	);
	await clock.advance(20);
	const results = await Promise.all(reads);
	t.is(calls(), 1);
	const readings = results.filter(result => result instanceof Reading);
	t.is(readings.length, AT_ONCE);
	t.is(budget.inFlight, AT_ONCE * bytesHeldFor(900_000));
	t.is(budget.waiting, 2);
	for (const reading of readings) {
		t.is(reading.take().size, 900_008);
		t.throws(() => reading.take(), { message: /taken before/ });
		reading.release();
	}

	t.is(budget.waiting, 0);
	t.is(budget.inFlight, 2 * bytesHeldFor(900_000), 'reserved for the two that waited');
	const again = [0, 1].map(i => ask(`a/${AT_ONCE + i}`, 'shared'));
	await clock.advance(20);
	for (const reading of await Promise.all(again)) {
		reading.release();
	}

	t.is(calls(), 2);
	t.is(budget.inFlight, 0);
});

test('a value that all askers left while it was on its way leaves nothing behind', async t => {
	const { clock, budget, ask } = aReader();
	const stop = new AbortController();
	const left = settled(ask('a/1', 'p', stop.signal));
	await clock.advance(10);
	t.true(budget.inFlight > 0);
	stop.abort(new JasmError('stopping', { code: 'ABORTED' }));
	t.is(await left, 'ABORTED');
	await clock.advance(20);
	t.is(budget.inFlight, 0);
});

test('a store that hangs leaves memory for the reads of another store', async t => {
	const { clock, ask, budget } = aReader();
	const hung = Array.from({ length: 10 }, (_, i) => settled(ask(`a/${i}`, undefined, undefined, 'hung')));
	t.true(budget.inFlight <= VALUE_MEMORY.share);
	const largest = await Promise.race([settled(ask('b/1', undefined, undefined, 'vault')), clock.advance(20)]);
	t.not(largest, 'MEMORY_BUSY');
	await Promise.all(hung);
});

test('a small value of another namespace never waits, however many large ones do', async t => {
	const clock = new VirtualClock();
	const budget = new ByteBudget({ ...VALUE_MEMORY, onGrant: () => {} });
	const reader = new SecretReader({
		providers: {
			get: async () => ({
				async read({ path }, signal, room) {
					const bytes = path.startsWith('large') ? 900_000 : 300;
					room?.reserve(bytes);
					await clock.sleep(20, signal);
					return large(bytes);
				},
			}),
		},
		concurrencyOf: () => 64,
		budget,
		clock,
		metrics: createMetrics(),
		joinWindowMs: 250,
	});
	const signal = new AbortController().signal;
	const ask = (path: string) =>
		settled(reader.read('vault', { path }, { key: `ns/${path}`, priority: 0, signal }));
	const heavy = Array.from({ length: 100 }, (_, i) => ask(`large-${i}`));
	const light = Array.from({ length: 40 }, (_, i) => ask(`small-${i}`));
	await clock.advance(40);
	t.deepEqual(new Set(await Promise.all(light)), new Set(['read']));
	t.is((await Promise.all(heavy)).filter(code => code === 'MEMORY_BUSY').length, 100 - AT_ONCE);
	t.is(budget.waiting, 100 - AT_ONCE);
});

// Reads are shared while they are recent enough, limited per provider, and counted.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { SecretProvider } from '../../src/providers/provider.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { ByteBudget } from '../../src/runtime/byte-budget.ts';
import { VALUE_MEMORY } from '../../src/sync/memory-limits.ts';
import { type Asker, SecretReader } from '../../src/sync/secret-reader.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

const never = new AbortController().signal;

let askers = 0;

/** A key of its own, in namespace ns by default. */
const asker = (over: Partial<Asker> = {}): Asker => ({
	key: `ns/${++askers}`,
	priority: 0,
	signal: never,
	...over,
});

function aReader(read: SecretProvider['read'], concurrency = 64, rates: Record<string, number> = {}) {
	const clock = new VirtualClock();
	const metrics = createMetrics();
	let calls = 0;
	const provider: SecretProvider = {
		async read(reference, signal) {
			calls++;
			await clock.sleep(100, signal);
			return read(reference, signal);
		},
	};
	const reader = new SecretReader({
		providers: { get: async () => provider },
		concurrencyOf: () => concurrency,
		rateOf: name => rates[name],
		budget: new ByteBudget({ ...VALUE_MEMORY, onGrant: () => {} }),
		clock,
		metrics,
		joinWindowMs: 250,
	});
	return { clock, metrics, reader, calls: () => calls };
}

const value = async () => new SecretValue({ payload: Buffer.from('x'), version: 'v1' });

test('concurrent reads of one secret share one call and its start time', async t => {
	const { clock, reader, calls } = aReader(value);
	const began = clock.monotonic();
	const first = reader.read('aws', { path: '/p' }, asker());
	await clock.advance(50);
	const second = reader.read('aws', { path: '/p' }, asker());
	await clock.advance(100);
	t.is(calls(), 1);
	t.is((await first).startedAt, began);
	t.is((await second).startedAt, began);
});

test('other paths, versions and providers are other reads', async t => {
	const { clock, reader, calls } = aReader(value);
	const reads = [
		reader.read('aws', { path: '/p' }, asker()),
		reader.read('aws', { path: '/q' }, asker()),
		reader.read('aws', { path: '/p', version: '1' }, asker()),
		reader.read('other', { path: '/p' }, asker()),
	];
	await clock.advance(100);
	await Promise.all(reads);
	t.is(calls(), 4);
});

test('a provider gets no more calls at a time than allowed, and a read begins when its call is made', async t => {
	const { clock, reader, calls } = aReader(value, 1);
	const began = clock.monotonic();
	const reads = [reader.read('aws', { path: '/a' }, asker()), reader.read('aws', { path: '/b' }, asker())];
	await clock.advance(50);
	t.is(calls(), 1);
	await clock.advance(150);
	t.is((await reads[1]!).startedAt, began + 100);
});

test('a provider with a rate is called at most that often, and no other provider waits for it', async t => {
	const { clock, reader, calls } = aReader(value, 64, { slow: 10 });
	const began = clock.monotonic();
	const slow = Array.from({ length: 30 }, (_, index) => reader.read('slow', { path: `/${index}` }, asker()));
	await clock.advance(0);
	t.is(calls(), 10);
	const other = reader.read('aws', { path: '/p' }, asker());
	await clock.advance(1_000);
	t.is((await other).startedAt, began);
	t.is(calls(), 21);
	await clock.advance(1_100);
	const last = Math.max(...(await Promise.all(slow)).map(({ startedAt }) => startedAt));
	t.is(last, began + 2_000);
});

test('a waiting read can be aborted, and then uses up none of the allowance', async t => {
	const { clock, reader, calls } = aReader(value, 64, { slow: 1 });
	const controller = new AbortController();
	await Promise.race([reader.read('slow', { path: '/a' }, asker()), clock.advance(0)]);
	const waiting = reader.read('slow', { path: '/b' }, asker({ signal: controller.signal }));
	controller.abort(new JasmError('stopping', { code: 'ABORTED' }));
	await t.throwsAsync(waiting, { instanceOf: JasmError });
	t.is(calls(), 1);
});

test('every call is counted by its outcome', async t => {
	let fail = false;
	const { clock, reader, metrics } = aReader(async () => {
		if (fail) {
			throw new JasmError('reading', { code: 'PROVIDER_DENIED' });
		}

		return value();
	});
	const good = reader.read('aws', { path: '/a' }, asker());
	await clock.advance(100);
	await good;
	fail = true;
	const bad = reader.read('aws', { path: '/a' }, asker());
	const refused = t.throwsAsync(bad, { code: 'PROVIDER_DENIED' });
	await clock.advance(100);
	await refused;
	t.deepEqual(
		(await metrics.providerReads.get()).values.map(({ labels, value: count }) => [labels.outcome, count]),
		[
			['Success', 1],
			['PROVIDER_DENIED', 1],
		],
	);
});

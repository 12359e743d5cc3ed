// One run of one key: what is decided before anything is called, and what a failure leaves behind.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { aReconcile, dataOf } from './reconcile-fixture.ts';

test('a request becomes a Secret, and its pod hears of it', async t => {
	const { run, addPod, written, events } = aReconcile();
	addPod();
	t.is(await run(), undefined);
	t.deepEqual(dataOf(written[0]!), { a: 'MQ==' });
	t.deepEqual(events, [{ pod: 'p1', reason: 'SecretSyncSuccess' }]);
});

test('a hundred replicas that appear together cost one read and one write, and each hears of it', async t => {
	const { run, addPod, reads, written, events } = aReconcile();
	for (let i = 0; i < 100; i++) {
		addPod();
	}

	await run();
	t.is(await run(), undefined);
	t.deepEqual([reads(), written.length, events.length], [1, 1, 100]);
});

test('a key that no pod asks for is forgotten without a call', async t => {
	const { run, addPod, requests, states, reads } = aReconcile();
	const pod = addPod();
	states.load('ns/s', requests.of('ns/s')!);
	requests.update({ before: pod });
	t.is(await run(), undefined);
	t.is(states.get('ns/s'), undefined);
	t.is(reads(), 0);
});

test('a denied path is reported without a call, even if an earlier run wrote its Secret', async t => {
	const { run, addPod, events, reads, written } = aReconcile({ paths: ['/other/**'], adopted: '7' });
	addPod();
	await t.throwsAsync(run(), { code: 'POLICY_DENIED' });
	t.deepEqual(events, [{ pod: 'p1', reason: 'PolicyDenied' }]);
	t.is(reads() + written.length, 0);
});

test('a source that asks for a pause gets it, however many new pods ask', async t => {
	const { run, addPod, answers, clock, reads } = aReconcile();
	answers(async () => {
		throw new JasmError('reading', { code: 'PROVIDER_THROTTLED', retryAfterMs: 20_000 });
	});
	addPod();
	await t.throwsAsync(run(), { code: 'PROVIDER_THROTTLED' });
	await clock.advance(5_000);
	addPod();
	t.deepEqual(await run(), { requeueAfterMs: 15_000 });
	t.is(reads(), 1);
	await clock.advance(15_000);
	await t.throwsAsync(run(), { code: 'PROVIDER_THROTTLED' });
	t.is(reads(), 2);
});

test('a run that is stopped from outside reports no failure', async t => {
	const { run, addPod, answers, events, metrics, reads } = aReconcile();
	const stop = new AbortController();
	answers(async () => {
		stop.abort(new Error('stopping'));
		throw new Error('cut off');
	});
	addPod();
	await t.throwsAsync(run(stop.signal));
	t.deepEqual(events, []);
	t.deepEqual((await metrics.syncs.get()).values, []);
	await t.throwsAsync(run());
	t.is(reads(), 2, 'the next run is not delayed');
});

test('a failure without a code is a bug of JASM, reported by code and without its text', async t => {
	const { run, addPod, answers, events } = aReconcile();
	answers(async () => {
		throw new SyntaxError('Unexpected token in "hunter2"');
	});
	addPod();
	const error = await t.throwsAsync<JasmError>(run(), { code: 'INTERNAL' });
	t.false(error!.message.includes('hunter2'));
	t.deepEqual(events, [{ pod: 'p1', reason: 'SecretSyncFailed' }]);
});

test('the duration of a sync counts for the pods that waited for it, not for those that were served long ago', async t => {
	const { run, addPod, clock, metrics } = aReconcile();
	addPod();
	await run();
	await clock.advance(3_600_000);
	addPod();
	await run();
	const { values } = await metrics.syncDuration.get();
	t.true(values.find(({ metricName }) => metricName?.endsWith('_sum'))!.value < 1);
});

test('a Secret that another client changed is restored, and that is reported', async t => {
	const { run, addPod, states, clock, written, events } = aReconcile();
	addPod();
	await run();
	states.get('ns/s')!.observed('99', clock.monotonic());
	await run();
	t.is(written.length, 2);
	t.deepEqual(events.at(-1), { pod: 'p1', reason: 'SecretCorrected' });
});

test('a request without an answer is tried again during the outage, one with Retry-After is not', async t => {
	for (const [retryAfterMs, tries] of [
		[undefined, 1],
		[60_000, 0],
	] as const) {
		const { run, addPod, answers, requeued, clock } = aReconcile();
		addPod();
		answers(async () => {
			const options = retryAfterMs === undefined ? {} : { retryAfterMs };
			throw new JasmError('reading secret', { code: 'PROVIDER_UNAVAILABLE', ...options });
		});
		await t.throwsAsync(run(), { message: 'reading secret' });
		await clock.advance(10_000);
		t.is(requeued.length, tries);
	}
});

test('a lost answer to a write makes the request that wins again be written again', async t => {
	let lost = false;
	const { run, addPod, requests, written } = aReconcile({
		async beforeWrite() {
			if (lost) {
				lost = false;
				throw new JasmError('writing a secret: no answer', { code: 'KUBERNETES_UNAVAILABLE' });
			}
		},
	});
	addPod('/prod/a');
	await run();
	const newer = addPod('/prod/b');
	lost = true;
	await t.throwsAsync(run(), { code: 'KUBERNETES_UNAVAILABLE' });
	requests.update({ before: newer });
	await run();
	t.deepEqual(
		written.map(({ annotations }) => annotations['jasm.codnod.io/source-path']),
		['/prod/a', '/prod/a'],
	);
});

test('a write names the version of the write before it', async t => {
	const { run, addPod, hints, clock } = aReconcile();
	addPod();
	await run();
	await clock.advance(1_000);
	addPod();
	await run();
	t.deepEqual(
		hints.map(({ resourceVersion }) => resourceVersion),
		[undefined, '1'],
	);
});

// One run of one key: what is decided before anything is called, and what a failure leaves behind.
import test from 'ava';
import { JasmError } from '../src/errors.ts';
import type { SecretManifest } from '../src/kubernetes/types.ts';
import { createLogger } from '../src/logger.ts';
import { createMetrics } from '../src/metrics.ts';
import { Outages } from '../src/outages.ts';
import { compilePolicy } from '../src/policy.ts';
import { createReconcile } from '../src/reconcile.ts';
import { Requests } from '../src/requests.ts';
import { SecretReader } from '../src/secret-reader.ts';
import { SecretValue } from '../src/secret-value.ts';
import { History } from '../src/sync-history.ts';
import { Teller } from '../src/tell.ts';
import { VirtualClock } from './helpers/virtual-clock.ts';

type Stage = {
	readonly paths?: readonly string[];
	readonly recall?: boolean;
	readonly beforeWrite?: () => Promise<void>;
};

function aReconcile({ paths = ['/prod/**'], recall = false, beforeWrite = async () => {} }: Stage = {}) {
	const clock = new VirtualClock();
	const metrics = createMetrics();
	const events: { pod: string; reason: string }[] = [];
	const written: SecretManifest[] = [];
	const requests = new Requests();
	const history = new History();
	const woken: string[] = [];
	let reads = 0;
	let answer = async (): Promise<SecretValue> =>
		new SecretValue({ payload: Buffer.from('{"a":"1"}'), version: `v${reads}` });
	const reader = new SecretReader({
		providers: {
			get: async () => ({
				read: async () => {
					reads++;
					return answer();
				},
			}),
		},
		concurrencyOf: () => 64,
		clock,
		metrics,
		joinWindowMs: 250,
	});
	const reconcile = createReconcile({
		requests,
		policy: compilePolicy([{ namespaces: ['ns'], provider: 'aws', paths }], { ownNamespace: 'jasm' }),
		reader,
		validatePath: () => {},
		allowance: () => 0,
		writer: {
			async write(secret) {
				await beforeWrite();
				written.push(secret);
				return { verb: 'created', resourceVersion: String(written.length) };
			},
		},
		history,
		outages: new Outages({ clock, wake: key => void woken.push(key) }),
		...(recall && { recall: () => ({ resourceVersion: '7' }) }),
		teller: new Teller({
			logger: createLogger({ level: 'silent' }),
			metrics,
			recordEvent: ({ name: pod }, { reason }) => void events.push({ pod, reason }),
		}),
		clock,
		joinWindowMs: 250,
	});
	let pods = 0;
	return {
		clock,
		metrics,
		events,
		written,
		history,
		woken,
		reads: () => reads,
		answers(next: typeof answer) {
			answer = next;
		},
		addPod(path = '/prod/a', secretName = 's') {
			const name = `p${++pods}`;
			const annotation = `provider: aws\npath: ${path}\nsecretName: ${secretName}\n`;
			const seenAt = clock.monotonic();
			requests.update({
				after: { uid: name, name, namespace: 'ns', createdAt: clock.now(), seenAt, annotation },
			});
		},
		run: (signal = new AbortController().signal, key = 'ns/s') =>
			reconcile(key, { signal, attempt: 0, priority: 0 }),
	};
}

test('a request becomes a Secret and the pod is told', async t => {
	const { run, addPod, written, events } = aReconcile();
	addPod();
	t.is(await run(), undefined);
	t.deepEqual({ ...written[0]!.data }, { a: 'MQ==' });
	t.deepEqual(events, [{ pod: 'p1', reason: 'SecretSyncSuccess' }]);
});

test('a hundred replicas that appear together cost one read and one write, and each is told', async t => {
	const { run, addPod, reads, written, events } = aReconcile();
	for (let i = 0; i < 100; i++) {
		addPod();
	}

	await run();
	t.is(await run(), undefined);
	t.deepEqual([reads(), written.length, events.length], [1, 1, 100]);
});

test('a key that nobody asks for is forgotten, and nobody is called', async t => {
	const { run, history, reads } = aReconcile();
	history.failed('ns/s', 'x', 0);
	t.is(await run(), undefined);
	t.false(history.knows('ns/s'));
	t.is(reads(), 0);
});

test('a denied path is told without a call, even where an earlier run wrote its Secret', async t => {
	const { run, addPod, events, reads, written } = aReconcile({ paths: ['/other/**'], recall: true });
	addPod();
	await t.throwsAsync(run(), { code: 'POLICY_DENIED' });
	t.deepEqual(events, [{ pod: 'p1', reason: 'PolicyDenied' }]);
	t.is(reads() + written.length, 0);
});

test('a source that asked to be left alone is, however many new pods ask', async t => {
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

test('a run that is stopped from outside tells nobody that anything failed', async t => {
	const { run, addPod, answers, events, metrics, history } = aReconcile();
	const stop = new AbortController();
	answers(async () => {
		stop.abort(new Error('stopping'));
		throw new Error('cut off');
	});
	addPod();
	await t.throwsAsync(run(stop.signal));
	t.deepEqual(events, []);
	t.deepEqual((await metrics.syncs.get()).values, []);
	t.false(history.knows('ns/s'));
});

test('a failure without a code is a bug of ours, told by code and without its text', async t => {
	const { run, addPod, answers, events } = aReconcile();
	answers(async () => {
		throw new SyntaxError('Unexpected token in "hunter2"');
	});
	addPod();
	const error = await t.throwsAsync<JasmError>(run(), { code: 'INTERNAL' });
	t.false(error!.message.includes('hunter2'));
	t.deepEqual(events, [{ pod: 'p1', reason: 'SecretSyncFailed' }]);
});

test('how long a sync took is counted for those who waited for it, not for those served long ago', async t => {
	const { run, addPod, clock, metrics } = aReconcile();
	addPod();
	await run();
	await clock.advance(3_600_000);
	addPod();
	await run();
	const { values } = await metrics.syncDuration.get();
	t.true(values.find(({ metricName }) => metricName?.endsWith('_sum'))!.value < 1);
});

test('few large values are under way at once, so that memory holds them', async t => {
	const most = { now: 0, ever: 0 };
	const { run, addPod, answers, clock } = aReconcile({
		async beforeWrite() {
			most.ever = Math.max(most.ever, ++most.now);
			await clock.sleep(100);
			most.now--;
		},
	});
	const payload = Buffer.from(JSON.stringify({ a: 'x'.repeat(100_000) }));
	answers(async () => new SecretValue({ payload, version: 'v' }));
	for (let i = 0; i < 10; i++) {
		addPod('/prod/a', `s${i}`);
	}

	const runs = Promise.all(Array.from({ length: 10 }, (_, i) => run(undefined, `ns/s${i}`)));
	await clock.advance(1_000);
	await runs;
	t.is(most.ever, 4);
});

test('a Secret that somebody else changed is restored, and that is told', async t => {
	const { run, addPod, history, clock, written, events } = aReconcile();
	addPod();
	await run();
	history.changed('ns/s', '99', clock.monotonic());
	await run();
	t.is(written.length, 2);
	t.deepEqual(events.at(-1), { pod: 'p1', reason: 'SecretCorrected' });
});

test('who had no answer tries again during the outage, who was told when to come back does not', async t => {
	for (const [retryAfterMs, tries] of [
		[undefined, 1],
		[60_000, 0],
	] as const) {
		const { run, addPod, answers, woken, clock } = aReconcile();
		addPod();
		answers(async () => {
			const options = retryAfterMs === undefined ? {} : { retryAfterMs };
			throw new JasmError('reading secret', { code: 'PROVIDER_UNAVAILABLE', ...options });
		});
		await t.throwsAsync(run(), { message: 'reading secret' });
		await clock.advance(10_000);
		t.is(woken.length, tries);
	}
});

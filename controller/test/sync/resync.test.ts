// What one reconcile does with a read for which no notice came.
import test from 'ava';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { aReconcile, dataOf } from './reconcile-fixture.ts';

const answer = (text: string, version: string) => async () =>
	new SecretValue({ payload: Buffer.from(`{"a":"${text}"}`), version });

/** A Secret that was written once; the next run is one without a notice. */
async function aResync(version: string, versionAfter?: (writes: number) => string) {
	const environment = aReconcile({ rereadMs: 5_000, ...(versionAfter && { versionAfter }) });
	const { clock, states } = environment;
	environment.answers(answer('first', version));
	environment.addPod();
	await environment.run();
	await clock.advance(60_000);
	states.get('ns/s')!.source!.resync(clock.monotonic());
	const differences = async () =>
		(await environment.metrics.resyncDifferences.get()).values.map(({ value }) => value);
	return { ...environment, differences };
}

test('the version that is written is not written again', async t => {
	const { run, reads, written, events, differences } = await aResync('v1');
	t.is(await run(), undefined);
	t.is(reads(), 2);
	t.is(written.length, 1);
	t.deepEqual(await differences(), []);
	t.is(await run(), undefined);
	t.is(reads(), 2, 'once');
	t.deepEqual(
		events.map(({ reason }) => reason),
		['SecretSyncSuccess'],
	);
});

test('another version is written, counted, and told to the newest pod', async t => {
	const { run, answers, written, events, differences } = await aResync('v1');
	answers(answer('second', 'v2'));
	await run();
	t.deepEqual(dataOf(written.at(-1)!), { a: Buffer.from('second').toString('base64') });
	t.deepEqual(await differences(), [1]);
	t.deepEqual(
		events.map(({ reason }) => reason),
		['SecretSyncSuccess', 'SecretUpdated'],
	);
});

test('where the store has no versions, the Secret is written, and counts if that changed it', async t => {
	const same = await aResync('', () => '1');
	await same.run();
	t.is(same.written.length, 2);
	t.deepEqual(await same.differences(), []);

	const other = await aResync('');
	other.answers(answer('second', ''));
	await other.run();
	t.is(other.written.length, 2);
	t.deepEqual(await other.differences(), [1]);
	t.deepEqual(
		other.events.map(({ reason }) => reason),
		['SecretSyncSuccess', 'SecretUpdated'],
	);
});

test('a difference that a new pod brings to light is told to that pod as its success', async t => {
	const { run, answers, addPod, events, differences } = await aResync('v1');
	answers(answer('second', 'v2'));
	addPod();
	await run();
	t.deepEqual(await differences(), [1]);
	t.deepEqual(
		events.map(({ pod, reason }) => `${pod} ${reason}`),
		['p1 SecretSyncSuccess', 'p2 SecretSyncSuccess'],
	);
});

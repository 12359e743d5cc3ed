// What recording Events promises: it tells when it can, stays within its limits, and never stands in the way.
import test, { type ExecutionContext } from 'ava';
import { EventRecorder, type PodEvent } from '../../src/kubernetes/event-recorder.ts';
import type { PodRef } from '../../src/kubernetes/types.ts';
import { answers } from '../../testing/index.ts';
import { until } from '../helpers/clocks/until.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { apiServer, wired } from '../helpers/watches/wired.ts';

const pod: PodRef = { namespace: 'default', name: 'web-1', uid: 'u-1' };
const EVENTS = { resource: 'events', verb: 'create' } as const;

const event = (note = 'a note', overrides: Partial<PodEvent> = {}): PodEvent => ({
	type: 'Normal',
	reason: 'SecretSyncSuccess',
	action: 'SyncSecret',
	note,
	...overrides,
});

async function recording(t: ExecutionContext) {
	const server = await apiServer(t);
	const clock = new VirtualClock();
	const counts = { sent: 0, failed: 0, dropped: [] as string[] };
	const recorder = new EventRecorder({
		client: wired(t, server, { clock }).raw,
		clock,
		random: () => 0.5,
		controller: 'jasm',
		instance: 'jasm-0',
		onSent: () => counts.sent++,
		onFailed: () => counts.failed++,
		onDropped: reason => counts.dropped.push(reason),
	});
	const idle = () => recorder.flush(60_000);
	const notes = () => server.list('Event').map(({ message }) => message);
	return { server, clock, recorder, counts, idle, notes };
}

test('an Event names the pod, the replica, the reason and the time', async t => {
	const { server, recorder, counts, idle } = await recording(t);
	recorder.record(pod, event('Successfully synchronized'));
	await idle();
	// As core/v1 shows it, which is what kubectl describe reads.
	const [stored] = server.list('Event');
	t.like(stored, {
		type: 'Normal',
		reason: 'SecretSyncSuccess',
		action: 'SyncSecret',
		message: 'Successfully synchronized',
		eventTime: '2030-01-01T00:00:00.000000Z',
		reportingComponent: 'jasm',
		reportingInstance: 'jasm-0',
		involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-1', uid: 'u-1' },
	});
	t.regex(stored?.metadata.name ?? '', /^web-1\.[0-9a-f]+$/);
	t.is(counts.sent, 1);
});

test('recording returns at once and throws nothing while the API server hangs, refuses and fails', async t => {
	const { server, recorder, counts, clock } = await recording(t);
	server.faults.inject(EVENTS, { hang: true });
	server.faults.inject(EVENTS, { answer: answers.internalError });
	server.faults.inject(EVENTS, { answer: { status: 403, reason: 'Forbidden' } });
	for (const note of ['hangs', 'fails', 'is refused', 'is told']) recorder.record(pod, event(note));
	t.is(recorder.pending, 4);
	await clock.advance(100);
	await until(() => counts.failed === 2 && counts.sent === 1);
	await clock.advance(10_000);
	await until(() => recorder.pending === 0);
	t.like(counts, { sent: 1, failed: 3 });
	t.is(server.requests.count(EVENTS), 4, 'nothing is tried again');
});

test('no more than two Events are under way, the others wait behind everything else', async t => {
	const { server, recorder, clock } = await recording(t);
	server.faults.inject(EVENTS, { hang: true }, Number.POSITIVE_INFINITY);
	for (let i = 0; i < 5; i++) recorder.record({ ...pod, uid: `u${i}` }, event());
	await clock.advance(100);
	await until(() => server.requests.count(EVENTS) === 2);
	t.is(recorder.pending, 5);
});

test('Events let the writes of a burst go first, a tenth of a second long', async t => {
	const { server, recorder, clock, idle } = await recording(t);
	recorder.record(pod, event('first'));
	await clock.advance(99);
	t.is(server.requests.count(EVENTS), 0);
	recorder.record(pod, event('second'));
	await clock.advance(1);
	await idle();
	t.is(server.requests.count({ ...EVENTS, status: 201 }), 2);
});

test('a pod may cause 25 Events at once and one every five minutes after', async t => {
	const { recorder, counts, idle, clock } = await recording(t);
	for (let i = 0; i < 30; i++) recorder.record(pod, event('the same'));
	recorder.record({ ...pod, uid: 'another' }, event('the same'));
	await idle();
	t.is(counts.sent, 26);
	t.deepEqual(counts.dropped, Array(5).fill('rate-limited'));
	await clock.advance(5 * 60_000 - 1);
	recorder.record(pod, event('the same'));
	t.is(counts.dropped.length, 6);
	await clock.advance(1);
	for (let i = 0; i < 2; i++) recorder.record(pod, event('the same'));
	await idle();
	t.is(counts.sent, 27);
	t.is(counts.dropped.length, 7);
});

test('after ten similar Events in ten minutes one more stands for all that follow', async t => {
	const { recorder, counts, idle, notes, clock } = await recording(t);
	for (let i = 0; i < 15; i++) recorder.record(pod, event(`cause ${i}`));
	recorder.record(pod, event('something else', { reason: 'PolicyDenied' }));
	await idle();
	t.is(counts.sent, 12);
	t.deepEqual(
		notes().filter(note => String(note).startsWith('(combined')),
		['(combined from similar events): cause 10'],
	);
	t.deepEqual(counts.dropped, Array(4).fill('aggregated'));
	await clock.advance(10 * 60_000 + 1);
	recorder.record(pod, event('cause 99'));
	await idle();
	t.true(notes().includes('cause 99'));
});

test('an Event that was recorded before does not count as similar', async t => {
	const { recorder, counts, idle } = await recording(t);
	for (let i = 0; i < 20; i++) recorder.record(pod, event(`cause ${i % 2}`));
	await idle();
	t.is(counts.sent, 20);
});

test('a queue of a thousand drops what comes on top', async t => {
	const { recorder, counts } = await recording(t);
	for (let i = 0; i < 1_005; i++) recorder.record({ ...pod, uid: `u${i}` }, event());
	t.deepEqual(counts.dropped, Array(5).fill('queue-full'));
	t.is(recorder.pending, 1_000);
});

test('in a full queue a warning takes the place of what is as it should be', async t => {
	const { recorder, counts, idle, notes } = await recording(t);
	for (let i = 0; i < 1_000; i++) recorder.record({ ...pod, uid: `u${i}` }, event());
	recorder.record({ ...pod, uid: 'in-trouble' }, { ...event('mend me'), type: 'Warning' });
	t.deepEqual(counts.dropped, ['queue-full']);
	await idle();
	t.true(notes().includes('mend me'));
});

test('a note is cut at 1,024 bytes, between characters', async t => {
	const { recorder, idle, notes } = await recording(t);
	for (const character of ['x', 'ü', '€', '😀']) recorder.record(pod, event(character.repeat(1_024)));
	await idle();
	t.is(notes().length, 4);
	for (const note of notes()) {
		t.true(Buffer.byteLength(String(note)) <= 1_024);
		t.true(Buffer.byteLength(String(note)) > 1_015);
		t.regex(String(note), /^(x+|ü+|€+|(😀)+)(…)?$/u);
	}
});

test('an Event of a pod with the longest name has a valid name, and no two have the same', async t => {
	const { server, recorder, idle } = await recording(t);
	const long = { ...pod, name: `${'a'.repeat(229)}.${'b'.repeat(23)}` };
	for (let i = 0; i < 3; i++) recorder.record(long, event());
	await idle();
	const names = server.list('Event').map(({ metadata }) => metadata.name ?? '');
	t.is(new Set(names).size, 3);
	for (const name of names) {
		t.true(name.length <= 253);
		t.regex(name, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
		t.notRegex(name, /[.-]\./);
	}
});

test('flushing waits for what is pending, but no longer than it is told', async t => {
	const { server, recorder, clock } = await recording(t);
	await recorder.flush(1_000);
	recorder.record(pod, event());
	await recorder.flush(1_000);
	t.is(server.list('Event').length, 1);
	server.faults.inject(EVENTS, { hang: true });
	recorder.record(pod, event());
	await clock.advance(100);
	await until(() => server.requests.count(EVENTS) === 2);
	let flushed = false;
	const flush = recorder.flush(2_000).then(() => {
		flushed = true;
	});
	await clock.advance(1_999);
	t.false(flushed);
	await clock.advance(1);
	await flush;
	t.is(recorder.pending, 1);
});

// When a Secret is read again, and when not; what is reported to whom.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { type Next, SyncState, SyncStates } from '../../src/sync/sync-state.ts';
import { ask, keyRequests, secretRequest } from '../requests/pod-fixtures.ts';

const RUN: Next = { kind: 'run' };
const IDLE: Next = { kind: 'idle' };
const wait = (ms: number): Next => ({ kind: 'wait', ms });

const pod = (uid = 'a', seenAt = 0, path = '/p') => secretRequest({ uid, seenAt, annotation: ask(path) });
const failure = (code: JasmError['code'], retryAfterMs?: number) =>
	new JasmError('x', { code, ...(retryAfterMs !== undefined && { retryAfterMs }) });

type Write = { readonly readAt?: number; readonly sentAt?: number; readonly resourceVersion?: string };

/** One answered write of what is asked for. */
function write(
	state: SyncState,
	request = keyRequests(pod()),
	{ readAt = 0, sentAt = 10, resourceVersion = '5' }: Write = {},
) {
	const sent = state.writing(request, sentAt);
	return { sent, ...state.completed(request, { sent, readAt, resourceVersion }) };
}

function aState() {
	const state = new SyncState();
	const request = keyRequests(pod());
	return { state, request, next: (now: number, asked = request) => state.next(asked, now) };
}

test('a Secret that was never read is due at once, and one that serves everyone is not due at all', t => {
	const { state, request, next } = aState();
	t.deepEqual(next(0), RUN);
	write(state, request);
	t.deepEqual(next(0), IDLE);
});

test('another request for the same Secret is due at once', t => {
	const { state, request, next } = aState();
	write(state, request);
	t.deepEqual(next(1, keyRequests(pod('b', 0, '/other'))), RUN);
});

test('pods that keep coming cause one read a second at most', t => {
	const { state, request, next } = aState();
	write(state, request);
	const both = keyRequests(...request.requesters, pod('b', 400));
	t.deepEqual(next(400, both), wait(600));
	t.deepEqual(next(1_000, both), RUN);
});

test('a write serves the pods that appeared up to 250 ms after its read began, and each hears of it once', t => {
	const { state } = aState();
	const [early, late, other] = [pod('a', 1_250), pod('b', 1_251), pod('c', 0, '/other')];
	const request = keyRequests(early, late, other);
	const first = write(state, request, { readAt: 1_000 });
	t.deepEqual(first.fresh, [early]);
	t.deepEqual(first.unreported, [early]);
	const second = write(state, request, { readAt: 2_000 });
	t.deepEqual(second.fresh, [early, late]);
	t.deepEqual(second.unreported, [late]);
});

test('a served pod that begins to wait right after is not served: no write has told it so', t => {
	const { state } = aState();
	const request = secretRequest({ uid: 'a', seenAt: 0, annotation: ask('/p') });
	const asked = keyRequests(request);
	write(state, asked, { readAt: 0, sentAt: 10 });
	t.deepEqual(state.next(asked, 100), IDLE);
	request.renew({ ...request.pod, seenAt: 100, start: 'after-sync' }, request.sync);
	t.deepEqual(state.next(asked, 100), wait(150));
	t.deepEqual(write(state, asked, { readAt: 250, sentAt: 260 }).fresh, [request]);
	t.deepEqual(state.next(asked, 300), IDLE);
});

test('a source that failed is not read for five seconds, whatever the number of pods', t => {
	const { state, request, next } = aState();
	state.failed(request, failure('SECRET_NOT_FOUND'), 0);
	t.deepEqual(next(1_000), wait(4_000));
	t.deepEqual(next(1_000, keyRequests(...request.requesters, pod('b', 1_000))), wait(4_000));
	t.deepEqual(next(5_000), RUN);
});

test('a source that asks for a longer pause gets it', t => {
	const { state, request, next } = aState();
	state.failed(request, failure('PROVIDER_THROTTLED', 60_000), 0);
	t.deepEqual(next(5_000), wait(55_000));
});

test('a failure that passes soon, or that came before the read, delays nothing', t => {
	const { state, request, next } = aState();
	state.failed(request, failure('PROVIDER_UNAVAILABLE'), 0);
	state.failed(request, failure('POLICY_DENIED'), undefined);
	t.deepEqual(next(1), RUN);
});

test('a write without an answer leaves the Secret unknown: the request before it is written again', t => {
	const { state, request, next } = aState();
	write(state, request);
	const other = keyRequests(pod('b', 20, '/other'));
	state.writing(other, 30);
	state.failed(other, failure('KUBERNETES_UNAVAILABLE'), 25);
	t.deepEqual(next(31), RUN, 'the first request wins again, and the Secret may hold the other value');
	t.deepEqual(next(31, other), RUN);
});

test('a write that is cut off leaves the Secret unknown, too', t => {
	const { state, request, next } = aState();
	write(state, request);
	state.writing(request, 30);
	t.deepEqual(next(31), RUN);
});

test('each failure is news for each pod once per cause; a success is news on its own', t => {
	const { state } = aState();
	const [a, b] = [pod('a'), pod('b')];
	const [missing, throttled] = [failure('SECRET_NOT_FOUND'), failure('PROVIDER_THROTTLED')];
	t.deepEqual(state.failed(keyRequests(a), missing, 0), [a]);
	t.deepEqual(state.failed(keyRequests(a, b), missing, 0), [b]);
	t.deepEqual(state.failed(keyRequests(a, b), throttled, 0), [a, b]);
	t.deepEqual(state.failed(keyRequests(a, b), missing, 0), []);
	t.deepEqual(write(state, keyRequests(a, b)).unreported, [a, b]);
	t.deepEqual(state.failed(keyRequests(a, b), throttled, 0), []);
});

test('a failure of the winner is no news for pods that ask for something else, nor one without a reason for any', t => {
	const { state } = aState();
	const [winner, other] = [pod('a'), pod('b', 0, '/other')];
	t.deepEqual(state.failed(keyRequests(winner, other), failure('SECRET_NOT_FOUND'), 0), [winner]);
	t.deepEqual(state.failed(keyRequests(winner, other), failure('NAMESPACE_GONE'), 0), []);
});

test('a conflict is news for all pods, once for each winner', t => {
	const { state } = aState();
	const [a, b] = [pod('a'), pod('b', 0, '/other')];
	t.deepEqual(state.conflicting(keyRequests(a, b)), [a, b]);
	t.deepEqual(state.conflicting(keyRequests(a, b)), []);
	t.deepEqual(state.conflicting(keyRequests(b, a)), [b, a]);
});

test("JASM's own write, reported by the watch before or after its answer, is no reason to write again", t => {
	const { state, request, next } = aState();
	const sent = state.writing(request, 10);
	t.true(state.observed('5', 12), 'not yet known to be its own');
	state.completed(request, { sent, readAt: 0, resourceVersion: '5' });
	t.deepEqual(next(20), IDLE);
	t.false(state.observed('5', 21));
	t.deepEqual(next(22), IDLE);
	const again = state.writing(request, 30);
	t.false(state.observed('5', 31), 'a late report of the write before');
	t.false(again.corrects);
});

test('an edit by others right after a write is not lost to the answer that arrives later', t => {
	const { state, request, next } = aState();
	const sent = state.writing(request, 10);
	state.observed('5', 11);
	state.observed('6', 12);
	state.completed(request, { sent, readAt: 0, resourceVersion: '5' });
	t.deepEqual(next(20), RUN);
});

test('a deletion before a write is settled by it, one after it is not', t => {
	const { state, request, next } = aState();
	state.observed(undefined, 9);
	write(state, request);
	t.deepEqual(next(20), IDLE);
	t.true(state.observed(undefined, 21));
	t.deepEqual(next(22), RUN);
});

test('a Secret that others keep changing is restored at once, then once in ten seconds', t => {
	const { state, request, next } = aState();
	write(state, request);
	const corrections: number[] = [];
	for (let now = 1_000; now <= 31_000; now += 1_000) {
		state.observed(now % 2_000 === 0 ? undefined : `theirs-${now}`, now);
		if (next(now).kind === 'run') {
			corrections.push(now);
			t.true(write(state, request, { sentAt: now + 1, resourceVersion: `own-${now}` }).sent.corrects);
		}
	}

	t.deepEqual(corrections, [1_000, 12_000, 23_000]);
});

test("JASM's own write, reported before its answer, delays no correction", t => {
	const { state, request, next } = aState();
	state.observed('5', 11);
	write(state, request);
	state.observed('6', 20);
	t.deepEqual(next(20), RUN);
});

test('a source that failed keeps its pause while others change the Secret', t => {
	const { state, request, next } = aState();
	write(state, request);
	state.observed('6', 20);
	state.failed(request, failure('PROVIDER_DENIED'), 30);
	state.observed('7', 40);
	t.deepEqual(next(50), wait(4_980));
	t.true(state.writing(request, 5_030).corrects);
});

test('what an earlier run wrote is adopted once, when the key is first loaded, and not read again', t => {
	const request = keyRequests(pod());
	let asked = 0;
	const states = new SyncStates({
		adopt() {
			asked++;
			return '7';
		},
	});
	const state = states.load('ns/s', request);
	t.is(states.load('ns/s', request), state);
	t.is(asked, 1);
	t.deepEqual(state.next(request, 0), IDLE);
	t.is(state.resourceVersion, '7');
	t.deepEqual(
		state.next(keyRequests(...request.requesters, pod('b')), 0),
		RUN,
		'a new pod gets a fresh read',
	);
});

test('nothing is remembered of a Secret that no pod asks for', t => {
	const states = new SyncStates();
	const request = keyRequests(pod());
	write(states.load('ns/s', request), request);
	states.forget('ns/s');
	t.is(states.get('ns/s'), undefined);
	t.deepEqual(states.load('ns/s', request).next(request, 0), RUN);
});

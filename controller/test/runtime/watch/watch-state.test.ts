// Every rule of recovery of a watch, as a step from one state to the next.
import test from 'ava';
import fc from 'fast-check';
import type { StreamEnd, StreamMessage, WatchEvent } from '../../../src/runtime/watch/list-watch.ts';
import { EMPTY, step, type WatchInput, type WatchState } from '../../../src/runtime/watch/watch-state.ts';

type Pod = { readonly uid: string };
type Message = StreamMessage<Pod>;

const record = { uid: 'a' };
const initialEnd = (resourceVersion: string): Message => ({ type: 'initial-end', resourceVersion });
const progress = (resourceVersion: string): Message => ({ type: 'progress', resourceVersion });
const closed: StreamEnd = { reason: 'closed' };
const expired: StreamEnd = { reason: 'expired' };
const ahead: StreamEnd = { reason: 'ahead' };
const failed = (retryAfterMs?: number): StreamEnd => ({
	reason: 'failed',
	error: new Error('watching pods: connection reset'),
	...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

/** Plays a watch: messages, ends, and `open` where the wait is over; time passes by `after`. */
function aWatch({ random = () => 0 }: { random?: () => number } = {}) {
	let state: WatchState = EMPTY;
	let now = 1_000;
	const emitted: WatchEvent<Pod>[] = [];
	const input = (one: WatchInput<Pod>) => {
		const next = step(state, one, now, random);
		state = next.state;
		if (next.emit !== undefined) emitted.push(next.emit);
		return state;
	};
	const watch = {
		get state() {
			return state;
		},
		emitted,
		after(ms: number) {
			now += ms;
			return watch;
		},
		open() {
			input({ type: 'open' });
			return watch;
		},
		hear(...messages: Message[]) {
			for (const message of messages) input({ type: 'message', message });
			return watch;
		},
		/** Ends the stream; how long to wait and from where to go on. */
		end(end: StreamEnd) {
			const next = input({ type: 'end', end });
			if (next.phase !== 'backoff') throw new Error(`ending a stream: expected backoff, got ${next.phase}`);
			return { waitMs: next.waitMs, from: next.resourceVersion };
		},
	};
	return watch;
}

const aStreaming = (options?: { random?: () => number }) => aWatch(options).open().hear(initialEnd('7'));

test('a first stream emits init, its objects and init-done; then changes', t => {
	const watch = aWatch();
	t.is(watch.state.phase, 'empty');
	t.is(watch.open().state.phase, 'initial');
	watch.hear({ type: 'apply', record }, initialEnd('7'));
	t.is(watch.state.phase, 'streaming');
	watch.hear({ type: 'apply', record }, { type: 'delete', uid: 'a' });
	t.deepEqual(watch.emitted, [
		{ type: 'init' },
		{ type: 'init-apply', record },
		{ type: 'init-done' },
		{ type: 'apply', record },
		{ type: 'delete', uid: 'a' },
	]);
});

test('after a clean close the watch resumes at once from the last version, without a new list', t => {
	const watch = aStreaming({ random: () => 0.99 });
	const { waitMs, from } = watch.hear(progress('9')).after(300_000).end(closed);
	t.true(waitMs <= 100);
	t.is(from, '9');
	watch.open().hear({ type: 'apply', record });
	t.is(watch.state.phase, 'streaming');
	t.deepEqual(watch.emitted.at(-1), { type: 'apply', record });
});

test('streams that close at once without a message are failures: no hot loop', t => {
	const watch = aStreaming();
	watch.after(5_000).end(closed);
	const waits = [1, 2, 3].map(() => watch.open().after(10).end(closed).waitMs);
	t.deepEqual(waits, [800, 1_600, 3_200]);
});

test('a stream that closes soon after a message is no failure', t => {
	const watch = aStreaming();
	watch.after(5_000).end(closed);
	t.is(watch.open().hear(progress('8')).after(10).end(closed).waitMs, 0);
});

test('failures double the wait from 800 ms to 30 s; jitter at most doubles it once more', t => {
	const waitsOf = (random: () => number) => {
		const watch = aStreaming({ random });
		return Array.from({ length: 8 }, () => Math.round(watch.open().end(failed()).waitMs));
	};
	t.deepEqual(
		waitsOf(() => 0),
		[800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000],
	);
	t.deepEqual(waitsOf(() => 0.5).slice(0, 2), [1_200, 2_400]);
	t.is(waitsOf(() => 0.5).at(-1), 45_000);
});

test('a broken connection is resumed from the last version', t => {
	t.is(aStreaming().hear(progress('9'), { type: 'apply', record }).end(failed()).from, '9');
});

test('120 s of a healthy stream reset the count of failures, and so does a clean close after 10 s', t => {
	const watch = aStreaming();
	for (let i = 0; i < 5; i++) watch.open().end(failed());
	t.is(watch.open().after(119_999).end(failed()).waitMs, 12_800);
	t.is(watch.open().after(120_000).end(failed()).waitMs, 800);
	for (let i = 0; i < 4; i++) watch.open().end(failed());
	watch.open().after(9_999).end(closed);
	t.is(watch.open().end(failed()).waitMs, 25_600);
	watch.open().after(10_000).end(closed);
	t.is(watch.open().end(failed()).waitMs, 800);
});

test('connections that are cut every minute do not lengthen the wait', t => {
	const watch = aStreaming();
	const waits = Array.from({ length: 5 }, () => watch.open().after(50_000).end(failed()).waitMs);
	t.deepEqual(waits, [800, 800, 800, 800, 800]);
});

test('410 responses between streams that end every minute never lengthen the wait', t => {
	for (const end of [closed, failed()]) {
		const watch = aStreaming();
		for (let times = 0; times < 10; times++) {
			t.is(watch.after(60_000).end(expired).waitMs, 0);
			watch.open().hear(initialEnd('9')).after(60_000).end(end);
			watch.open();
		}
	}
});

test('Retry-After is a floor with a little jitter, and has a cap, so that no server blocks the watch', t => {
	t.is(aStreaming().end(failed(5_000)).waitMs, 5_000);
	t.is(aStreaming({ random: () => 0.5 }).end(failed(5_000)).waitMs, 5_250);
	t.is(aStreaming().end(failed(1)).waitMs, 800);
	t.is(aStreaming().end(failed(86_400_000)).waitMs, 60_000);
});

test('repeated Retry-After does not lengthen the wait', t => {
	const watch = aStreaming();
	const waits = Array.from({ length: 6 }, () => watch.open().end(failed(5_000)).waitMs);
	t.deepEqual(waits, [5_000, 5_000, 5_000, 5_000, 5_000, 5_000]);
});

test('a server without any answer is tried every 2 s for a minute, then more and more rarely', t => {
	const unanswered: StreamEnd = {
		reason: 'failed',
		error: new Error('connection refused'),
		unanswered: true,
	};
	const watch = aStreaming({ random: () => 0.99 });
	const waits: number[] = [];
	for (let passed = 0; passed < 300_000; passed += waits.at(-1)!) {
		waits.push(watch.open().end(unanswered).waitMs);
		watch.after(waits.at(-1)!);
	}

	t.true(waits.slice(0, 30).every(waitMs => waitMs <= 2_000));
	t.true(waits.slice(31).every((waitMs, index, later) => index === 0 || waitMs >= later[index - 1]!));
	t.true(waits.at(-1)! > 30_000);
});

test('an expired version starts from the beginning at once', t => {
	const watch = aStreaming();
	t.deepEqual(watch.end(expired), { waitMs: 0, from: undefined });
	t.is(watch.open().state.phase, 'initial');
	t.deepEqual(watch.emitted.at(-1), { type: 'init' });
});

test('an expired version after failures still starts at once', t => {
	const watch = aStreaming();
	for (let i = 0; i < 5; i++) watch.open().end(failed());
	t.is(watch.open().end(expired).waitMs, 0);
});

test('a server that answers 410 to every version causes no hot loop of lists', t => {
	const watch = aStreaming();
	const waits = Array.from({ length: 6 }, () => watch.open().hear(initialEnd('8')).end(expired).waitMs);
	t.deepEqual(waits, [0, 0, 0, 800, 1_600, 3_200]);
	t.is(watch.open().after(120_000).end(expired).waitMs, 0);
});

test('a server behind the version gets time, then the watch starts from the beginning', t => {
	t.deepEqual(aStreaming().end(ahead), { waitMs: 800, from: undefined });
});

test('a first stream that breaks before its end starts again, never from one of its versions', t => {
	for (const end of [closed, failed(), expired, ahead]) {
		const watch = aWatch().open().hear({ type: 'apply', record }, progress('5'));
		t.is(watch.after(5_000).end(end).from, undefined);
		t.is(watch.open().state.phase, 'initial');
		t.deepEqual(watch.emitted.at(-1), { type: 'init' });
	}
});

test('a first stream that is closed before its end is a failure', t => {
	t.is(aWatch().open().hear({ type: 'apply', record }).after(5_000).end(closed).waitMs, 800);
});

test('the time without any message spans attempts, and ends with the first message', t => {
	const watch = aStreaming();
	const downSince = () => watch.state.troubles.downSince;
	watch.end(failed());
	watch.after(20_000).open().after(10_000).end(failed());
	t.is(downSince(), 1_000);
	watch.open().hear(progress('8'));
	t.is(downSince(), undefined);
	watch.end(failed());
	t.is(downSince(), 31_000);
});

test('an input that does not fit the state changes nothing', t => {
	t.deepEqual(step<Pod>(EMPTY, { type: 'end', end: closed }, 0, Math.random), { state: EMPTY });
	t.deepEqual(step<Pod>(EMPTY, { type: 'message', message: progress('1') }, 0, Math.random), {
		state: EMPTY,
	});
	const { state } = aStreaming();
	t.deepEqual(step<Pod>(state, { type: 'open' }, 0, Math.random), { state });
});

const version = fc.nat(99).map(String);
const aMessage = fc.oneof<fc.Arbitrary<Message>[]>(
	fc.record({ type: fc.constant('apply'), record: fc.record({ uid: fc.constantFrom('a', 'b') }) }),
	fc.record({ type: fc.constant('delete'), uid: fc.constantFrom('a', 'b') }),
	fc.record({ type: fc.constant('initial-end'), resourceVersion: version }),
	fc.record({ type: fc.constant('progress'), resourceVersion: version }),
);
const anInput = fc.oneof<fc.MaybeWeightedArbitrary<WatchInput<Pod>>[]>(
	{ weight: 3, arbitrary: fc.constant({ type: 'open' }) },
	{ weight: 8, arbitrary: aMessage.map(message => ({ type: 'message', message })) },
	{
		weight: 2,
		arbitrary: fc
			.constantFrom(closed, expired, ahead, failed(), failed(5_000))
			.map(end => ({ type: 'end', end })),
	},
);
const inputs = fc.array(fc.tuple(anInput, fc.constantFrom(0, 500, 5_000, 130_000)), { maxLength: 100 });

test('for any input, each record is emitted once and in order, and only safe versions are resumed', t => {
	fc.assert(
		fc.property(inputs, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (sequence, r) => {
			let state: WatchState = EMPTY;
			let now = 0;
			let open = false;
			let complete = false;
			let safe: string | undefined;
			let listing = false;
			for (const [input, ms] of sequence) {
				now += ms;
				const { state: next, emit } = step(state, input, now, () => r);
				if (input.type === 'open' && !open) {
					open = true;
					complete = safe !== undefined;
					t.is(next.phase === 'streaming' ? next.resourceVersion : undefined, safe);
					t.is(emit?.type, complete ? undefined : 'init');
				} else if (input.type === 'message' && open) {
					const { message } = input;
					if (message.type === 'apply') {
						t.deepEqual(emit, { type: complete ? 'apply' : 'init-apply', record: message.record });
					} else if (message.type === 'delete') {
						t.deepEqual(emit, message);
					} else if (message.type === 'initial-end') {
						t.is(emit?.type, complete ? undefined : 'init-done');
						complete = true;
					} else t.is(emit, undefined);
					if (complete && 'resourceVersion' in message) safe = message.resourceVersion;
				} else if (input.type === 'end' && open) {
					open = false;
					t.is(emit, undefined);
					if (input.end.reason === 'expired' || input.end.reason === 'ahead') safe = undefined;
					if (!complete) safe = undefined;
					t.true(next.phase === 'backoff' && next.waitMs >= 0 && next.waitMs <= 66_000);
				} else t.deepEqual({ state: next, emit }, { state, emit: undefined });
				if (emit?.type === 'init') listing = true;
				if (emit?.type === 'init-apply' || emit?.type === 'init-done') t.true(listing);
				if (emit?.type === 'apply') t.false(listing);
				if (emit?.type === 'init-done') listing = false;
				state = next;
			}
		}),
	);
});

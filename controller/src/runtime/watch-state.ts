// The rules of a watch as one pure step: what a message, an end or the passing of a wait means.
import { atLeast, backoff, type Random } from './backoff.ts';
import type { StreamEnd, StreamMessage, Tracked, WatchEvent } from './list-watch.ts';

/** After a failure; the jitter makes the last wait 30 to 60 s. */
export const FAILURE_BACKOFF = { baseMs: 800, factor: 2, capMs: 30_000, jitter: 1 } as const;
/** Up to this after a clean close, so that replicas do not come back in step. */
export const RECONNECT_JITTER_MS = 50;
/** While nobody answers at all, as while the server restarts: its return is noticed within 2 s. */
export const UNANSWERED_BACKOFF = { baseMs: 1_000, capMs: 1_000, jitter: 1 } as const;
/** So long it may take to come back; after that the wait grows. */
export const RESTART_MS = 60_000;
/** A stream that closed cleanly sooner than this and said nothing counts as a failure. */
export const SHORTEST_STREAM_MS = 1_000;
/** A stream that broke after this long does not make the wait longer than the last one was. */
export const STEADY_STREAM_MS = 10_000;
/** A stream that lived this long ends a run of failures. */
export const HEALTHY_STREAM_MS = 120_000;
/** So many expiries in a run start over at once; those that follow back off, as each costs a whole list. */
export const EXPIRIES_AT_ONCE = 3;
/** A server cannot make the watcher deaf for longer than this. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

/** What is remembered of a run of ends, until a stream is healthy. */
type Troubles = {
	readonly failures: number;
	readonly expiries: number;
	/** Monotonic milliseconds since when no stream has said anything; `undefined` while one does. */
	readonly downSince: number | undefined;
};

type Stream = {
	readonly openedAt: number;
	/** Whether it has said anything. */
	readonly heard: boolean;
	readonly troubles: Troubles;
};

export type WatchState =
	/** Nothing was opened yet. */
	| { readonly phase: 'empty'; readonly troubles: Troubles }
	/** A stream from the beginning, not yet complete: none of its versions may be resumed from. */
	| ({ readonly phase: 'initial' } & Stream)
	/** Changes are coming in; all up to `resourceVersion` were delivered. */
	| ({ readonly phase: 'streaming'; readonly resourceVersion: string } & Stream)
	/** Waiting to open again: from `resourceVersion`, or from the beginning where it is `undefined`. */
	| {
			readonly phase: 'backoff';
			readonly waitMs: number;
			readonly resourceVersion: string | undefined;
			readonly troubles: Troubles;
	  };

export type WatchInput<T extends Tracked> =
	/** The wait is over (or there was none): a stream is to be opened, from where the next state says. */
	| { readonly type: 'open' }
	| { readonly type: 'message'; readonly message: StreamMessage<T> }
	| { readonly type: 'end'; readonly end: StreamEnd };

export type WatchStep<T extends Tracked> = {
	readonly state: WatchState;
	readonly emit?: WatchEvent<T>;
};

export const EMPTY: WatchState = {
	phase: 'empty',
	troubles: { failures: 0, expiries: 0, downSince: undefined },
};

/** `now` in monotonic milliseconds. An input that makes no sense in a state changes nothing. */
export function step<T extends Tracked>(
	state: WatchState,
	input: WatchInput<T>,
	now: number,
	random: Random,
): WatchStep<T> {
	const open = state.phase === 'initial' || state.phase === 'streaming';
	switch (input.type) {
		case 'open':
			return open ? { state } : opened(state, now);
		case 'message':
			return open ? heard(state, input.message) : { state };
		case 'end':
			return { state: open ? ended(state, input.end, now, random) : state };
	}
}

function opened<T extends Tracked>(
	state: Extract<WatchState, { phase: 'empty' | 'backoff' }>,
	now: number,
): WatchStep<T> {
	const stream = { openedAt: now, heard: false, troubles: state.troubles };
	if (state.phase === 'backoff' && state.resourceVersion !== undefined) {
		return { state: { phase: 'streaming', resourceVersion: state.resourceVersion, ...stream } };
	}
	return { state: { phase: 'initial', ...stream }, emit: { type: 'init' } };
}

function heard<T extends Tracked>(
	before: Extract<WatchState, { phase: 'initial' | 'streaming' }>,
	message: StreamMessage<T>,
): WatchStep<T> {
	const state = before.heard
		? before
		: { ...before, heard: true, troubles: { ...before.troubles, downSince: undefined } };
	switch (message.type) {
		case 'apply': {
			const type = state.phase === 'initial' ? 'init-apply' : 'apply';
			return { state, emit: { type, record: message.record } };
		}
		case 'delete':
			return { state, emit: { type: 'delete', uid: message.uid } };
		case 'progress':
			if (state.phase === 'initial') return { state };
			return { state: { ...state, resourceVersion: message.resourceVersion } };
		case 'initial-end': {
			const streaming = { ...state, phase: 'streaming' as const, resourceVersion: message.resourceVersion };
			return state.phase === 'initial'
				? { state: streaming, emit: { type: 'init-done' } }
				: { state: streaming };
		}
	}
}

function ended(
	stream: Extract<WatchState, { phase: 'initial' | 'streaming' }>,
	end: StreamEnd,
	now: number,
	random: Random,
): WatchState {
	const livedMs = now - stream.openedAt;
	const healthy = livedMs >= HEALTHY_STREAM_MS;
	const { failures, expiries } = healthy ? EMPTY.troubles : stream.troubles;
	const downSince = stream.troubles.downSince ?? now;
	const resourceVersion = stream.phase === 'streaming' ? stream.resourceVersion : undefined;

	const inVain = stream.phase === 'initial' || (livedMs < SHORTEST_STREAM_MS && !stream.heard);
	if (end.reason === 'closed' && !inVain) {
		const waitMs = RECONNECT_JITTER_MS * random();
		return { phase: 'backoff', waitMs, resourceVersion, troubles: { failures, expiries, downSince } };
	}
	if (end.reason === 'expired') {
		const troubles = { failures, expiries: expiries + 1, downSince };
		const excess = expiries - EXPIRIES_AT_ONCE;
		const waitMs = excess < 0 ? 0 : backoff(FAILURE_BACKOFF, excess, random);
		return { phase: 'backoff', waitMs, resourceVersion: undefined, troubles };
	}
	const steps = livedMs >= STEADY_STREAM_MS ? Math.max(0, failures - 1) : failures;
	const failure = end.reason === 'failed' ? end : undefined;
	const restarting = failure?.unanswered === true && now - downSince < RESTART_MS;
	// A server that says when to come back is not asked later than that, however often it did.
	const { retryAfterMs } = failure ?? {};
	const waitMs =
		retryAfterMs === undefined
			? backoff(restarting ? UNANSWERED_BACKOFF : FAILURE_BACKOFF, steps, random)
			: atLeast(Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS), backoff(FAILURE_BACKOFF, 0, random), random);
	return {
		phase: 'backoff',
		waitMs,
		resourceVersion: end.reason === 'ahead' ? undefined : resourceVersion,
		troubles: { failures: restarting ? steps : steps + 1, expiries, downSince },
	};
}

// The rules of a watch as one pure step: what a message, an end or an elapsed wait leads to.
import { backoff, type Random, retryAfterFloor } from '../backoff.ts';
import type { StreamEnd, StreamMessage, Tracked, WatchEvent } from './list-watch.ts';

/** After a failure; with jitter the longest wait is 30 to 60 s. */
export const FAILURE_BACKOFF = { baseMs: 800, factor: 2, capMs: 30_000, jitter: 1 } as const;
/** Longest wait after a clean close; it keeps replicas from reconnecting together. */
export const RECONNECT_JITTER_MS = 50;
/** While no server answers, for example during its restart: its return is noticed within 2 s. */
export const UNANSWERED_BACKOFF = { baseMs: 1_000, capMs: 1_000, jitter: 1 } as const;
/** A restart may take this long; after that the wait grows. */
export const RESTART_MS = 60_000;
/** A stream that closed cleanly before this, without a message, counts as a failure. */
export const SHORTEST_STREAM_MS = 1_000;
/** A stream that broke or expired after this time does not lengthen the wait; a clean close resets the counts. */
export const STEADY_STREAM_MS = 10_000;
/** A stream that lived this long resets the count of failures. */
export const HEALTHY_STREAM_MS = 120_000;
/** The first 3 consecutive 410 responses relist at once; later ones back off, because each costs a full list. */
export const EXPIRIES_AT_ONCE = 3;
/** No server can delay the next stream for longer than this. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

/** Counters over consecutive ends, until a stream is healthy. */
type Troubles = {
	readonly failures: number;
	readonly expiries: number;
	/** Monotonic milliseconds since which no stream delivered anything; `undefined` while one does. */
	readonly downSince: number | undefined;
};

type Stream = {
	readonly openedAt: number;
	/** Whether it delivered anything. */
	readonly heard: boolean;
	readonly troubles: Troubles;
};

export type WatchState =
	/** No stream was opened yet. */
	| { readonly phase: 'empty'; readonly troubles: Troubles }
	/** A stream from the beginning, not yet complete: no resume from its versions. */
	| ({ readonly phase: 'initial' } & Stream)
	/** A stream of changes; all up to `resourceVersion` were delivered. */
	| ({ readonly phase: 'streaming'; readonly resourceVersion: string } & Stream)
	/** Waiting to open the next stream: from `resourceVersion`, or from the beginning if that is `undefined`. */
	| {
			readonly phase: 'backoff';
			readonly waitMs: number;
			readonly resourceVersion: string | undefined;
			readonly troubles: Troubles;
	  };

export type WatchInput<T extends Tracked> =
	/** The wait is over (or there was none): the next state says from where to open a stream. */
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

/** `now` in monotonic milliseconds. An input that does not fit the state changes nothing. */
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
	const inVain = stream.phase === 'initial' || (livedMs < SHORTEST_STREAM_MS && !stream.heard);
	// A server or a proxy can end every stream before it counts as healthy by its age.
	const inTime = end.reason === 'closed' && !inVain && livedMs >= STEADY_STREAM_MS;
	const healthy = inTime || livedMs >= HEALTHY_STREAM_MS;
	const { failures, expiries } = healthy ? EMPTY.troubles : stream.troubles;
	const downSince = stream.troubles.downSince ?? now;
	const resourceVersion = stream.phase === 'streaming' ? stream.resourceVersion : undefined;

	if (end.reason === 'closed' && !inVain) {
		const waitMs = RECONNECT_JITTER_MS * random();
		return { phase: 'backoff', waitMs, resourceVersion, troubles: { failures, expiries, downSince } };
	}
	if (end.reason === 'expired') {
		const before = livedMs >= STEADY_STREAM_MS ? Math.max(0, expiries - 1) : expiries;
		const troubles = { failures, expiries: before + 1, downSince };
		const excess = before - EXPIRIES_AT_ONCE;
		const waitMs = excess < 0 ? 0 : backoff(FAILURE_BACKOFF, excess, random);
		return { phase: 'backoff', waitMs, resourceVersion: undefined, troubles };
	}
	const steps = livedMs >= STEADY_STREAM_MS ? Math.max(0, failures - 1) : failures;
	const failure = end.reason === 'failed' ? end : undefined;
	const restarting = failure?.unanswered === true && now - downSince < RESTART_MS;
	// Retry-After is not multiplied: the wait does not grow with the number of refusals.
	const { retryAfterMs } = failure ?? {};
	const waitMs =
		retryAfterMs === undefined
			? backoff(restarting ? UNANSWERED_BACKOFF : FAILURE_BACKOFF, steps, random)
			: retryAfterFloor(
					Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS),
					backoff(FAILURE_BACKOFF, 0, random),
					random,
				);
	return {
		phase: 'backoff',
		waitMs,
		resourceVersion: end.reason === 'ahead' ? undefined : resourceVersion,
		troubles: { failures: restarting ? steps : steps + 1, expiries, downSince },
	};
}

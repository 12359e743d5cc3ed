// The wait before the next attempt: exponential, capped, with jitter, not shorter than a server asks for. Pure.

/** A source of numbers in [0, 1): `Math.random`, or a test's own. */
export type Random = () => number;

export type BackoffOptions = {
	/** Wait after the first failure, before jitter, in milliseconds. */
	readonly baseMs: number;
	/** Each further failure multiplies the wait by this. Default: 2. */
	readonly factor?: number;
	/** No wait is longer than this before jitter, in milliseconds. */
	readonly capMs: number;
	/** `full`: a random part of the wait. A number `j`: the wait plus up to `j` times the wait. */
	readonly jitter: 'full' | number;
};

/** Milliseconds to wait after `attempt` earlier failures (0 for the first). */
export function backoff(options: BackoffOptions, attempt: number, random: Random): number {
	const { baseMs, factor = 2, capMs, jitter } = options;
	const waitMs = Math.min(capMs, baseMs * factor ** attempt);
	return jitter === 'full' ? waitMs * random() : waitMs * (1 + jitter * random());
}

/** A wait no shorter than the server asks for; up to a tenth more spreads callers with the same Retry-After. */
export function retryAfterFloor(floorMs: number | undefined, waitMs: number, random: Random): number {
	return floorMs === undefined ? waitMs : Math.max(waitMs, floorMs * (1 + 0.1 * random()));
}

/** The longest that any server's Retry-After is honoured, in milliseconds. */
export const LONGEST_RETRY_AFTER_MS = 300_000;

/**
 * Milliseconds of a Retry-After in seconds, and as a date where the time is given; bounded. Undefined where it says
 * nothing usable.
 */
export function parseRetryAfter(header: string | undefined, nowMs = Number.NaN): number | undefined {
	const text = header?.trim() ?? '';
	const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
	return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}

// How long to wait before the next attempt: capped, exponential, with jitter; pure.

/** A source of numbers in [0, 1): `Math.random`, or a test's own. */
export type Random = () => number;

export type BackoffOptions = {
	/** Wait after the first failure, before jitter, in milliseconds. */
	readonly baseMs: number;
	/** What each further failure multiplies the wait with; 2 unless told. */
	readonly factor?: number;
	/** No wait is longer than this before jitter, in milliseconds. */
	readonly capMs: number;
	/** `full`: anything from zero to the wait. A number `j`: the wait, plus up to `j` times itself. */
	readonly jitter: 'full' | number;
};

/** Milliseconds to wait after `attempt` earlier failures (0 for the first). */
export function backoff(options: BackoffOptions, attempt: number, random: Random): number {
	const { baseMs, factor = 2, capMs, jitter } = options;
	const waitMs = Math.min(capMs, baseMs * factor ** attempt);
	return jitter === 'full' ? waitMs * random() : waitMs * (1 + jitter * random());
}

/** A floor named by a server is kept; up to a tenth more spreads those who were given the same one. */
export function atLeast(floorMs: number | undefined, waitMs: number, random: Random): number {
	return floorMs === undefined ? waitMs : Math.max(waitMs, floorMs * (1 + 0.1 * random()));
}

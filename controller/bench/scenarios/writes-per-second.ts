// How many writes a second there were, from the moments of the writes in milliseconds.

const WINDOW_S = 10;

/** A second's worth may come at once. */
const BURST_MS = 1_000;

/** Writes per second, averaged over each stretch of ten seconds that begins after the burst. */
export function secondsOfWrites(moments: readonly number[]): number[] {
	const [first = 0] = moments;
	const windows: number[] = [];
	for (const at of moments) {
		const window = Math.floor((at - first - BURST_MS) / (WINDOW_S * 1_000));
		if (window >= 0) {
			windows[window] = (windows[window] ?? 0) + 1;
		}
	}

	return Array.from(windows, writes => (writes ?? 0) / WINDOW_S);
}

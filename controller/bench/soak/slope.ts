// Whether a figure grows: the straight line through samples, and whether its slope is more than chance; pure.

export type Trend = {
	/** What the line gains from the first sample to the last. */
	readonly growth: number;
	/** Whether the slope is more than twice its standard error. */
	readonly isSteady: boolean;
};

/** Of samples at equal distances, three at least. */
export function trendOf(samples: readonly number[]): Trend {
	const n = samples.length;
	if (n < 3) {
		throw new RangeError(`drawing a line: expected three samples at least, got ${n}`);
	}

	const middle = (n - 1) / 2;
	const mean = samples.reduce((sum, sample) => sum + sample, 0) / n;
	const sum = (of: (sample: number, x: number) => number) =>
		samples.reduce((total, sample, index) => total + of(sample, index - middle), 0);
	const squares = sum((_, x) => x * x);
	const slope = sum((sample, x) => x * (sample - mean)) / squares;
	const rest = sum((sample, x) => (sample - mean - slope * x) ** 2);
	const error = Math.sqrt(rest / (n - 2) / squares);
	return { growth: slope * (n - 1), isSteady: slope > 2 * error };
}

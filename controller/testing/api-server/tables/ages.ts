// Times as tables print them: how long ago, in at most two units.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** The unit's count, and the rest in the next smaller unit where there is one. */
const pair = (
	seconds: number,
	unit: number,
	letter: string,
	smaller: number,
	smallerLetter: string,
): string => {
	const rest = Math.floor((seconds % unit) / smaller);
	return `${Math.floor(seconds / unit)}${letter}${rest === 0 ? '' : `${rest}${smallerLetter}`}`;
};

/** `2m5s`, `3h`, `47d`: the shorter the time, the finer. */
export const humanDuration = (milliseconds: number): string => {
	const seconds = Math.floor(milliseconds / 1000);
	if (seconds < -1) {
		return '<invalid>';
	}
	if (seconds < 2 * MINUTE) {
		return `${Math.max(0, seconds)}s`;
	}
	if (seconds < 10 * MINUTE) {
		return pair(seconds, MINUTE, 'm', 1, 's');
	}
	if (seconds < 3 * HOUR) {
		return `${Math.floor(seconds / MINUTE)}m`;
	}
	if (seconds < 8 * HOUR) {
		return pair(seconds, HOUR, 'h', MINUTE, 'm');
	}
	if (seconds < 2 * DAY) {
		return `${Math.floor(seconds / HOUR)}h`;
	}
	if (seconds < 8 * DAY) {
		return pair(seconds, DAY, 'd', HOUR, 'h');
	}
	if (seconds < 2 * YEAR) {
		return `${Math.floor(seconds / DAY)}d`;
	}
	return seconds < 8 * YEAR ? pair(seconds, YEAR, 'y', DAY, 'd') : `${Math.floor(seconds / YEAR)}y`;
};

/** The age of an RFC 3339 time; `<unknown>` where there is none. */
export const ageOf = (time: unknown, now: Date): string => {
	const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
	return Number.isNaN(at) ? '<unknown>' : humanDuration(now.getTime() - at);
};

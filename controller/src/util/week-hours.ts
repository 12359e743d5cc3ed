// Whether a moment lies in the hours of a week in a time zone, and when they open next. Pure.

export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export type Day = (typeof DAYS)[number];

/** Minutes since midnight by the zone's clock; hours whose end is not after their start end on the next day. */
export type Hours = {
	readonly days: readonly Day[];
	readonly from: number;
	readonly to: number;
	readonly timeZone: string;
};

const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;
/** A clock that is set forward or back moves an opening by at most this long. */
const CLOCK_CHANGE_MINUTES = 60;

/** The first moment from `at` on that lies in the hours; undefined where they never open. */
export function openFrom(hours: Hours, at: number): number | undefined {
	const clock = clockOf(hours.timeZone);
	let moment = at;
	// Eight days, each in two steps: the second one starts behind a change of the clock.
	for (let step = 0; step < 20; step += 1) {
		const { day, minutes } = clock(moment);
		if (isOpen(hours, day, minutes)) {
			return moment;
		}

		const ahead = (hours.from - minutes + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
		const jump = ahead > 2 * CLOCK_CHANGE_MINUTES ? ahead - CLOCK_CHANGE_MINUTES : ahead;
		moment = moment - (moment % MINUTE_MS) + jump * MINUTE_MS;
	}

	return undefined;
}

function isOpen({ days, from, to }: Hours, day: number, minutes: number): boolean {
	const opensOn = (index: number): boolean => days.includes(DAYS[(index + DAYS.length) % DAYS.length] as Day);
	if (from < to) {
		return opensOn(day) && minutes >= from && minutes < to;
	}

	return (opensOn(day) && minutes >= from) || (opensOn(day - 1) && minutes < to);
}

function clockOf(timeZone: string): (at: number) => { readonly day: number; readonly minutes: number } {
	const format = new Intl.DateTimeFormat('en-GB', {
		timeZone,
		weekday: 'short',
		hour: '2-digit',
		minute: '2-digit',
		hourCycle: 'h23',
	});
	return at => {
		const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
		return {
			day: DAYS.indexOf(parts.get('weekday') as Day),
			minutes: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
		};
	};
}

// When the hours of a week are open, over midnight and over a change of the clock.
import test from 'ava';
import { type Hours, openFrom } from '../../src/util/week-hours.ts';

const OFFICE: Hours = { days: ['Mon', 'Tue', 'Wed', 'Thu'], from: 540, to: 960, timeZone: 'Europe/Madrid' };
const opening = (hours: Hours, at: string): string | undefined => {
	const open = openFrom(hours, Date.parse(at));
	return open === undefined ? undefined : new Date(open).toISOString();
};

test('within the hours the moment itself is open', t => {
	t.is(opening(OFFICE, '2026-01-05T08:00:00.000Z'), '2026-01-05T08:00:00.000Z');
	t.is(opening(OFFICE, '2026-01-05T14:59:59.999Z'), '2026-01-05T14:59:59.999Z');
});

test('outside the hours the next opening counts by the clock of the zone', t => {
	t.is(opening(OFFICE, '2026-01-05T07:59:30.000Z'), '2026-01-05T08:00:00.000Z');
	t.is(opening(OFFICE, '2026-01-05T15:00:00.000Z'), '2026-01-06T08:00:00.000Z');
	t.is(opening(OFFICE, '2026-01-08T15:00:00.000Z'), '2026-01-12T08:00:00.000Z');
});

test('an opening behind a change of the clock is not an hour off', t => {
	t.is(opening(OFFICE, '2026-03-26T15:00:00.000Z'), '2026-03-30T07:00:00.000Z');
	t.is(opening(OFFICE, '2026-10-22T14:00:00.000Z'), '2026-10-26T08:00:00.000Z');
});

test('hours over midnight belong to the day on which they start', t => {
	const night: Hours = { days: ['Sun'], from: 1_320, to: 240, timeZone: 'UTC' };
	t.is(opening(night, '2026-01-05T03:59:00.000Z'), '2026-01-05T03:59:00.000Z');
	t.is(opening(night, '2026-01-05T04:00:00.000Z'), '2026-01-11T22:00:00.000Z');
});

test('hours without a day never open', t => {
	t.is(opening({ ...OFFICE, days: [] }, '2026-01-05T08:00:00.000Z'), undefined);
});

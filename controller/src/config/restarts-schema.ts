// The schema of `restarts`: whose workloads are restarted after a change, when, and at what pace.
import * as z from 'zod/mini';
import { isNamespace } from '../kubernetes/names.ts';
import { flag, integer, listOf, matching, optional, text } from '../providers/shared/schema-fields.ts';
import { DAYS } from '../util/week-hours.ts';

const namespaceFault = (name: string): string | undefined =>
	isNamespace(name) ? undefined : 'is not the name of a namespace: patterns are not allowed here';

function timeZoneFault(zone: string): string | undefined {
	try {
		new Intl.DateTimeFormat('en-GB', { timeZone: zone });
		return undefined;
	} catch {
		return 'is not a time zone, such as Europe/Madrid or UTC';
	}
}

const time = (description: string) =>
	matching(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time of day, such as "09:00"', description);

const hours = z.strictObject({
	days: listOf(z.enum(DAYS), 'The days on which the hours begin.'),
	from: time('When the hours begin, in quotation marks.'),
	to: time('When the hours end. A time that is not after `from` is on the next day.'),
	timeZone: text(timeZoneFault, 'The time zone of `from` and `to`, such as `Europe/Madrid`.'),
});

export const restarts = z.strictObject({
	namespaces: listOf(
		text(namespaceFault, 'The name of a namespace.'),
		'Where JASM restarts workloads whose pod template says `onChange: restart`. The installation gives the right to it in each of them.',
	),
	dryRun: z._default(flag('Tells what it would restart, and restarts nothing.'), false),
	windowSeconds: z._default(
		integer(
			1,
			300,
			'A restart waits this long for further changes of the same workload, after each, at most 5 minutes.',
		),
		30,
	),
	minMinutes: z._default(integer(1, 10_080, 'Least minutes between two restarts of one workload.'), 10),
	perMinute: z._default(integer(1, 1_000, 'Restarts in the whole cluster per minute.'), 30),
	inProgress: z._default(
		integer(
			1,
			1_000,
			'Workloads whose restart is under way at the same time. Each counts for 10 minutes at most.',
		),
		10,
	),
	hours: optional(
		'at any time',
		hours.check(z.describe('Restarts happen only in these hours. Secrets are written at any time.')),
	),
});

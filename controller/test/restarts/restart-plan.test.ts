// The table of who is restarted, who waits for what, and who is left alone.
import test from 'ava';
import {
	type Decision,
	decide,
	type Facts,
	isHeldBack,
	restartHash,
	type WrittenSecret,
} from '../../src/restarts/restart-plan.ts';

const MINUTE = 60_000;
const T = Date.parse('2026-01-05T12:00:00Z');
const DB: WrittenSecret = { secretName: 'db', version: 'v2', changedAt: T, createdAt: T - 600 * MINUTE };
const HASH = restartHash([DB]);
const OLD = { createdAt: T - 60 * MINUTE, firstServed: new Map([['db', T - 60 * MINUTE]]) };
const settings = { windowMs: 30_000, minMs: 10 * MINUTE, inProgress: 10, dryRun: false };
const FACTS: Facts = {
	secrets: [DB],
	pods: [OLD],
	restarts: [],
	heldBack: false,
	inProgress: 0,
	settings,
};
const LATER = T + 30_000;
const restart: Decision = { kind: 'restart', hash: HASH };
const none: Decision = { kind: 'none' };

const table: readonly [title: string, facts: Partial<Facts>, now: number, expected: Decision][] = [
	['a pod older than the change is restarted at the end of the window', {}, LATER, restart],
	[
		'within the window no workload is restarted',
		{},
		LATER - 1,
		{ kind: 'wait', for: 'window', until: LATER },
	],
	['a first sync restarts no workload', { secrets: [{ ...DB, createdAt: T }] }, LATER, none],
	['a workload without pods is not restarted', { pods: [] }, LATER, none],
	[
		'a pod younger than the change is not restarted',
		{ pods: [{ ...OLD, createdAt: T + 1_000 }] },
		LATER,
		none,
	],
	['a pod of the same second counts as old', { pods: [{ ...OLD, createdAt: T }] }, LATER, restart],
	[
		'a pod that the very write served is not restarted',
		{ pods: [{ createdAt: T, firstServed: new Map([['db', T]]) }] },
		LATER,
		none,
	],
	[
		'a pod of just before the change is spared by a run that did not see it served',
		{ pods: [{ createdAt: T - 9_000 }] },
		LATER,
		none,
	],
	[
		'an older pod is restarted by a run that did not see it served',
		{ pods: [{ createdAt: T - 10_000 }] },
		LATER,
		restart,
	],
	[
		'stale pods that carry the hash already are not restarted again',
		{ pods: [{ ...OLD, restartedFor: HASH }] },
		LATER,
		none,
	],
	[
		'one stale pod without the hash suffices',
		{ pods: [OLD, { ...OLD, restartedFor: HASH }] },
		LATER,
		restart,
	],
	[
		'a Secret that is not written yet holds the restart',
		{ secrets: [DB, undefined] },
		LATER,
		{ kind: 'wait', for: 'secrets' },
	],
	[
		'changes without end put the restart off by five minutes at most',
		{ staleSince: T - 5 * MINUTE },
		T,
		restart,
	],
	[
		'between two restarts lies the minimum interval',
		{ restarts: [T - MINUTE] },
		LATER,
		{ kind: 'wait', for: 'interval', until: T + 9 * MINUTE },
	],
	[
		'after a start the youngest restarted pod tells of the last restart',
		{ pods: [{ ...OLD, createdAt: T - MINUTE, restartedFor: 'older' }] },
		LATER,
		{ kind: 'wait', for: 'interval', until: T + 9 * MINUTE },
	],
	[
		'three restarts within an hour hold the next one back to an hour later',
		{ restarts: [T - 25 * MINUTE, T - 15 * MINUTE, T - 5 * MINUTE] },
		LATER,
		{ kind: 'wait', for: 'hold-back', until: T + 55 * MINUTE },
	],
	['too many in progress make it wait for a slot', { inProgress: 10 }, LATER, { kind: 'wait', for: 'slot' }],
	[
		'a restart that this run sent for these versions is not sent again while old pods last',
		{ restartedFor: HASH, restarts: [T - 60 * MINUTE] },
		LATER,
		none,
	],
	[
		'a dry run only plans, and needs no slot',
		{ settings: { ...settings, dryRun: true }, inProgress: 10 },
		LATER,
		{ kind: 'plan', hash: HASH },
	],
	[
		'outside the hours it waits for the opening',
		{ settings: { ...settings, hours: { days: ['Tue'], from: 540, to: 600, timeZone: 'UTC' } } },
		LATER,
		{ kind: 'wait', for: 'hours', until: Date.parse('2026-01-06T09:00:00Z') },
	],
];

for (const [title, facts, now, expected] of table) {
	test(title, t => {
		t.deepEqual(decide({ ...FACTS, ...facts }, now), expected);
	});
}

test('a held back workload stays so until an hour passes without a change', t => {
	const held = { ...FACTS, restarts: [T], heldBack: true };
	t.true(isHeldBack({ ...held, staleSince: T + 10_000 }));
	t.false(isHeldBack({ ...held, staleSince: T + 60 * MINUTE }));
});

test('the hash depends on names and versions, not on their order', t => {
	const api = { ...DB, secretName: 'api', version: 'v1' };
	t.is(restartHash([DB, api]), restartHash([api, DB]));
	t.not(restartHash([DB, api]), restartHash([{ ...DB, version: 'v3' }, api]));
	t.is(restartHash([DB]), restartHash([{ ...DB, changedAt: T + 1_000 }]));
	t.regex(HASH, /^[0-9a-f]{16}$/);
});

test('without a version the hash depends on the time of the change', t => {
	const unversioned = { ...DB, version: '' };
	t.is(restartHash([unversioned]), restartHash([{ ...unversioned }]));
	t.not(restartHash([unversioned]), restartHash([{ ...unversioned, changedAt: T + 1_000 }]));
});

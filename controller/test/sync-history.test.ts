// When a Secret is read again, and when not.
import test from 'ava';
import { History } from '../src/sync-history.ts';

const write = { spec: 's', readAt: 0, resourceVersion: '5', sentAt: 10 };

test('a Secret never read is due at once, and one that served everybody is not due at all', t => {
	const history = new History();
	t.is(history.waitMs('a/b', 's', 0, true), 0);
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 's', 0, false), Number.POSITIVE_INFINITY);
});

test('another spec for the same Secret is due at once', t => {
	const history = new History();
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 'other', 1, false), 0);
});

test('pods that keep coming cause one read a second at most', t => {
	const history = new History();
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 's', 400, true), 600);
	t.is(history.waitMs('a/b', 's', 1_000, true), 0);
});

test('a source that failed is left alone for five seconds, however many pods ask', t => {
	const history = new History();
	history.failed('a/b', 's', 0);
	t.is(history.waitMs('a/b', 's', 1_000, true), 4_000);
	t.is(history.waitMs('a/b', 's', 5_000, true), 0);
});

test('a source that asks to be left alone for longer is', t => {
	const history = new History();
	history.failed('a/b', 's', 0, 60_000);
	t.is(history.waitMs('a/b', 's', 5_000, true), 55_000);
});

test('our own write, told by the watch before or after its answer, is no reason to write again', t => {
	const history = new History();
	t.true(history.changed('a/b', '5', 12), 'not yet known to be ours');
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 's', 20, false), Number.POSITIVE_INFINITY);
	t.false(history.changed('a/b', '5', 21));
	t.is(history.waitMs('a/b', 's', 22, false), Number.POSITIVE_INFINITY);
});

test("somebody else's edit right after our write is not lost to the answer that arrives later", t => {
	const history = new History();
	history.changed('a/b', '5', 11);
	history.changed('a/b', '6', 12);
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 's', 20, false), 0);
});

test('a deletion before a write is settled by it, one after it is not', t => {
	const history = new History();
	history.changed('a/b', undefined, 9);
	history.written('a/b', write);
	t.is(history.waitMs('a/b', 's', 20, false), Number.POSITIVE_INFINITY);
	t.true(history.changed('a/b', undefined, 21));
	t.is(history.waitMs('a/b', 's', 22, false), 0);
});

test('what an earlier run wrote is not read again', t => {
	const history = new History();
	history.recalled('a/b', 's', '7');
	t.is(history.waitMs('a/b', 's', 0, false), Number.POSITIVE_INFINITY);
	t.is(history.resourceVersionOf('a/b'), '7');
	t.is(history.waitMs('a/b', 's', 0, true), 0, 'a new pod is served with a fresh read');
});

test('nothing is remembered of a Secret that nobody asks for', t => {
	const history = new History();
	history.written('a/b', write);
	history.forget('a/b');
	t.false(history.knows('a/b'));
});

test('whoever keeps changing a Secret is corrected at once, then once in ten seconds', t => {
	const history = new History();
	history.written('a/b', write);
	const corrections: number[] = [];
	for (let now = 1_000; now <= 31_000; now += 1_000) {
		history.changed('a/b', now % 2_000 === 0 ? undefined : `theirs-${now}`, now);
		if (history.waitMs('a/b', 's', now, false) === 0) {
			corrections.push(now);
			history.written('a/b', { ...write, resourceVersion: `ours-${now}`, sentAt: now + 1, corrects: true });
		}
	}

	t.deepEqual(corrections, [1_000, 12_000, 23_000]);
});

test('our own write, told by the watch before its answer, delays no correction', t => {
	const history = new History();
	history.changed('a/b', '5', 11);
	history.written('a/b', write);
	history.changed('a/b', '6', 20);
	t.is(history.waitMs('a/b', 's', 20, false), 0);
});

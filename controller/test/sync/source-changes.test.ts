// When a change that a source told of is answered: by which read, and which versions count as old.
import test from 'ava';
import { SourceChanges } from '../../src/sync/source-changes.ts';

const change = (fields: object = {}) => ({
	heardAt: 1_000,
	changedAt: 500,
	version: 'v2' as string | undefined,
	notBefore: 1_000,
	...fields,
});

/** After a write of version v1 that was read at 0. */
function written(version = 'v1') {
	const source = new SourceChanges(5_000);
	source.reading(0);
	source.written(version, 0, false);
	return source;
}

test('a change is due five seconds after the last read at the earliest, and after Retry-After', t => {
	const source = written();
	t.is(source.dueIn(1_000), undefined);
	source.heard(change());
	t.is(source.dueIn(1_000), 4_000);
	t.is(source.dueIn(9_000), 0);
	source.failed(0, 30_000);
	t.is(source.dueIn(9_000), 21_000);
	source.failed(9_000, undefined);
	t.is(source.dueIn(9_000), 0);
});

test('only a read that began after the notice answers it, or one that returns its version', t => {
	const source = written();
	source.heard(change());
	source.written('v1b', 999, false);
	t.truthy(source.pending);
	source.written('v2', 999, false);
	t.is(source.pending, undefined);
	source.heard(change({ heardAt: 2_000, changedAt: 1_500, version: undefined }));
	source.written('v3', 2_000, false);
	t.is(source.pending, undefined);
});

test('the version that was written before is old; a third version is new', t => {
	const source = written();
	source.heard(change());
	t.true(source.isOld('v1', 1_000));
	t.false(source.isOld('v2', 1_000));
	t.false(source.isOld('v3', 1_000));
});

test('where versions are numbers, every lower number is old', t => {
	const source = written('3');
	source.heard(change({ version: '7' }));
	t.true(source.isOld('6', 1_000));
	t.false(source.isOld('7', 1_000));
	t.false(source.isOld('8', 1_000));
});

test('reads that return the old version wait 2, 4, 8, 16 and 30 seconds, then it is accepted', t => {
	const source = new SourceChanges(1_000);
	source.written('v1', 0, false);
	source.heard(change());
	const waits: number[] = [];
	let now = 1_000;
	while (source.isOld('v1', now)) {
		source.reading(now);
		waits.push(source.dueIn(now)!);
		now += waits.at(-1)!;
	}

	t.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 30_000]);
	t.true(source.acceptedOld);
	t.is(source.pending, undefined);
});

test('a change that happened before one that is answered is answered as well', t => {
	const source = written();
	source.heard(change());
	source.written('v2', 2_000, false);
	t.true(source.hasAnswered({ version: 'v2', changedAt: 9_000 }));
	t.true(source.hasAnswered({ version: 'v0', changedAt: 499 }));
	t.false(source.hasAnswered({ version: 'v3', changedAt: 501 }));
	t.false(source.hasAnswered({ version: undefined, changedAt: 499 }));
	source.forgetVersion();
	t.false(source.hasAnswered({ version: 'v2', changedAt: 499 }));
});

test('of two changes that wait the later one names the version that is waited for', t => {
	const source = written();
	source.heard(change({ version: 'v3', changedAt: 700 }));
	source.heard(change({ version: 'v2', changedAt: 600 }));
	t.is(source.pending?.version, 'v3');
	source.heard(change({ version: 'v4', changedAt: 800 }));
	t.is(source.pending?.version, 'v4');
});

test('a read without a notice is due at its moment, five seconds after the last read and after Retry-After', t => {
	const source = written();
	source.resync(60_000);
	t.is(source.dueIn(1_000), 59_000);
	source.reading(58_000);
	t.is(source.dueIn(60_000), 3_000);
	source.failed(60_000, 30_000);
	t.is(source.dueIn(60_000), 30_000);
	source.resync(90_000);
	t.is(source.dueIn(95_000), 0, 'it stays due until it was read');
});

test('a read without a notice ends with the version that is written, or with a write', t => {
	const source = written();
	source.resync(60_000);
	t.true(source.isUnchanged('v1'));
	t.false(source.isUnchanged('v2'));
	source.unchanged(59_999);
	t.is(source.dueIn(60_000), 0, 'that read began before its moment');
	source.unchanged(60_000);
	t.is(source.dueIn(60_000), undefined);
	source.resync(120_000);
	source.written('v2', 120_000, false);
	t.is(source.dueIn(120_000), undefined);
});

test('while a notice waits, nothing counts as found without one', t => {
	const source = written();
	source.resync(500);
	t.true(source.resyncing);
	source.heard(change());
	t.false(source.resyncing);
	t.false(source.isUnchanged('v1'));
});

test('of a text without a version no read tells that it is unchanged', t => {
	const source = written('');
	source.resync(500);
	t.false(source.isUnchanged(''));
});

test('after a failure the same version is written once more, so that everyone hears that it is over', t => {
	const source = written();
	source.resync(60_000);
	source.failed(60_000, undefined);
	t.false(source.isUnchanged('v1'));
	source.written('v1', 61_000, false);
	source.resync(120_000);
	t.true(source.isUnchanged('v1'));
});

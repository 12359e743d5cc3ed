// Which pods count, what is kept of them, and how urgent they are.
import test from 'ava';
import { ANNOTATION_KEY } from '../src/annotation.ts';
import type { ObjectMeta } from '../src/kubernetes/types.ts';
import { type PodRecord, priorityOf, samePod, toPodRecord } from '../src/pod-secrets.ts';

const META: ObjectMeta = {
	name: 'web-1',
	namespace: 'team-a',
	uid: 'uid-1',
	resourceVersion: '7',
	creationTimestamp: '2026-01-01T00:00:00Z',
	annotations: { [ANNOTATION_KEY]: 'provider: aws' },
};
const CREATED = Date.UTC(2026, 0, 1);
const RECORD: PodRecord = {
	uid: 'uid-1',
	namespace: 'team-a',
	name: 'web-1',
	createdAt: CREATED,
	seenAt: 5,
	annotation: 'provider: aws',
};

const recordOf = (changes: Partial<ObjectMeta>) => toPodRecord({ ...META, ...changes }, { seenAt: 5 });

test('of an annotated pod its identity, its age and the text are kept', t => {
	t.deepEqual(recordOf({}), RECORD);
});

test('a pod without the annotation asks for nothing', t => {
	const { annotations: _, ...bare } = META;
	t.is(toPodRecord(bare, { seenAt: 5 }), undefined);
	t.is(recordOf({ annotations: {} }), undefined);
	t.is(recordOf({ annotations: { other: 'x' } }), undefined);
});

test('an annotation that only a prototype has does not count', t => {
	t.is(recordOf({ annotations: Object.create({ [ANNOTATION_KEY]: 'x' }) }), undefined);
});

test('a terminating pod asks for nothing', t => {
	t.is(recordOf({ deletionTimestamp: '2026-01-01T00:00:05Z' }), undefined);
});

test('an empty annotation is kept, so that its pod can be told', t => {
	t.is(recordOf({ annotations: { [ANNOTATION_KEY]: '' } })?.annotation, '');
});

test('a pod of unreadable age counts as old', t => {
	t.is(recordOf({ creationTimestamp: '' })?.createdAt, 0);
});

test('the annotation text is shared where an equal one is held', t => {
	const seen: string[] = [];
	const record = toPodRecord(META, {
		seenAt: 5,
		intern(text) {
			seen.push(text);
			return 'held';
		},
	});
	t.is(record?.annotation, 'held');
	t.deepEqual(seen, ['provider: aws']);
});

test('only another pod or another annotation is a change', t => {
	t.true(samePod(RECORD, { ...RECORD, seenAt: 9, createdAt: 1, name: 'x' }));
	t.false(samePod(RECORD, { ...RECORD, uid: 'uid-2' }));
	t.false(samePod(RECORD, { ...RECORD, annotation: '' }));
	t.false(samePod(RECORD, undefined));
	t.true(samePod(undefined, undefined));
});

test('a pod younger than a minute is most urgent, however it was seen', t => {
	for (const initial of [true, false]) {
		for (const change of [true, false]) {
			t.is(priorityOf(RECORD, { now: CREATED + 59_999, initial, change }), 100);
			// Its clock may be ahead of ours.
			t.is(priorityOf(RECORD, { now: CREATED - 10_000, initial, change }), 100);
		}
	}
});

test('of older pods a changed annotation comes before retries, and those before the list at start', t => {
	const now = CREATED + 60_000;
	t.is(priorityOf(RECORD, { now, initial: false, change: true }), 50);
	t.is(priorityOf(RECORD, { now, initial: true, change: true }), 50);
	t.is(priorityOf(RECORD, { now, initial: false, change: false }), 0);
	t.is(priorityOf(RECORD, { now, initial: true, change: false }), -100);
});

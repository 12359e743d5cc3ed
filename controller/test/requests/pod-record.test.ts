// Which pods ask for Secrets, what is kept of them, and how urgent they are.
import test from 'ava';
import type { ObjectMeta } from '../../src/kubernetes/types.ts';
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import { type PodRecord, priorityOf, samePod, toPodRecord } from '../../src/requests/pod-record.ts';

/** The entry of a client that set the annotation; that of the one that created the pod has the spec, too. */
function owning(manager: string, time: string, more: object = { 'f:spec': {} }) {
	const metadata = { 'f:annotations': { [`f:${ANNOTATION_KEY}`]: {} } };
	return { manager, time, fieldsV1: { 'f:metadata': metadata, ...more } };
}

const META: ObjectMeta = {
	name: 'web-1',
	namespace: 'team-a',
	uid: 'uid-1',
	resourceVersion: '7',
	creationTimestamp: '2026-01-01T00:00:00Z',
	annotations: { [ANNOTATION_KEY]: 'provider: aws' },
	managedFields: [
		owning('kubectl', '2026-01-01T00:00:00Z'),
		{ manager: 'kubelet', time: '2026-01-01T00:00:09Z' },
	],
};
const CREATED = Date.UTC(2026, 0, 1);
const RECORD: PodRecord = {
	uid: 'uid-1',
	namespace: 'team-a',
	name: 'web-1',
	createdAt: CREATED,
	askedAt: CREATED,
	version: 7,
	start: undefined,
	seenAt: 5,
	annotation: 'provider: aws',
};

const recordOf = (changes: Partial<ObjectMeta>) => toPodRecord({ ...META, ...changes }, { seenAt: 5 });

test('the record of an annotated pod has its identity, its age and the text', t => {
	t.deepEqual(recordOf({}), RECORD);
});

test('a pod began to ask when it was created, or at the end of the second of a later edit', t => {
	const edited = owning('kubectl-edit', '2026-01-01T00:00:00Z', {});
	t.is(recordOf({ managedFields: [...META.managedFields!, edited] })?.askedAt, CREATED + 999);
	const applied = owning('kubectl', '2026-01-01T00:00:07Z');
	t.is(recordOf({ managedFields: [applied] })?.askedAt, CREATED + 7_999);
});

test('a pod that does not say when its annotation was set may have begun to ask just now', t => {
	for (const managedFields of [[], [{ fieldsV1: {} }], [owning('kubectl', '')]]) {
		t.is(recordOf({ managedFields })?.askedAt, Number.POSITIVE_INFINITY);
	}
});

test('a resourceVersion that is no number orders nothing', t => {
	t.is(recordOf({ resourceVersion: 'x7' })?.version, 0);
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

test('an empty annotation is kept, so that its pod hears of the error', t => {
	t.is(recordOf({ annotations: { [ANNOTATION_KEY]: '' } })?.annotation, '');
});

test('a pod of unreadable age counts as old', t => {
	t.is(recordOf({ creationTimestamp: '' })?.createdAt, 0);
});

test('an annotation text that is already held is shared', t => {
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

test('a pod younger than a minute is most urgent, whether listed or seen live', t => {
	for (const initial of [true, false]) {
		for (const change of [true, false]) {
			t.is(priorityOf(RECORD, { now: CREATED + 59_999, initial, change }), 100);
			// The clock of the API server may be ahead.
			t.is(priorityOf(RECORD, { now: CREATED - 10_000, initial, change }), 100);
		}
	}
});

test('for older pods, a changed annotation comes before retries, and retries come before the first list', t => {
	const now = CREATED + 60_000;
	t.is(priorityOf(RECORD, { now, initial: false, change: true }), 50);
	t.is(priorityOf(RECORD, { now, initial: true, change: true }), 50);
	t.is(priorityOf(RECORD, { now, initial: false, change: false }), 0);
	t.is(priorityOf(RECORD, { now, initial: true, change: false }), -100);
});

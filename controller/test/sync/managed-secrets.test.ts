// What profile self-heal keeps of live Secrets, and when it trusts what an earlier run wrote.
import test from 'ava';
import type { ObjectMeta } from '../../src/kubernetes/types.ts';
import { parseAnnotation } from '../../src/requests/annotation.ts';
import { SPEC_HASH_ANNOTATION, specHash } from '../../src/sync/desired-secret.ts';
import { ManagedSecrets, toManagedSecret } from '../../src/sync/managed-secrets.ts';
import { ask, keyRequests, secretRequest } from '../requests/pod-fixtures.ts';

const sync = parseAnnotation(ask())[0]!;
const WRITTEN = '2030-01-01T00:00:10Z';

const meta = (more: Partial<ObjectMeta> = {}): ObjectMeta => ({
	name: 's',
	namespace: 'ns',
	uid: 'u1',
	resourceVersion: '7',
	creationTimestamp: WRITTEN,
	annotations: { [SPEC_HASH_ANNOTATION]: specHash(sync) },
	managedFields: [
		{ manager: 'jasm', time: WRITTEN },
		{ manager: 'kubectl', time: '2031-01-01T00:00:00Z' },
	],
	...more,
});

/** Pods that were created then; the second time, where given, is when they began to ask. */
const requestBy = (...pods: ([string] | [string, string])[]) =>
	keyRequests(
		...pods.map(([createdAt, askedAt = createdAt], index) =>
			secretRequest({ uid: `p${index}`, createdAt: Date.parse(createdAt), askedAt: Date.parse(askedAt) }),
		),
	);
const EARLY = '2030-01-01T00:00:01Z';
const LATE = '2030-01-01T00:00:11Z';
/** No pod was seen after this run began to lead. */
const LEADING_SINCE = 0;

const holding = (secret: ObjectMeta) => {
	const managed = new ManagedSecrets();
	managed.update({ after: toManagedSecret(secret) });
	return managed;
};

test("the time of JASM's own last change is kept, not that of others", t => {
	t.is(toManagedSecret(meta()).writtenAt, Date.parse(WRITTEN));
	t.is(toManagedSecret({ ...meta(), managedFields: [] }).writtenAt, 0);
});

test('a Secret that was written for the same request after its pods began to ask is adopted', t => {
	t.is(
		holding(meta()).recall(
			'ns/s',
			requestBy([EARLY], [WRITTEN], [EARLY, '2030-01-01T00:00:09Z']),
			LEADING_SINCE,
		),
		'7',
	);
});

test('a pod that came after the last change has the source read again', t => {
	t.is(holding(meta()).recall('ns/s', requestBy([EARLY], [LATE]), LEADING_SINCE), undefined);
});

test('a pod older than the Secret whose annotation was edited later has the source read again', t => {
	t.is(holding(meta()).recall('ns/s', requestBy([EARLY, LATE]), LEADING_SINCE), undefined);
});

test('a pod that this run saw begin to ask is served by this run, whatever its age', t => {
	const late = secretRequest({ uid: 'late', createdAt: Date.parse(EARLY), seenAt: LEADING_SINCE + 1 });
	t.is(holding(meta()).recall('ns/s', keyRequests(late), LEADING_SINCE), undefined);
});

test('a Secret that is being deleted serves nothing', t => {
	const deleted = meta({ deletionTimestamp: WRITTEN, finalizers: ['example.com/keep'] });
	t.is(holding(deleted).recall('ns/s', requestBy([EARLY]), LEADING_SINCE), undefined);
});

test('a Secret that another client edited since is written again, and keeps what others put on it', t => {
	const edited = meta({
		finalizers: ['example.com/other'],
		managedFields: [
			{ manager: 'jasm', time: WRITTEN, fieldsV1: { 'f:data': {} } },
			{ manager: 'kubectl', time: WRITTEN, fieldsV1: { 'f:data': { 'f:k': {} } } },
		],
	});
	t.is(holding(edited).recall('ns/s', requestBy([EARLY]), LEADING_SINCE), undefined);
	t.deepEqual(holding(edited).get('ns/s')?.finalizers, ['example.com/other']);
	const labelled = meta({
		managedFields: [
			{ manager: 'kubectl', fieldsV1: { 'f:metadata': {} } },
			{ manager: 'jasm', time: WRITTEN },
		],
	});
	t.truthy(holding(labelled).recall('ns/s', requestBy([EARLY]), LEADING_SINCE));
});

test('a Secret that was written for another request is written again', t => {
	t.is(holding(meta({ annotations: {} })).recall('ns/s', requestBy([EARLY]), LEADING_SINCE), undefined);
	t.is(new ManagedSecrets().recall('ns/s', requestBy([EARLY]), LEADING_SINCE), undefined);
});

test('the late deletion of an earlier Secret does not forget the one that has its name now', t => {
	const managed = holding(meta({ uid: 'u2' }));
	managed.update({ before: toManagedSecret(meta({ uid: 'u1' })) });
	t.is(managed.get('ns/s')?.uid, 'u2');
	managed.update({ before: toManagedSecret(meta({ uid: 'u2' })) });
	t.is(managed.get('ns/s'), undefined);
});

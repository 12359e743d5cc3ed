// What profile self-heal keeps of live Secrets, and when it trusts what an earlier run wrote.
import test from 'ava';
import { parseAnnotation } from '../src/annotation.ts';
import { SPEC_HASH_ANNOTATION, specHash } from '../src/desired-secret.ts';
import type { ObjectMeta } from '../src/kubernetes/types.ts';
import { ManagedSecrets, toManagedSecret } from '../src/managed-secrets.ts';
import { Requester } from '../src/requesters.ts';
import { Teller } from '../src/tell.ts';

const text = 'provider: aws\npath: /p\nsecretName: s\n';
const sync = parseAnnotation(text)[0]!;
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

const requestBy = (...created: string[]) => {
	const requesters = created.map((at, index) => {
		const pod = {
			uid: `p${index}`,
			namespace: 'ns',
			name: `p${index}`,
			createdAt: Date.parse(at),
			seenAt: 0,
			annotation: text,
		};
		return new Requester(pod, sync);
	});
	return { winner: requesters[0]!, requesters, losers: [] };
};

const holding = (secret: ObjectMeta) => {
	const managed = new ManagedSecrets();
	managed.update({ after: toManagedSecret(secret) });
	return managed;
};

test("the time of JASM's own last change is kept, not that of others", t => {
	t.is(toManagedSecret(meta()).writtenAt, Date.parse(WRITTEN));
	t.is(toManagedSecret({ ...meta(), managedFields: [] }).writtenAt, 0);
});

test('a Secret written for the same request after its pods came is taken over, and they count as told', t => {
	const request = requestBy('2030-01-01T00:00:01Z', '2030-01-01T00:00:10Z');
	t.is(holding(meta()).recall('ns/s', request)?.resourceVersion, '7');
	t.true(request.requesters.every(requester => Teller.satisfied(requester)));
});

test('a pod that came after the last change has the source read again', t => {
	const request = requestBy('2030-01-01T00:00:01Z', '2030-01-01T00:00:11Z');
	t.is(holding(meta()).recall('ns/s', request), undefined);
	t.false(Teller.satisfied(request.winner));
});

test('a Secret that somebody edited since is written anew, with what others put on it kept', t => {
	const edited = meta({
		finalizers: ['somebody/else'],
		managedFields: [
			{ manager: 'jasm', time: WRITTEN, fieldsV1: { 'f:data': {} } },
			{ manager: 'kubectl', time: WRITTEN, fieldsV1: { 'f:data': { 'f:k': {} } } },
		],
	});
	t.is(holding(edited).recall('ns/s', requestBy('2030-01-01T00:00:01Z')), undefined);
	t.deepEqual(holding(edited).get('ns/s')?.finalizers, ['somebody/else']);
	const labelled = meta({
		managedFields: [
			{ manager: 'kubectl', fieldsV1: { 'f:metadata': {} } },
			{ manager: 'jasm', time: WRITTEN },
		],
	});
	t.truthy(holding(labelled).recall('ns/s', requestBy('2030-01-01T00:00:01Z')));
});

test('a Secret written for another request is written anew', t => {
	t.is(holding(meta({ annotations: {} })).recall('ns/s', requestBy('2030-01-01T00:00:01Z')), undefined);
	t.is(new ManagedSecrets().recall('ns/s', requestBy('2030-01-01T00:00:01Z')), undefined);
});

test('the late deletion of an earlier Secret does not forget the one that has its name now', t => {
	const managed = holding(meta({ uid: 'u2' }));
	managed.update({ before: toManagedSecret(meta({ uid: 'u1' })) });
	t.is(managed.get('ns/s')?.uid, 'u2');
	managed.update({ before: toManagedSecret(meta({ uid: 'u2' })) });
	t.is(managed.get('ns/s'), undefined);
});

// Which Secrets a waiting pod still misses, and when it is looked at.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { WaitingPods } from '../../src/gates/waiting-pods.ts';
import type { PodRecord } from '../../src/requests/pod-record.ts';
import { Requests, type SecretRequest } from '../../src/requests/requests.ts';

function setup({ leads = true } = {}) {
	const requests = new Requests();
	const due: string[] = [];
	const counts: number[] = [];
	const waiting = new WaitingPods({
		leads: () => leads,
		due: podKey => due.push(podKey),
		keysOf: pod => requests.keysOf(pod),
		onCount: count => counts.push(count),
	});
	const change = (before: PodRecord | undefined, after: PodRecord | undefined) => {
		requests.update({ before, after });
		waiting.podChanged({ before, after });
	};
	/** As a sync of this key does: everything that the reading is fresh for is fresh. */
	const written = (key: string, isFresh: (request: SecretRequest) => boolean) => {
		const { requesters } = requests.of(key)!;
		waiting.written(key, requesters, new Set(requesters.filter(isFresh)));
	};
	return { waiting, due, counts, change, written };
}

const asks = (...names: string[]) =>
	JSON.stringify(names.map(secretName => ({ provider: 'p', path: `/${secretName}`, secretName })));
const pod = (changes: Partial<PodRecord> = {}): PodRecord => ({
	uid: 'u1',
	namespace: 'team',
	name: 'web',
	createdAt: 1_000,
	askedAt: 0,
	version: 1,
	seenAt: 10,
	annotation: asks('a', 'b'),
	start: 'after-sync',
	...changes,
});

test('a waiting pod misses each Secret that it asks for until all of them are fresh', t => {
	const { waiting, due, change, written } = setup();
	change(undefined, pod());
	t.deepEqual([...waiting.get('team/web')!.missing!], ['team/a', 'team/b']);
	due.length = 0;
	written('team/a', () => true);
	t.deepEqual([...waiting.get('team/web')!.missing!], ['team/b']);
	t.deepEqual(due, []);
	written('team/b', () => true);
	t.deepEqual([...waiting.get('team/web')!.missing!], []);
	t.deepEqual(due, ['team/web']);
});

test('a Secret is missing again when another pod has had another source written into it', t => {
	const { waiting, change, written } = setup();
	const other = pod({
		uid: 'u2',
		name: 'other',
		createdAt: 2_000,
		annotation: JSON.stringify({ provider: 'p', path: '/elsewhere', secretName: 'a' }),
	});
	change(undefined, pod());
	written('team/a', () => true);
	change(undefined, other);
	written('team/a', request => request.pod.uid === 'u2');
	t.deepEqual([...waiting.get('team/web')!.missing!].sort(), ['team/a', 'team/b']);
	t.deepEqual([...waiting.get('team/other')!.missing!], []);
});

test('a reading that is too old for one replica leaves it waiting and takes nothing from the others', t => {
	const { waiting, change, written } = setup();
	change(undefined, pod({ annotation: asks('a') }));
	change(undefined, pod({ uid: 'u2', name: 'web-2', annotation: asks('a'), seenAt: 900 }));
	written('team/a', request => request.pod.uid === 'u1');
	t.is(waiting.get('team/web')!.missing!.size, 0);
	t.deepEqual([...waiting.get('team/web-2')!.missing!], ['team/a']);
});

test('an edited annotation makes the pod wait for what it asks for now', t => {
	const { waiting, change, written } = setup();
	const before = pod({ annotation: asks('a') });
	change(undefined, before);
	written('team/a', () => true);
	change(before, pod({ annotation: asks('a', 'c'), seenAt: 99 }));
	t.deepEqual([...waiting.get('team/web')!.missing!], ['team/a', 'team/c']);
});

test('a pod whose annotation is refused waits without knowing for what', t => {
	const { waiting, change } = setup();
	change(undefined, pod({ annotation: 'not: [valid' }));
	t.is(waiting.get('team/web')!.missing, undefined);
});

test('a person frees a pod by removing the annotation or by at-once; the effect of our own release is not that', t => {
	for (const start of [undefined, 'at-once']) {
		const { waiting, change } = setup();
		change(undefined, pod());
		change(pod(), pod({ start }));
		t.true(waiting.get('team/web')!.freedByHand);
	}
	const { waiting, change } = setup();
	change(undefined, pod());
	waiting.get('team/web')!.releasing = true;
	change(pod(), pod({ start: undefined }));
	t.false(waiting.get('team/web')!.freedByHand);
});

test('a pod that does not wait is not kept, and neither is one that went', t => {
	const { waiting, counts, change } = setup();
	change(undefined, pod({ start: undefined }));
	change(undefined, pod({ uid: 'u3', name: 'other', start: 'at-once' }));
	t.is(waiting.size, 0);
	change(undefined, pod({ uid: 'u4', name: 'third' }));
	change(pod({ uid: 'u4', name: 'third' }), undefined);
	t.is(waiting.size, 0);
	t.deepEqual(counts, [1, 0]);
});

test('a new pod of the same name waits for itself: what was fresh for its predecessor is not', t => {
	const { waiting, change, written } = setup();
	change(undefined, pod({ annotation: asks('a') }));
	written('team/a', () => true);
	change(pod({ annotation: asks('a') }), undefined);
	change(undefined, pod({ uid: 'u5', annotation: asks('a') }));
	t.deepEqual([...waiting.get('team/web')!.missing!], ['team/a']);
	waiting.forget('team/web', 'u1');
	t.is(waiting.size, 1);
});

test('a failure brings the pod forward once, until it was reported', t => {
	const { waiting, due, change } = setup();
	change(undefined, pod());
	due.length = 0;
	waiting.failed(pod(), new JasmError('reading it', { code: 'SECRET_NOT_FOUND' }));
	t.deepEqual(due, ['team/web']);
	waiting.get('team/web')!.reported = true;
	waiting.failed(pod(), new JasmError('reading it', { code: 'SECRET_NOT_FOUND' }));
	t.deepEqual(due, ['team/web']);
	t.is(waiting.get('team/web')!.failure?.code, 'SECRET_NOT_FOUND');
});

test('a standby forgets a pod that the leader released, and does not take it for freed by a person', t => {
	const { waiting, due, counts, change } = setup({ leads: false });
	change(undefined, pod());
	due.length = 0;
	change(pod(), pod({ start: undefined, seenAt: 20 }));
	t.is(waiting.size, 0);
	t.is(counts.at(-1), 0);
	t.deepEqual(due, []);
});

test('a write that was under way while the annotation was edited is fresh for nothing that the pod asks for now', t => {
	const requests = new Requests();
	const waiting = new WaitingPods({
		leads: () => true,
		due: () => {},
		keysOf: record => requests.keysOf(record),
		onCount: () => {},
	});
	const ask = (path: string) => JSON.stringify({ provider: 'p', path, secretName: 'a' });
	const [before, after] = [pod({ annotation: ask('/one') }), pod({ annotation: ask('/two'), seenAt: 20 })];
	requests.update({ after: before });
	waiting.podChanged({ after: before });
	const { requesters } = requests.of('team/a')!;
	requests.update({ before, after });
	waiting.podChanged({ before, after });
	waiting.written('team/a', requesters, new Set(requesters));
	t.deepEqual([...waiting.get('team/web')!.missing!], ['team/a']);
});

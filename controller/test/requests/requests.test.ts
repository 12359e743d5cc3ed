// Which pods ask for which Secret, checked against a computation from all live pods.
import test from 'ava';
import fc from 'fast-check';
import { parseAnnotation } from '../../src/requests/annotation.ts';
import type { PodRecord } from '../../src/requests/pod-record.ts';
import { Requests } from '../../src/requests/requests.ts';
import { podRecord } from './pod-fixtures.ts';

const ask = (path: string, secretName = 's'): string =>
	`{provider: aws, path: ${path}, secretName: ${secretName}}`;

function aPod(uid: string, annotation: string, createdAt = 0, version = 0): PodRecord {
	return podRecord({ uid, namespace: 'team-a', createdAt, version, annotation });
}

const uidsOf = (requesters: readonly { pod: PodRecord }[] = []): string[] =>
	requesters.map(({ pod }) => pod.uid).sort();

test('a pod asks for the Secrets of its annotation', t => {
	const requests = new Requests();
	const pod = aPod('1', `[${ask('a', 'one')}, ${ask('b', 'two')}]`);
	t.deepEqual(requests.update({ after: pod }), { changed: ['team-a/one', 'team-a/two'] });
	t.is(requests.size, 2);
	t.deepEqual([...requests.keys()], ['team-a/one', 'team-a/two']);
	const request = requests.of('team-a/two');
	t.is(request?.effective.pod, pod);
	t.is(request?.effective.sync.path, 'b');
	t.deepEqual(request?.conflicting, []);
	t.is(requests.of('team-b/two'), undefined);
});

test('a change without meaning changes nothing', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	t.deepEqual(requests.update({ before: pod, after: { ...pod, seenAt: 9 } }).changed, []);
	t.is(requests.of('team-a/s')?.effective.pod, pod);
	t.deepEqual(requests.update({}).changed, []);
});

test('the newest pod wins; with equal time and version, the greater uid wins', t => {
	const requests = new Requests();
	requests.update({ after: aPod('2', ask('a'), 1_000) });
	requests.update({ after: aPod('1', ask('b'), 2_000) });
	t.is(requests.of('team-a/s')?.effective.pod.uid, '1');
	requests.update({ after: aPod('3', ask('c'), 2_000) });
	t.is(requests.of('team-a/s')?.effective.pod.uid, '3');
	t.deepEqual(uidsOf(requests.of('team-a/s')?.conflicting), ['1', '2']);
});

test('a replica is a new request without a conflict', t => {
	const requests = new Requests();
	requests.update({ after: aPod('1', ask('a')) });
	t.deepEqual(requests.update({ after: aPod('2', ask('a')) }).changed, ['team-a/s']);
	t.deepEqual(uidsOf(requests.of('team-a/s')?.requesters), ['1', '2']);
	t.deepEqual(requests.of('team-a/s')?.conflicting, []);
});

test('a deleted winner queues its key only if a different request wins', t => {
	const requests = new Requests();
	const pods = [aPod('1', ask('a'), 1), aPod('2', ask('b'), 2), aPod('3', ask('b'), 3)];
	for (const after of pods) {
		requests.update({ after });
	}

	t.deepEqual(requests.update({ before: pods[2] }).changed, []);
	t.deepEqual(requests.update({ before: pods[1] }).changed, ['team-a/s']);
	t.is(requests.of('team-a/s')?.effective.sync.path, 'a');
});

test('when the last pod leaves, its key is gone and reported as changed, so that its state can be forgotten', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	t.deepEqual(requests.update({ before: pod }).changed, ['team-a/s']);
	t.is(requests.of('team-a/s'), undefined);
	t.is(requests.size, 0);
});

test('a refused annotation withdraws the requests of the pod and is kept apart', t => {
	const requests = new Requests();
	const good = aPod('1', ask('a'));
	const bad = { ...good, annotation: 'provider: aws' };
	requests.update({ after: good });
	const { invalid, changed } = requests.update({ before: good, after: bad });
	t.is(invalid?.pod, bad);
	t.is(invalid?.error.message, 'path field is required');
	t.deepEqual(changed, ['team-a/s']);
	t.is(requests.of('team-a/s'), undefined);
	t.is(requests.invalid('team-a/pod-1')?.error.code, 'ANNOTATION_INVALID');
	t.deepEqual(requests.update({ before: bad, after: good }).changed, ['team-a/s']);
	t.is(requests.invalid('team-a/pod-1'), undefined);
});

test('a deleted pod with a refused annotation leaves nothing behind', t => {
	const requests = new Requests();
	const bad = aPod('1', '');
	requests.update({ after: bad });
	requests.update({ before: bad });
	t.is(requests.invalid('team-a/pod-1'), undefined);
});

test('a pod that is recreated under its name before the old one is gone keeps its own refusal', t => {
	const requests = new Requests();
	const [old, young] = [aPod('1', ''), { ...aPod('2', ''), name: 'pod-1' }];
	requests.update({ after: old });
	requests.update({ after: young });
	requests.update({ before: old });
	t.is(requests.invalid('team-a/pod-1')?.pod, young);
});

test('a request stays the same object while its pod asks for the same, so that reports to it are not repeated', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	const request = requests.of('team-a/s')!.effective;
	const longer = { ...pod, annotation: `[${ask('a')}, ${ask('b', 'two')}]` };
	t.deepEqual(requests.update({ before: pod, after: longer }).changed, ['team-a/two']);
	t.is(requests.of('team-a/s')!.effective, request);
	t.is(request.pod, longer);
	const other = { ...pod, annotation: ask('c') };
	t.deepEqual(requests.update({ before: longer, after: other }).changed, ['team-a/s', 'team-a/two']);
	t.not(requests.of('team-a/s')!.effective, request);
});

test('another request of a pod that does not win is a change, because the pod must hear of the conflict', t => {
	const requests = new Requests();
	const loser = aPod('1', ask('a'), 1);
	requests.update({ after: loser });
	requests.update({ after: aPod('2', ask('b'), 2) });
	t.deepEqual(requests.update({ before: loser, after: { ...loser, annotation: ask('c') } }).changed, [
		'team-a/s',
	]);
});

test('the deletion of an unknown pod does not affect pods that ask for the same', t => {
	const requests = new Requests();
	requests.update({ after: aPod('1', ask('a')) });
	requests.update({ before: aPod('9', ask('a')) });
	t.deepEqual(uidsOf(requests.of('team-a/s')?.requesters), ['1']);
	requests.update({ after: aPod('2', ask('b')) });
	requests.update({ after: aPod('3', ask('b')) });
	requests.update({ before: aPod('9', ask('b')) });
	t.deepEqual(uidsOf(requests.of('team-a/s')?.requesters), ['1', '2', '3']);
});

test('ten thousand replicas share one text and one parsed request', t => {
	const requests = new Requests();
	const held = ask('a');
	requests.update({ after: aPod('0', held) });
	for (let uid = 1; uid < 10_000; uid++) {
		requests.update({ after: aPod(String(uid), ask('a'), uid) });
	}

	const { requesters, effective } = requests.of('team-a/s')!;
	t.is(requesters.length, 10_000);
	t.true(requesters.every(({ sync }) => sync === effective.sync));
	t.is(effective.pod.uid, '9999');
	t.is(requests.intern(ask('a')), held);
});

test('a text that no live pod carries is not held', t => {
	const requests = new Requests();
	const pods = [aPod('1', ask('a')), aPod('2', ask('a'))];
	for (const after of pods) {
		requests.update({ after });
	}

	const sync = requests.of('team-a/s')!.effective.sync;
	requests.update({ before: pods[0] });
	requests.update({ before: pods[1], after: aPod('3', ask('a')) });
	t.is(requests.of('team-a/s')!.effective.sync, sync);
	requests.update({ before: aPod('3', ask('a')) });
	requests.update({ after: aPod('4', ask('a')) });
	t.not(requests.of('team-a/s')!.effective.sync, sync);
});

const ANNOTATIONS = [
	ask('a', 'x'),
	ask('b', 'x'),
	`{secretName: x, provider: aws, path: a, type: Opaque}`,
	ask('a', 'y'),
	`[${ask('a', 'x')}, ${ask('b', 'y')}]`,
	`[${ask('b', 'y')}, ${ask('c', 'x')}]`,
	'provider: aws',
	'',
];

/** The definition: computed from all live pods. */
function expected(pods: Iterable<PodRecord>) {
	const asked = new Map<string, { pod: PodRecord; spec: string }[]>();
	for (const pod of pods) {
		let syncs: ReturnType<typeof parseAnnotation> = [];
		try {
			syncs = parseAnnotation(pod.annotation);
		} catch {}

		for (const { secretName, spec } of syncs) {
			const key = `team-a/${secretName}`;
			asked.set(key, [...(asked.get(key) ?? []), { pod, spec }]);
		}
	}

	return new Map(
		[...asked].map(([key, all]) => {
			const newest = (a: (typeof all)[0], b: (typeof all)[0]) =>
				b.pod.createdAt - a.pod.createdAt ||
				b.pod.version - a.pod.version ||
				(a.pod.uid < b.pod.uid ? 1 : -1);
			const effective = [...all].sort(newest)[0]!;
			const conflicting = all.filter(({ spec }) => spec !== effective.spec);
			return [
				key,
				{
					effective: effective.pod.uid,
					spec: effective.spec,
					all: uidsOf(all),
					conflicting: uidsOf(conflicting),
					specs: new Map(all.map(({ pod, spec }) => [pod.uid, spec])),
				},
			];
		}),
	);
}

test('of pods created in the same second the one that JASM saw last wins, in whatever order a list names them', t => {
	const [early, late] = [aPod('z', ANNOTATIONS[0]!, 5, 100), aPod('a', ANNOTATIONS[1]!, 5, 101)];
	for (const list of [
		[early, late],
		[late, early],
	]) {
		const requests = new Requests();
		for (const after of list) {
			requests.update({ after });
		}

		const [key] = requests.keys();
		t.is(requests.of(key!)!.effective.pod, late);
	}
});

test('after any changes the answer equals a computation from all live pods', t => {
	const step = fc.record({
		uid: fc.constantFrom('1', '2', '3', '4', '5'),
		annotation: fc.option(fc.constantFrom(...ANNOTATIONS), { nil: undefined }),
		createdAt: fc.constantFrom(1, 2, 3),
		version: fc.constantFrom(1, 2, 3),
		ask: fc.boolean(),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 40 }), steps => {
			const requests = new Requests();
			const live = new Map<string, PodRecord>();
			for (const { uid, annotation, createdAt, version, ask } of steps) {
				const was = expected(live.values());
				const before = live.get(uid);
				const after =
					annotation === undefined
						? undefined
						: aPod(
								uid,
								annotation,
								before?.createdAt ?? createdAt,
								before?.annotation === annotation ? before.version : version,
							);
				live.delete(uid);
				if (after) {
					live.set(uid, after);
				}

				const { changed } = requests.update({ before, after });
				const is = expected(live.values());
				const news = [...is].filter(
					([key, { spec, specs }]) =>
						was.get(key)?.spec !== spec ||
						[...specs].some(([uid, spec]) => was.get(key)?.specs.get(uid) !== spec),
				);
				const gone = [...was.keys()].filter(key => !is.has(key));
				t.deepEqual([...changed].sort(), [...news.map(([key]) => key), ...gone].sort());
				t.deepEqual([...requests.keys()].sort(), [...is.keys()].sort());
				// Not asking leaves the lazily elected winner unknown: both ways must agree later.
				for (const [key, { effective, all, conflicting }] of ask ? is : []) {
					const request = requests.of(key)!;
					t.is(request.effective.pod.uid, effective);
					t.deepEqual(uidsOf(request.requesters), all);
					t.deepEqual(uidsOf(request.conflicting), conflicting);
				}
			}
		}),
		{ numRuns: 500 },
	);
});

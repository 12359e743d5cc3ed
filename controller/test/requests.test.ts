// Who asks for which Secret, checked against recomputing everything from the live pods.
import test from 'ava';
import fc from 'fast-check';
import { parseAnnotation } from '../src/annotation.ts';
import type { PodRecord } from '../src/pod-secrets.ts';
import { Requests } from '../src/requests.ts';

const ask = (path: string, secretName = 's'): string =>
	`{provider: aws, path: ${path}, secretName: ${secretName}}`;

function aPod(uid: string, annotation: string, createdAt = 0): PodRecord {
	return { uid, namespace: 'team-a', name: `pod-${uid}`, createdAt, seenAt: 0, annotation };
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
	t.is(request?.winner.pod, pod);
	t.is(request?.winner.sync.path, 'b');
	t.deepEqual(request?.losers, []);
	t.is(requests.of('team-b/two'), undefined);
});

test('a change that means nothing changes nothing', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	t.deepEqual(requests.update({ before: pod, after: { ...pod, seenAt: 9 } }).changed, []);
	t.is(requests.of('team-a/s')?.winner.pod, pod);
	t.deepEqual(requests.update({}).changed, []);
});

test('the newest pod wins, and of two of one age the one with the greater uid', t => {
	const requests = new Requests();
	requests.update({ after: aPod('2', ask('a'), 1_000) });
	requests.update({ after: aPod('1', ask('b'), 2_000) });
	t.is(requests.of('team-a/s')?.winner.pod.uid, '1');
	requests.update({ after: aPod('3', ask('c'), 2_000) });
	t.is(requests.of('team-a/s')?.winner.pod.uid, '3');
	t.deepEqual(uidsOf(requests.of('team-a/s')?.losers), ['1', '2']);
});

test('a replica is a new requester of the same request and disagrees with nobody', t => {
	const requests = new Requests();
	requests.update({ after: aPod('1', ask('a')) });
	t.deepEqual(requests.update({ after: aPod('2', ask('a')) }).changed, ['team-a/s']);
	t.deepEqual(uidsOf(requests.of('team-a/s')?.requesters), ['1', '2']);
	t.deepEqual(requests.of('team-a/s')?.losers, []);
});

test('a deleted winner brings its key back only where another request wins', t => {
	const requests = new Requests();
	const pods = [aPod('1', ask('a'), 1), aPod('2', ask('b'), 2), aPod('3', ask('b'), 3)];
	for (const after of pods) {
		requests.update({ after });
	}

	t.deepEqual(requests.update({ before: pods[2] }).changed, []);
	t.deepEqual(requests.update({ before: pods[1] }).changed, ['team-a/s']);
	t.is(requests.of('team-a/s')?.winner.sync.path, 'a');
});

test('the last requester takes its key along, which is told, so that nothing else remembers it', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	t.deepEqual(requests.update({ before: pod }).changed, ['team-a/s']);
	t.is(requests.of('team-a/s'), undefined);
	t.is(requests.size, 0);
});

test('a refused annotation withdraws what the pod asked for and is kept aside', t => {
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

test('a deleted pod of a refused annotation leaves nothing behind', t => {
	const requests = new Requests();
	const bad = aPod('1', '');
	requests.update({ after: bad });
	requests.update({ before: bad });
	t.is(requests.invalid('team-a/pod-1'), undefined);
});

test('a pod recreated under its name before the old one is gone keeps its own refusal', t => {
	const requests = new Requests();
	const [old, young] = [aPod('1', ''), { ...aPod('2', ''), name: 'pod-1' }];
	requests.update({ after: old });
	requests.update({ after: young });
	requests.update({ before: old });
	t.is(requests.invalid('team-a/pod-1')?.pod, young);
});

test('what a pod was told stays told while its request stays', t => {
	const requests = new Requests();
	const pod = aPod('1', ask('a'));
	requests.update({ after: pod });
	requests.of('team-a/s')!.winner.told.add('done');
	const longer = { ...pod, annotation: `[${ask('a')}, ${ask('b', 'two')}]` };
	t.deepEqual(requests.update({ before: pod, after: longer }).changed, ['team-a/two']);
	t.true(requests.of('team-a/s')!.winner.told.has('done'));
	t.is(requests.of('team-a/s')!.winner.pod, longer);
	const other = { ...pod, annotation: ask('c') };
	t.deepEqual(requests.update({ before: longer, after: other }).changed, ['team-a/s', 'team-a/two']);
	t.false(requests.of('team-a/s')!.winner.told.has('done'));
});

test('a loser that asks for something else is news, as it has to be told', t => {
	const requests = new Requests();
	const loser = aPod('1', ask('a'), 1);
	requests.update({ after: loser });
	requests.update({ after: aPod('2', ask('b'), 2) });
	t.deepEqual(requests.update({ before: loser, after: { ...loser, annotation: ask('c') } }).changed, [
		'team-a/s',
	]);
});

test('a pod that was never told of can go without harm to those that ask for the same', t => {
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

	const { requesters, winner } = requests.of('team-a/s')!;
	t.is(requesters.length, 10_000);
	t.true(requesters.every(({ sync }) => sync === winner.sync));
	t.is(winner.pod.uid, '9999');
	t.is(requests.intern(ask('a')), held);
});

test('a text that no live pod carries is not held', t => {
	const requests = new Requests();
	const pods = [aPod('1', ask('a')), aPod('2', ask('a'))];
	for (const after of pods) {
		requests.update({ after });
	}

	const sync = requests.of('team-a/s')!.winner.sync;
	requests.update({ before: pods[0] });
	requests.update({ before: pods[1], after: aPod('3', ask('a')) });
	t.is(requests.of('team-a/s')!.winner.sync, sync);
	requests.update({ before: aPod('3', ask('a')) });
	requests.update({ after: aPod('4', ask('a')) });
	t.not(requests.of('team-a/s')!.winner.sync, sync);
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

/** By definition: all live pods, read anew. */
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
				b.pod.createdAt - a.pod.createdAt || (a.pod.uid < b.pod.uid ? 1 : -1);
			const winner = [...all].sort(newest)[0]!;
			const losers = all.filter(({ spec }) => spec !== winner.spec);
			return [
				key,
				{
					winner: winner.pod.uid,
					spec: winner.spec,
					all: uidsOf(all),
					losers: uidsOf(losers),
					specs: new Map(all.map(({ pod, spec }) => [pod.uid, spec])),
				},
			];
		}),
	);
}

test('after any changes the answer is what reading all live pods anew would give', t => {
	const step = fc.record({
		uid: fc.constantFrom('1', '2', '3', '4', '5'),
		annotation: fc.option(fc.constantFrom(...ANNOTATIONS), { nil: undefined }),
		createdAt: fc.constantFrom(1, 2, 3),
		ask: fc.boolean(),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 40 }), steps => {
			const requests = new Requests();
			const live = new Map<string, PodRecord>();
			for (const { uid, annotation, createdAt, ask } of steps) {
				const was = expected(live.values());
				const before = live.get(uid);
				const after =
					annotation === undefined ? undefined : aPod(uid, annotation, before?.createdAt ?? createdAt);
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
				for (const [key, { winner, all, losers }] of ask ? is : []) {
					const request = requests.of(key)!;
					t.is(request.winner.pod.uid, winner);
					t.deepEqual(uidsOf(request.requesters), all);
					t.deepEqual(uidsOf(request.losers), losers);
				}
			}
		}),
		{ numRuns: 500 },
	);
});

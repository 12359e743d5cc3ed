// When a waiting pod may start, as a table of what is known of it.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { createRelease, nextStep, REPORT_AFTER_MS, releasePatch } from '../../src/gates/release.ts';
import { type WaitingPod, WaitingPods } from '../../src/gates/waiting-pods.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { ReleaseReporter } from '../../src/observability/release-reporter.ts';
import { Requests } from '../../src/requests/requests.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

const NOW = 1_000_000;
const SEEN = 5_000;

const waiting = (changes: Partial<WaitingPod> = {}): WaitingPod => ({
	pod: {
		uid: 'u',
		namespace: 'team',
		name: 'web',
		createdAt: NOW,
		askedAt: 0,
		version: 1,
		seenAt: SEEN,
		annotation: '',
		start: 'after-sync',
	},
	since: SEEN,
	deadlineAt: undefined,
	missing: new Set(['team/a']),
	failure: undefined,
	reported: false,
	refused: false,
	unreadable: undefined,
	freedByHand: false,
	releasing: false,
	effectSeen: false,
	...changes,
});
const failure = new JasmError('reading it', { code: 'SECRET_NOT_FOUND' });

test('a pod starts when each of its Secrets is fresh', t => {
	t.deepEqual(nextStep(waiting({ missing: new Set() }), NOW, SEEN), { kind: 'release', cause: 'Fresh' });
});

test('a release whose answer was lost is sent again, also where another pod changed a Secret meanwhile', t => {
	t.deepEqual(nextStep(waiting({ effectSeen: true }), NOW, SEEN), { kind: 'release', cause: 'Fresh' });
});

test('a pod that waits again since its release was sent is not forgotten with the answer', async t => {
	const requests = new Requests();
	const pods = new WaitingPods({
		leads: () => true,
		due: () => {},
		keysOf: record => requests.keysOf(record),
		onCount: () => {},
	});
	const { pod } = waiting();
	const again = { ...pod, annotation: '{provider: p, path: /a, secretName: a}', seenAt: SEEN + 10 };
	pods.podChanged({ after: pod });
	pods.get('team/web')!.freedByHand = true;
	const release = createRelease({
		client: {
			async patchPod() {
				requests.update({ after: again });
				pods.podChanged({ before: pod, after: again });
				return 'patched';
			},
		},
		waiting: pods,
		reporter: new ReleaseReporter({
			logger: createLogger({ level: 'silent' }),
			metrics: createMetrics(),
			recordEvent: () => {},
		}),
		clock: new VirtualClock(),
		mayWrite: () => true,
	});
	await release('team/web', { signal: new AbortController().signal, attempt: 0, priority: 0 });
	t.is(pods.get('team/web')?.pod, again);
});

test('a pod does not start while one of its Secrets is missing, and looks again when the wait is to be reported', t => {
	t.deepEqual(nextStep(waiting(), NOW, SEEN), { kind: 'wait', report: false, afterMs: REPORT_AFTER_MS });
});

test('a pod whose annotation is refused never starts without a deadline', t => {
	t.deepEqual(nextStep(waiting({ missing: undefined, reported: true }), NOW + 1e9, SEEN + 1e9), {
		kind: 'wait',
		report: false,
	});
});

test('a pod starts at its deadline whatever is missing, and not a millisecond earlier', t => {
	const pod = waiting({ deadlineAt: NOW + 60_000, reported: true, failure });
	t.deepEqual(nextStep(pod, NOW + 59_999, SEEN), { kind: 'wait', report: false, afterMs: 1 });
	t.deepEqual(nextStep(pod, NOW + 60_000, SEEN), { kind: 'release', cause: 'Deadline' });
	t.deepEqual(nextStep({ ...pod, missing: undefined }, NOW + 60_000, SEEN), {
		kind: 'release',
		cause: 'Deadline',
	});
});

test('a pod that is fresh at its deadline counts as fresh', t => {
	const pod = waiting({ deadlineAt: NOW, missing: new Set() });
	t.deepEqual(nextStep(pod, NOW + 1, SEEN), { kind: 'release', cause: 'Fresh' });
});

test('a wait is reported with the first failure, or after ten seconds, and once', t => {
	t.like(nextStep(waiting({ failure }), NOW, SEEN), { report: true });
	t.like(nextStep(waiting(), NOW, SEEN + REPORT_AFTER_MS), { report: true });
	t.like(nextStep(waiting({ failure, reported: true }), NOW, SEEN + REPORT_AFTER_MS), { report: false });
});

test('a pod that a person freed starts at once', t => {
	t.deepEqual(nextStep(waiting({ freedByHand: true }), NOW, SEEN), { kind: 'release', cause: 'ByHand' });
});

test('the patch names the pod by its uid and removes nothing but gate and annotation of JASM', t => {
	t.deepEqual(releasePatch('u'), {
		metadata: { uid: 'u', annotations: { 'jasm.codnod.io/start': null } },
		spec: { schedulingGates: [{ $patch: 'delete', name: 'jasm.codnod.io/secret' }] },
	});
});

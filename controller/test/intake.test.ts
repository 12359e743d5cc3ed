// What becomes of a change: which key is queued, how urgently, and when not at all.
import test from 'ava';
import { Intake } from '../src/intake.ts';
import { ManagedSecrets, toManagedSecret } from '../src/managed-secrets.ts';
import { createMetrics } from '../src/metrics.ts';
import type { PodRecord } from '../src/pod-secrets.ts';
import { Requests } from '../src/requests.ts';
import { Workqueue } from '../src/runtime/workqueue.ts';
import { History } from '../src/sync-history.ts';
import { VirtualClock } from './helpers/virtual-clock.ts';

const ASKING = 'provider: aws\npath: /p\nsecretName: s\n';

function anIntake({ leading = true } = {}) {
	const clock = new VirtualClock();
	const [secrets, refusedPods] = [new Workqueue({ clock }), new Workqueue({ clock })];
	const [history, managed, metrics] = [new History(), new ManagedSecrets(), createMetrics()];
	const requests = new Requests();
	const intake = new Intake({ requests, managed, history, clock, metrics, secrets, refusedPods });
	if (leading) {
		intake.lead();
	}

	const take = async (queue = secrets) => {
		const { key, priority } = (await queue.get(AbortSignal.timeout(1_000)))!;
		queue.done(key);
		return [key, priority];
	};
	const pod = (more: Partial<PodRecord> = {}): PodRecord => ({
		uid: 'u1',
		namespace: 'ns',
		name: 'p',
		createdAt: clock.now(),
		seenAt: 0,
		annotation: ASKING,
		...more,
	});
	const secret = (resourceVersion: string) =>
		toManagedSecret({ name: 's', namespace: 'ns', uid: 'su', resourceVersion, creationTimestamp: '' });
	const written = (resourceVersion: string) =>
		history.written('ns/s', { spec: '', readAt: 0, resourceVersion, sentAt: clock.monotonic() });
	return { clock, secrets, refusedPods, history, managed, metrics, intake, take, pod, secret, written };
}

test('a new pod is urgent, an old one of the first list can wait', async t => {
	const { intake, take, pod, clock } = anIntake();
	intake.podChanged({ after: pod(), initial: true });
	t.deepEqual(await take(), ['ns/s', 100]);
	const old = pod({
		uid: 'u2',
		annotation: ASKING.replace(': s', ': t'),
		createdAt: clock.now() - 3_600_000,
	});
	intake.podChanged({ after: old, initial: true });
	t.deepEqual(await take(), ['ns/t', -100]);
});

test('a pod whose annotation is refused is told, and no Secret is queued', async t => {
	const { intake, take, pod, secrets, refusedPods } = anIntake();
	intake.podChanged({ after: pod({ annotation: 'nonsense' }), initial: false });
	t.is(secrets.size, 0);
	t.deepEqual(await take(refusedPods), ['ns/p', 100]);
});

test('live annotated pods and the Secrets they ask for are counted', async t => {
	const { intake, pod, metrics } = anIntake();
	const [a, b] = [pod(), pod({ uid: 'u2', name: 'q' })];
	intake.podChanged({ after: a, initial: false });
	intake.podChanged({ after: b, initial: false });
	intake.podChanged({ before: a, initial: false });
	t.is((await metrics.trackedPods.get()).values[0]!.value, 1);
	t.is((await metrics.requestedSecrets.get()).values[0]!.value, 1);
});

test('the echo of our own write queues nothing', t => {
	const { intake, pod, secret, written, secrets } = anIntake();
	intake.podChanged({ after: pod(), initial: false });
	secrets.remove('ns/s');
	written('5');
	intake.secretChanged({ after: secret('5'), initial: false });
	t.is(secrets.size, 0);
});

test('a deleted Secret that somebody asks for is as urgent as a new pod', async t => {
	const { intake, pod, secret, written, secrets, take } = anIntake();
	intake.podChanged({ after: pod(), initial: false });
	secrets.remove('ns/s');
	written('5');
	intake.secretChanged({ before: secret('5'), initial: false });
	t.deepEqual(await take(), ['ns/s', 100]);
});

test('a Secret that nobody asks for may be edited and deleted', t => {
	const { intake, secret, secrets } = anIntake();
	intake.secretChanged({ after: secret('5'), initial: false });
	intake.secretChanged({ before: secret('5'), initial: false });
	t.is(secrets.size, 0);
});

test('a standby queues nothing; what is urgent is decided when it leads', async t => {
	const { intake, pod, secrets, refusedPods, take, clock } = anIntake({ leading: false });
	const refused = pod({ uid: 'u9', name: 'bad', annotation: 'nonsense' });
	intake.podChanged({ after: pod(), initial: false });
	intake.podChanged({ after: refused, initial: false });
	for (let i = 0; i < 100; i++) {
		const passing = pod({
			uid: `gone-${i}`,
			name: `gone-${i}`,
			annotation: ASKING.replace(': s', `: gone-${i}`),
		});
		intake.podChanged({ after: passing, initial: false });
		intake.podChanged({ before: passing, initial: false });
	}

	t.is(secrets.size + refusedPods.size, 0);
	await clock.advance(3_600_000);
	intake.podChanged({
		after: pod({ uid: 'u2', annotation: ASKING.replace(': s', ': new') }),
		initial: false,
	});
	intake.lead();
	t.deepEqual(
		[await take(), await take()],
		[
			['ns/new', 100],
			['ns/s', -100],
		],
	);
	t.is(secrets.size, 0);
	t.deepEqual(await take(refusedPods), ['ns/bad', -100]);
});

test('a Secret that came and went while the watch was away is written again after the next list', async t => {
	const { intake, pod, written, secrets, history, take } = anIntake();
	intake.podChanged({ after: pod(), initial: false });
	secrets.remove('ns/s');
	written('5');
	intake.secretsListed();
	t.deepEqual(await take(), ['ns/s', 100]);
	t.is(history.waitMs('ns/s', '', 0, false), 0);
});

// Which key a change queues, how urgently, and when none.
import test from 'ava';
import { WaitingPods } from '../../src/gates/waiting-pods.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { PodRecord } from '../../src/requests/pod-record.ts';
import { Requests } from '../../src/requests/requests.ts';
import { Workqueue } from '../../src/runtime/queue/workqueue.ts';
import { EventHandlers } from '../../src/sync/event-handlers.ts';
import { ManagedSecrets, toManagedSecret } from '../../src/sync/managed-secrets.ts';
import { SyncStates } from '../../src/sync/sync-state.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { ask, podRecord } from '../requests/pod-fixtures.ts';

const ASKING = ask();

function someHandlers({ leading = true } = {}) {
	const clock = new VirtualClock();
	const [secrets, refusedPods] = [new Workqueue({ clock }), new Workqueue({ clock })];
	const [states, managed, metrics] = [new SyncStates(), new ManagedSecrets(), createMetrics()];
	const requests = new Requests();
	const releases = new Workqueue({ clock });
	const waiting = new WaitingPods({
		leads: () => eventHandlers.leading,
		due: podKey => eventHandlers.podDue(podKey),
		keysOf: pod => requests.keysOf(pod),
		onCount: () => {},
	});
	const eventHandlers = new EventHandlers({
		requests,
		managed,
		states,
		clock,
		metrics,
		secrets,
		refusedPods,
		waiting,
		releases,
	});
	if (leading) {
		eventHandlers.lead();
	}

	const take = async (queue = secrets) => {
		const { key, priority } = (await queue.get(AbortSignal.timeout(1_000)))!;
		queue.done(key);
		return [key, priority];
	};
	const pod = (more: Partial<PodRecord> = {}) => podRecord({ name: 'p', createdAt: clock.now(), ...more });
	const secret = (resourceVersion: string) =>
		toManagedSecret({ name: 's', namespace: 'ns', uid: 'su', resourceVersion, creationTimestamp: '' });
	const written = (resourceVersion: string) => {
		const request = requests.of('ns/s')!;
		const state = states.load('ns/s', request);
		const sent = state.writing(request, clock.monotonic());
		state.completed(request, { sent, readAt: 0, resourceVersion });
	};
	const next = () => states.get('ns/s')!.next(requests.of('ns/s')!, clock.monotonic());
	return {
		clock,
		secrets,
		refusedPods,
		states,
		managed,
		metrics,
		eventHandlers,
		take,
		pod,
		secret,
		written,
		next,
	};
}

test('a new pod is urgent, an old pod of the first list is not', async t => {
	const { eventHandlers, take, pod, clock } = someHandlers();
	eventHandlers.podChanged({ after: pod(), initial: true });
	t.deepEqual(await take(), ['ns/s', 100]);
	const old = pod({
		uid: 'u2',
		annotation: ASKING.replace(': s', ': t'),
		createdAt: clock.now() - 3_600_000,
	});
	eventHandlers.podChanged({ after: old, initial: true });
	t.deepEqual(await take(), ['ns/t', -100]);
});

test('a pod whose annotation is refused is queued for its report, and no Secret is', async t => {
	const { eventHandlers, take, pod, secrets, refusedPods } = someHandlers();
	eventHandlers.podChanged({ after: pod({ annotation: 'nonsense' }), initial: false });
	t.is(secrets.size, 0);
	t.deepEqual(await take(refusedPods), ['ns/p', 100]);
});

test('live annotated pods and the Secrets they ask for are counted', async t => {
	const { eventHandlers, pod, metrics } = someHandlers();
	const [a, b] = [pod(), pod({ uid: 'u2', name: 'q' })];
	eventHandlers.podChanged({ after: a, initial: false });
	eventHandlers.podChanged({ after: b, initial: false });
	eventHandlers.podChanged({ before: a, initial: false });
	t.is((await metrics.trackedPods.get()).values[0]!.value, 1);
	t.is((await metrics.requestedSecrets.get()).values[0]!.value, 1);
});

test("the watch event of JASM's own write queues nothing", async t => {
	const { eventHandlers, pod, secret, written, secrets, take } = someHandlers();
	eventHandlers.podChanged({ after: pod(), initial: false });
	await take();
	written('5');
	eventHandlers.secretChanged({ after: secret('5'), initial: false });
	t.is(secrets.size, 0);
});

test('a deleted Secret that a pod asks for is as urgent as a new pod', async t => {
	const { eventHandlers, pod, secret, written, take } = someHandlers();
	eventHandlers.podChanged({ after: pod(), initial: false });
	await take();
	written('5');
	eventHandlers.secretChanged({ before: secret('5'), initial: false });
	t.deepEqual(await take(), ['ns/s', 100]);
});

test('a change of a Secret that no pod asks for queues nothing', t => {
	const { eventHandlers, secret, secrets } = someHandlers();
	eventHandlers.secretChanged({ after: secret('5'), initial: false });
	eventHandlers.secretChanged({ before: secret('5'), initial: false });
	t.is(secrets.size, 0);
});

test('a standby queues nothing; priorities are set when it begins to lead', async t => {
	const { eventHandlers, pod, secrets, refusedPods, take, clock } = someHandlers({ leading: false });
	const refused = pod({ uid: 'u9', name: 'bad', annotation: 'nonsense' });
	eventHandlers.podChanged({ after: pod(), initial: false });
	eventHandlers.podChanged({ after: refused, initial: false });
	for (let i = 0; i < 100; i++) {
		const passing = pod({
			uid: `gone-${i}`,
			name: `gone-${i}`,
			annotation: ASKING.replace(': s', `: gone-${i}`),
		});
		eventHandlers.podChanged({ after: passing, initial: false });
		eventHandlers.podChanged({ before: passing, initial: false });
	}

	t.is(secrets.size + refusedPods.size, 0);
	await clock.advance(3_600_000);
	eventHandlers.podChanged({
		after: pod({ uid: 'u2', annotation: ASKING.replace(': s', ': new') }),
		initial: false,
	});
	eventHandlers.lead();
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
	const { eventHandlers, pod, written, next, take } = someHandlers();
	eventHandlers.podChanged({ after: pod(), initial: false });
	await take();
	written('5');
	eventHandlers.secretsListed();
	t.deepEqual(await take(), ['ns/s', 100]);
	t.deepEqual(next(), { kind: 'run' });
});

// Only the outcome of a run decides what follows for its key; a stop loses no key and waits for started runs.
import test from 'ava';
import {
	Controller,
	type ControllerOptions,
	type Outcome,
	type Reconcile,
} from '../../src/runtime/controller.ts';
import { Workqueue } from '../../src/runtime/queue/workqueue.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

const anError = (retry?: string, retryAfterMs?: number) =>
	Object.assign(new Error('reading secret'), { retry, retryAfterMs });

function aController(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
	const clock = new VirtualClock();
	const queue = new Workqueue({ clock });
	const outcomes: Outcome[] = [];
	const controller = new Controller({
		queue,
		reconcile,
		clock,
		random: () => 0.5,
		onOutcome: outcome => outcomes.push(outcome),
		...options,
	});
	const stop = new AbortController();
	const running = controller.run(stop.signal);
	running.catch(() => {});
	return { clock, queue, controller, outcomes, stop, running };
}

/** Fails with each error in turn, then succeeds. */
const failing = (...errors: unknown[]): Reconcile => {
	return async () => {
		const error = errors.shift();
		if (error !== undefined) throw error;
		return undefined;
	};
};

/** Runs until it is ended; obeys its signal unless `deaf`. */
function held({ deaf = false } = {}) {
	const runs: { key: string; finish: () => void }[] = [];
	const reconcile: Reconcile = (key, { signal }) => {
		const { promise, resolve, reject } = Promise.withResolvers<undefined>();
		runs.push({ key, finish: () => resolve(undefined) });
		if (!deaf) signal.addEventListener('abort', () => reject(signal.reason));
		return promise;
	};
	return { runs, reconcile };
}

test('a key that succeeded leaves no timer and no memory behind', async t => {
	const { clock, queue, controller, outcomes } = aController(failing());
	queue.add('a/x', { priority: 100 });
	await clock.settle();
	t.like(outcomes, [{ key: 'a/x', kind: 'done', attempt: 0, priority: 100, waitedMs: 0, durationMs: 0 }]);
	t.is(outcomes.length, 1);
	t.is(clock.timers, 0);
	t.deepEqual([queue.size, queue.running, controller.failing, controller.running], [0, 0, 0, 0]);
});

test('a failure that passes soon is tried again after 250 ms, doubling, with full jitter', async t => {
	const { clock, queue, outcomes, controller } = aController(
		failing(anError('fast'), anError('fast'), anError('fast')),
	);
	queue.add('a/x');
	await clock.runUntil(() => outcomes.at(-1)?.kind === 'done');
	const waits = outcomes.flatMap(outcome => (outcome.kind === 'failed' ? [outcome.afterMs] : []));
	t.deepEqual(waits, [125, 250, 500]);
	t.deepEqual(
		outcomes.map(({ attempt }) => attempt),
		[0, 1, 2, 3],
	);
	t.is(controller.failing, 0);
});

test('a failure that a person must fix is tried again after 5 s, doubling to 5 minutes', async t => {
	const { clock, queue, outcomes } = aController(
		failing(...Array.from({ length: 9 }, () => anError('slow'))),
		{ random: () => 0 },
	);
	queue.add('a/x');
	await clock.runUntil(() => outcomes.at(-1)?.kind === 'done', { maxMs: 3_600_000 });
	const waits = outcomes.flatMap(outcome => (outcome.kind === 'failed' ? [outcome.afterMs / 1_000] : []));
	t.deepEqual(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test('failures of one kind do not lengthen the wait after one of the other', async t => {
	const errors = ['fast', 'fast', 'fast', 'slow', 'slow', 'fast'].map(retry => anError(retry));
	const { clock, queue, outcomes } = aController(failing(...errors), { random: () => 0.5 });
	queue.add('a/x');
	await clock.runUntil(() => outcomes.at(-1)?.kind === 'done');
	const waits = outcomes.flatMap(outcome => (outcome.kind === 'failed' ? [outcome.afterMs] : []));
	t.deepEqual(waits, [125, 250, 500, 5_500, 11_000, 125]);
	t.is(outcomes.at(-1)?.attempt, 6);
});

test('a terminal error is not tried again until the key is added again', async t => {
	const { clock, queue, outcomes, controller } = aController(failing(anError('fast'), anError('terminal')));
	queue.add('a/x');
	await clock.runUntil(() => outcomes.at(-1)?.kind === 'terminal');
	t.is(controller.failing, 0);
	t.is(clock.timers, 0);
	queue.add('a/x');
	await clock.settle();
	t.like(outcomes.at(-1), { kind: 'done', attempt: 0 });
});

test('an error that does not say how to retry it is unexpected and retried slowly', async t => {
	for (const thrown of [new Error('a bug'), 'text', undefined, null, anError('nonsense')]) {
		const { clock, queue, outcomes } = aController(() => Promise.reject(thrown));
		queue.add('a/x');
		await clock.settle();
		t.like(outcomes[0], { kind: 'failed', unexpected: true, afterMs: 5_500 });
	}
});

test('Retry-After is a floor with a little jitter, and has a cap', async t => {
	const errors = [anError('fast', 10_000), anError('slow', 1), anError('fast', 86_400_000)];
	const { clock, queue, outcomes } = aController(failing(...errors));
	queue.add('a/x');
	await clock.runUntil(() => outcomes.at(-1)?.kind === 'done');
	const waits = outcomes.flatMap(outcome => (outcome.kind === 'failed' ? [Math.round(outcome.afterMs)] : []));
	t.deepEqual(waits, [10_500, 5_500, 315_000]);
});

test('a requeued key runs again, and its count of failures stays', async t => {
	const results = [Promise.reject(anError('fast')), Promise.resolve({ requeueAfterMs: 1_000 }), undefined];
	results[0]?.catch(() => {});
	const { clock, queue, outcomes } = aController(async () => results.shift());
	queue.add('a/x');
	await clock.runUntil(() => outcomes.length === 2);
	t.is(await clock.runUntil(() => outcomes.length === 3), 1_000);
	t.deepEqual(
		outcomes.map(({ kind, attempt }) => [kind, attempt]),
		[
			['failed', 0],
			['requeued', 1],
			['done', 1],
		],
	);
});

test('a new pod does not wait for the backoff of its key', async t => {
	const { clock, queue, outcomes } = aController(failing(anError('slow')));
	queue.add('a/x');
	await clock.settle();
	queue.add('a/x', { priority: 100 });
	await clock.settle();
	t.like(outcomes.at(-1), { kind: 'done', attempt: 1, priority: 100 });
	t.is(clock.timers, 0);
});

test('a key that changes while its run fails runs again at once, and only once', async t => {
	let runs = 0;
	const { clock, queue } = aController(async key => {
		runs++;
		if (runs === 1) {
			queue.add(key);
			throw anError('slow');
		}
		return undefined;
	});
	queue.add('a/x');
	await clock.settle();
	t.is(runs, 2);
	await clock.advance(600_000);
	t.is(runs, 2);
});

test('a failing key does not keep others from running', async t => {
	const { clock, queue, outcomes } = aController(async key => {
		if (key === 'a/bad') throw anError('fast');
		return undefined;
	});
	queue.add('a/bad');
	for (let i = 0; i < 100; i++) queue.add(`a/${i}`);
	await clock.settle();
	t.is(outcomes.filter(({ kind }) => kind === 'done').length, 100);
});

test('at most `concurrency` keys run at a time, and the next one starts as soon as one ends', async t => {
	const { runs, reconcile } = held();
	const { clock, queue, controller } = aController(reconcile, { concurrency: 3 });
	for (let i = 0; i < 5; i++) queue.add(`a/${i}`);
	await clock.settle();
	t.is(controller.running, 3);
	t.is(runs.length, 3);
	runs[1]!.finish();
	await clock.settle();
	t.is(runs.length, 4);
	t.is(controller.running, 3);
});

test('after the signal no key is taken, started runs finish, and only then `run` resolves', async t => {
	const { runs, reconcile } = held();
	const { clock, queue, outcomes, stop, running } = aController(reconcile, { concurrency: 2 });
	for (let i = 0; i < 4; i++) queue.add(`a/${i}`);
	await clock.settle();
	let resolved = false;
	void running.then(() => {
		resolved = true;
	});
	stop.abort();
	await clock.advance(14_000);
	runs[0]!.finish();
	await clock.settle();
	t.false(resolved);
	runs[1]!.finish();
	await running;
	t.is(runs.length, 2);
	t.is(outcomes.filter(({ kind }) => kind === 'done').length, 2);
	t.is(clock.timers, 0);
});

test('a key that is handed out at the time of the signal does not run, and is not lost', async t => {
	const { clock, queue, outcomes, stop, running } = aController(failing());
	await clock.settle();
	queue.add('a/x');
	queueMicrotask(() => stop.abort());
	await running;
	t.deepEqual(outcomes, []);
	t.deepEqual([queue.size, queue.running], [1, 0]);
});

test('a run that has not finished 15 s after the signal is aborted, and awaited', async t => {
	const { runs, reconcile } = held();
	const { clock, queue, outcomes, stop, running, controller } = aController(reconcile);
	queue.add('a/x');
	await clock.settle();
	stop.abort();
	await clock.advance(14_999);
	t.is(controller.running, 1);
	await clock.advance(1);
	await running;
	t.is(runs.length, 1);
	t.like(outcomes, [{ kind: 'aborted' }]);
	t.is(controller.failing, 0);
});

test('a run that ignores its signal is still awaited: no work goes on after the shutdown', async t => {
	const { runs, reconcile } = held({ deaf: true });
	const { clock, queue, stop, running, controller } = aController(reconcile);
	queue.add('a/x');
	await clock.settle();
	stop.abort();
	await clock.advance(60_000);
	t.is(controller.running, 1);
	runs[0]!.finish();
	await running;
	t.is(controller.running, 0);
});

test('`abort` stops all runs at once; their keys wait again and do not count as failed', async t => {
	const { runs, reconcile } = held();
	const { clock, queue, controller, outcomes } = aController(reconcile);
	queue.add('a/x', { priority: 50 });
	await clock.settle();
	controller.abort(new Error('lease lost'));
	await clock.settle();
	t.like(outcomes, [{ kind: 'aborted', error: { message: 'lease lost' } }]);
	t.is(controller.failing, 0);
	t.is(runs.length, 2);
	runs[1]!.finish();
	await clock.settle();
	t.like(outcomes[1], { kind: 'done', attempt: 0, priority: 50 });
});

test('an error of `onOutcome` ends `run` with it, after its key was given back', async t => {
	const { clock, queue, running } = aController(failing(), {
		onOutcome: () => {
			throw new Error('a bug');
		},
	});
	queue.add('a/x');
	await clock.settle();
	await t.throwsAsync(running, { message: 'a bug' });
	t.is(queue.running, 0);
});

// One call serves many callers, as long as it is recent enough for each and one of them still waits.
import test from 'ava';
import { SingleFlight } from '../../src/runtime/single-flight.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';

const never = new AbortController().signal;

function aSingleFlight() {
	const clock = new VirtualClock();
	const flights = new SingleFlight<string>({ clock });
	const started: { signal: AbortSignal; land: (answer: string) => void; crash: (error: Error) => void }[] =
		[];
	const start = (signal: AbortSignal) => {
		const { promise, resolve, reject } = Promise.withResolvers<string>();
		started.push({ signal, land: resolve, crash: reject });
		return promise;
	};
	const ask = (notBefore = clock.monotonic(), signal = never, key = 'k') =>
		flights.run(key, notBefore, start, signal);
	return { clock, flights, started, ask };
}

test('a hundred callers share one call and its answer', async t => {
	const { flights, started, ask } = aSingleFlight();
	const answers = Array.from({ length: 100 }, () => ask());
	started[0]!.land('v1');
	t.deepEqual(new Set(await Promise.all(answers)), new Set(['v1']));
	t.is(started.length, 1);
	t.is(flights.size, 0);
});

test('a call that started up to 250 ms before the reason of the caller is shared, an older one is not', async t => {
	const { clock, started, ask } = aSingleFlight();
	const first = ask();
	await clock.advance(250);
	const sharing = ask();
	await clock.advance(1);
	const fresh = ask();
	t.is(started.length, 2);
	started[0]!.land('old');
	started[1]!.land('new');
	t.deepEqual(await Promise.all([first, sharing, fresh]), ['old', 'old', 'new']);
});

test('a late caller with an older notBefore joins the call in flight', async t => {
	const { clock, started, ask } = aSingleFlight();
	const appearedAt = clock.monotonic();
	await clock.advance(1_000);
	const first = ask();
	await clock.advance(5_000);
	const second = ask(appearedAt);
	t.is(started.length, 1);
	started[0]!.land('v1');
	t.deepEqual(await Promise.all([first, second]), ['v1', 'v1']);
});

test('a finished call is not shared, however recent it is', async t => {
	const { started, ask } = aSingleFlight();
	const first = ask();
	started[0]!.land('v1');
	await first;
	void ask();
	t.is(started.length, 2);
});

test('an older call that finishes does not end the sharing of a later one', async t => {
	const { clock, started, ask } = aSingleFlight();
	const old = ask();
	await clock.advance(1_000);
	const young = ask();
	started[0]!.land('old');
	await old;
	const sharing = ask();
	t.is(started.length, 2);
	started[1]!.land('young');
	t.deepEqual(await Promise.all([young, sharing]), ['young', 'young']);
});

test('calls of different keys are not shared', t => {
	const { clock, started, ask } = aSingleFlight();
	void ask(clock.monotonic(), never, 'k');
	void ask(clock.monotonic(), never, 'l');
	t.is(started.length, 2);
});

test('a caller that aborts leaves at once, and the call goes on for the others', async t => {
	const { clock, started, ask } = aSingleFlight();
	const leaver = new AbortController();
	const leaving = ask(clock.monotonic(), leaver.signal);
	const staying = ask();
	leaver.abort(new Error('shutting down'));
	await t.throwsAsync(leaving, { message: 'shutting down' });
	t.false(started[0]!.signal.aborted);
	started[0]!.land('v1');
	t.is(await staying, 'v1');
});

test('a call without callers is aborted, and the next caller starts a new one', async t => {
	const { clock, flights, started, ask } = aSingleFlight();
	const leavers = [new AbortController(), new AbortController()];
	const leaving = leavers.map(({ signal }) => t.throwsAsync(ask(clock.monotonic(), signal)));
	for (const leaver of leavers) leaver.abort(new Error('shutting down'));
	await Promise.all(leaving);
	t.true(started[0]!.signal.aborted);
	t.is(flights.size, 0);
	const next = ask();
	started[0]!.crash(new Error('aborted'));
	started[1]!.land('v2');
	t.is(await next, 'v2');
});

test('a caller with an aborted signal starts nothing', async t => {
	const { clock, started, ask } = aSingleFlight();
	await t.throwsAsync(ask(clock.monotonic(), AbortSignal.abort(new Error('too late'))), {
		message: 'too late',
	});
	t.is(started.length, 0);
});

test('a failure reaches every caller and is not kept', async t => {
	const { flights, started, ask } = aSingleFlight();
	const asking = [ask(), ask()].map(answer => t.throwsAsync(answer, { message: 'throttled' }));
	started[0]!.crash(new Error('throttled'));
	await Promise.all(asking);
	t.is(flights.size, 0);
});

test('a call that throws before it returns a promise is a failure like any other', async t => {
	const { flights } = aSingleFlight();
	const start = () => {
		throw new Error('at once');
	};
	await t.throwsAsync(flights.run('k', 0, start, never), { message: 'at once' });
	t.is(flights.size, 0);
});

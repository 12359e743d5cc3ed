// The real clock keeps the promises that the engine depends on.
import test from 'ava';
import { systemClock } from '../../src/runtime/clock.ts';

test('a timer longer than Node can set does not fire at once', async t => {
	const timer = systemClock.schedule(Number.MAX_SAFE_INTEGER, () => t.fail());
	await systemClock.sleep(5);
	timer.cancel();
	t.pass();
});

test('a sleep that is aborted rejects with the reason of its signal', async t => {
	const stop = new AbortController();
	const sleep = systemClock.sleep(60_000, stop.signal);
	stop.abort(new Error('enough'));
	await t.throwsAsync(sleep, { message: 'enough' });
});

// Time as a parameter: the only place that touches timers and the process's clocks.
import { setTimeout as delay } from 'node:timers/promises';

/** The longest delay of a Node timer (24.8 days); a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Whole milliseconds, rounded up: Node cuts fractions off, and would fire before the time. */
const timerMs = (ms: number) => Math.min(Math.max(0, Math.ceil(ms)), LONGEST_MS);

export type Timer = { cancel(): void };

export type Clock = {
	/** Wall-clock milliseconds since the epoch: for what people read, never for durations. */
	now(): number;
	/** Milliseconds that only ever grow: for durations and deadlines. */
	monotonic(): number;
	/** Runs `callback` once after `ms` (24.8 days at most); the timer does not keep the process alive. */
	schedule(ms: number, callback: () => void): Timer;
	/** Resolves after `ms`; rejects with the signal's reason when it aborts. */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	schedule(ms, callback) {
		const timer = setTimeout(callback, timerMs(ms));
		timer.unref();
		return { cancel: () => clearTimeout(timer) };
	},
	async sleep(ms, signal) {
		try {
			await delay(timerMs(ms), undefined, signal === undefined ? undefined : { signal });
		} catch (error) {
			throw signal?.aborted ? signal.reason : error;
		}
	},
};

// Runs a call within its deadline, and ends it when its reader or the whole provider stops.
import { JasmError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';

export type Deadline = {
	readonly clock: Clock;
	/** Of the whole call, in milliseconds. */
	readonly deadlineMs: number;
	/** The error at the deadline. */
	readonly late: () => Error;
	/** Each of them ends the call. */
	readonly signals?: readonly AbortSignal[];
	/** The error when one of the signals aborts. */
	readonly cancelled?: () => Error;
};

/**
 * Settles as `call` does, or at once with the error of the deadline or of the signals. The signal that `call` gets
 * aborts then, but nothing depends on `call` minding it.
 */
export async function beforeDeadline<T>(
	{ clock, deadlineMs, late, signals = [], cancelled = aborted }: Deadline,
	call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const attempt = new AbortController();
	const { promise: stopped, reject } = Promise.withResolvers<never>();
	const stop = (error: Error) => {
		reject(error);
		attempt.abort();
	};
	const cancel = () => stop(cancelled());
	const deadline = clock.schedule(deadlineMs, () => stop(late()));
	for (const signal of signals) {
		signal.addEventListener('abort', cancel, { once: true });
	}

	try {
		if (signals.some(signal => signal.aborted)) {
			cancel();
			return await stopped;
		}

		return await Promise.race([call(attempt.signal), stopped]);
	} finally {
		deadline.cancel();
		for (const signal of signals) {
			signal.removeEventListener('abort', cancel);
		}
	}
}

const aborted = () => new JasmError('cancelled', { code: 'ABORTED' });

export type Bounds = {
	readonly clock: Clock;
	/** Of the whole read, in milliseconds. */
	readonly deadlineMs: number;
	/** Begins the messages. */
	readonly subject: string;
	/** Each of them ends the read as cancelled. */
	readonly signals: readonly AbortSignal[];
};

/** One read: at its deadline it fails with PROVIDER_UNAVAILABLE, when it is cancelled with ABORTED. */
export const withDeadline = <T>(
	{ subject, ...bounds }: Bounds,
	call: (signal: AbortSignal) => Promise<T>,
): Promise<T> =>
	beforeDeadline(
		{
			...bounds,
			late: () =>
				new JasmError(`${subject}: no answer within ${bounds.deadlineMs} ms`, {
					code: 'PROVIDER_UNAVAILABLE',
				}),
			cancelled: () => new JasmError(`${subject}: cancelled`, { code: 'ABORTED' }),
		},
		call,
	);

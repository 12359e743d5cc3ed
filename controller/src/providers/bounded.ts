// Runs one read within its deadline, and ends it when its reader or the whole provider stops.
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';

export type Bounds = {
	readonly clock: Clock;
	/** Of the whole read, in milliseconds. */
	readonly deadlineMs: number;
	/** Begins the messages. */
	readonly subject: string;
	/** Each of them ends the read as cancelled. */
	readonly signals: readonly AbortSignal[];
};

/**
 * Settles as `call` does, or at once with ABORTED or, at the deadline, PROVIDER_UNAVAILABLE; the signal that
 * `call` gets aborts then, but nothing depends on `call` minding it.
 */
export async function bounded<T>(
	{ clock, deadlineMs, subject, signals }: Bounds,
	call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const attempt = new AbortController();
	const { promise: stopped, reject } = Promise.withResolvers<never>();
	const stop = (error: JasmError) => {
		reject(error);
		attempt.abort();
	};
	const cancel = () => stop(new JasmError(`${subject}: cancelled`, { code: 'ABORTED' }));
	const deadline = clock.schedule(deadlineMs, () => {
		const message = `${subject}: no answer within ${deadlineMs} ms`;
		stop(new JasmError(message, { code: 'PROVIDER_UNAVAILABLE' }));
	});
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

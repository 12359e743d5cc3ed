// Proves a guard before the controller starts: waits while the API server does not answer, and returns its refusal.
import { JasmError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { backoff, type Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';

export type ProofOptions = {
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly signal: AbortSignal;
};

const START_BACKOFF = { baseMs: 500, capMs: 30_000, jitter: 'full' } as const;

/**
 * Repeats a proof until the API server answers it. `guard` begins the log line of an attempt without an answer.
 *
 * @returns undefined if the guard is proven, else the error that says why it is not
 */
export async function proveAtStart(
	guard: string,
	prove: () => Promise<void>,
	{ clock, random, logger, signal }: ProofOptions,
): Promise<JasmError | undefined> {
	for (let attempt = 0; ; attempt++) {
		try {
			await prove();
			return undefined;
		} catch (error) {
			if (!(error instanceof JasmError)) {
				throw error;
			}

			const { code, remedy } = error;
			if (code !== 'KUBERNETES_UNAVAILABLE' && code !== 'KUBERNETES_UNAUTHORIZED') {
				return error;
			}

			logger.warn({ error, attempt, remedy }, `${guard} could not be proven yet`);
			await clock.sleep(Math.max(backoff(START_BACKOFF, attempt, random), error.retryAfterMs ?? 0), signal);
		}
	}
}

// Failures of a queue of change notices as coded errors: one code for what passes by itself, one for what does not.
import { type ErrorCode, JasmError } from '../../errors.ts';
import { failureOf, type Service } from './call-error.ts';
import type { Facts } from './failure.ts';

/** Codes of a failed sign-in or connection that passes by itself. */
const PASSING: readonly ErrorCode[] = ['PROVIDER_UNAVAILABLE', 'PROVIDER_THROTTLED'];

/** What a call failed with that got no answer of the service, such as a refused sign-in. */
export function unansweredQueue(
	subject: string,
	error: unknown,
	service: Service,
	facts: Facts = {},
): JasmError {
	if (error instanceof JasmError) {
		return error.code === 'ABORTED'
			? error
			: queueFailure(error.message, 'CHANGE_SOURCE_UNAVAILABLE', error.details);
	}

	const failure = failureOf(error, service, facts);
	const code = PASSING.includes(failure.code) ? 'CHANGE_SOURCE_UNAVAILABLE' : 'CHANGE_SOURCE_DENIED';
	return queueFailure(`${subject}: ${failure.message}`, code, failure.details);
}

/** Never has a cause: that can hold headers. */
export const queueFailure = (
	message: string,
	code: 'CHANGE_SOURCE_UNAVAILABLE' | 'CHANGE_SOURCE_DENIED',
	details: JasmError['details'],
) => new JasmError(message, { code, details });

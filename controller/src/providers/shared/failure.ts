// What a call to a provider failed with, before it is told about which secret: code, fixed text, facts for the log.
import { type ErrorCode, JasmError } from '../../errors.ts';

export type Facts = Readonly<Record<string, string | number | boolean>>;

export type ProviderFailureOptions = {
	readonly code: ErrorCode;
	/** Only for the log line. */
	readonly details?: Facts;
	/** From Retry-After, in milliseconds. */
	readonly retryAfterMs?: number | undefined;
};

/** Its message is a fixed text of ours: nothing that the other side said, no path, no account. */
export class ProviderFailure extends Error {
	override readonly name = 'ProviderFailure';
	readonly code: ErrorCode;
	readonly details: Facts;
	readonly retryAfterMs: number;

	constructor(text: string, { code, details = {}, retryAfterMs = 0 }: ProviderFailureOptions) {
		super(text);
		this.code = code;
		this.details = details;
		this.retryAfterMs = retryAfterMs;
	}
}

/** Least time before a throttled read is tried again, in milliseconds. */
const THROTTLED_MS = 5_000;

/** `subject` says what was attempted. Never has a cause: errors of clients hold answers and headers. */
export function toJasmError(subject: string, error: unknown): JasmError {
	if (error instanceof JasmError) {
		return error;
	}

	if (!(error instanceof ProviderFailure)) {
		return toJasmError(subject, defect(error));
	}

	const { message, code, details, retryAfterMs } = error;
	const waitMs = code === 'PROVIDER_THROTTLED' ? Math.max(retryAfterMs, THROTTLED_MS) : retryAfterMs;
	return new JasmError(`${subject}: ${message}`, {
		code,
		details,
		// JASM refused the request itself before it was sent; of a store, no refusal is final.
		...(code === 'PROVIDER_REQUEST_INVALID' && { retry: 'slow' }),
		...(waitMs > 0 && { retryAfterMs: waitMs }),
	});
}

/** An error that no store, no file and no connection causes. Only its name is kept. */
export const defect = (error: unknown): ProviderFailure =>
	new ProviderFailure('an unexpected error', {
		code: 'INTERNAL',
		details: identifier('error', Object(error).name),
	});

/** What the other side chose goes into the log only where it is an identifier. */
export const identifier = (field: string, value: unknown): Facts =>
	typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? { [field]: value } : {};

// What a call to a provider failed with, before it is told about which secret: code, fixed text, facts for the log.
import { type ErrorCode, JasmError } from '../errors.ts';

export type Facts = Readonly<Record<string, string | number | boolean>>;

export type ProviderFailureOptions = {
	readonly code: ErrorCode;
	/** For the log line alone. */
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
/** The longest that a provider's Retry-After is honoured, in milliseconds. */
const LONGEST_WAIT_MS = 300_000;

/** `subject` says what was attempted. Never has a cause: errors of clients hold answers and headers. */
export function toJasmError(subject: string, error: unknown): JasmError {
	if (error instanceof JasmError) {
		return error;
	}

	if (!(error instanceof ProviderFailure)) {
		const details = identifier('error', Object(error).name);
		return new JasmError(`${subject}: an unexpected error`, { code: 'INTERNAL', details });
	}

	const { message, code, details, retryAfterMs } = error;
	const waitMs = code === 'PROVIDER_THROTTLED' ? Math.max(retryAfterMs, THROTTLED_MS) : retryAfterMs;
	return new JasmError(`${subject}: ${message}`, {
		code,
		details,
		...(waitMs > 0 && { retryAfterMs: waitMs }),
	});
}

/** Milliseconds of a Retry-After in seconds, bounded; 0 where it says nothing usable. */
export function retryAfterOf(header: unknown): number {
	const seconds = typeof header === 'string' && header !== '' ? Number(header) : 0;
	return seconds > 0 ? Math.min(seconds * 1_000, LONGEST_WAIT_MS) : 0;
}

/** What the other side chose goes into the log only where it is an identifier. */
export const identifier = (field: string, value: unknown): Facts =>
	typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? { [field]: value } : {};

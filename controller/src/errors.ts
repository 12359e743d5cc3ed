// The one error class of JASM: what was attempted, with a stable code whose meaning error-codes.ts holds.
import { type CodeFacts, ERROR_CODES, type ErrorCode, type Retry } from './error-codes.ts';

export { ERROR_CODES, type ErrorCode, type Retry } from './error-codes.ts';

/** The code of an error, and what is known beside its message. */
export type JasmErrorOptions = {
	readonly code: ErrorCode;
	/** Never an error whose message or fields can carry a secret value: parser and SDK errors stay out. */
	readonly cause?: unknown;
	/** Default: that of the code. A refusal by a store is retried slowly, because what a store says can pass. */
	readonly retry?: 'slow';
	/** Least time before another try, in milliseconds (from Retry-After). */
	readonly retryAfterMs?: number;
	/** Each thing that is wrong, where the message joins several. */
	readonly faults?: readonly string[];
	/** Facts for the log line alone (status, request id): they never reach an Event, so Events repeat. */
	readonly details?: Readonly<Record<string, string | number | boolean>>;
};

/**
 * An error that says what was attempted ("reading secret …", lower case, no "failed to"), with a stable code.
 * `message` may reach an Event: it holds no secret value, no account, no request id.
 *
 * @example
 * ```ts
 * import { JasmError } from '@jasm/controller';
 *
 * throw new JasmError('reading secret "team-a/db" from files: no such file', { code: 'SECRET_NOT_FOUND' });
 * ```
 */
export class JasmError extends Error {
	override readonly name = 'JasmError';
	readonly code: ErrorCode;
	readonly retry: Retry;
	readonly retryAfterMs: number | undefined;
	readonly details: Readonly<Record<string, string | number | boolean>>;
	readonly faults: readonly string[];

	constructor(message: string, options: JasmErrorOptions) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = options.code;
		this.retry = options.retry ?? ERROR_CODES[options.code].retry;
		this.retryAfterMs = options.retryAfterMs;
		this.details = options.details ?? {};
		this.faults = options.faults ?? [];
	}

	get remedy(): string {
		return this.#facts.remedy;
	}

	/** Reason of the Event on the pod; undefined where no pod is to be told. */
	get reason(): string | undefined {
		return this.#facts.reason;
	}

	get #facts(): CodeFacts {
		return ERROR_CODES[this.code];
	}
}

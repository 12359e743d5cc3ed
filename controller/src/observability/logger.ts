// The logger: pino as JSON lines, with serializers and redaction that keep values out.
import { type DestinationStream, type LogFn, type Logger, type LoggerOptions, pino } from 'pino';
import { JasmError } from '../errors.ts';
import { printable } from '../util/printable.ts';

export type { Logger } from 'pino';

/** Names under which a value could ever stand in a logged object; the second line after types that redact. */
const SENSITIVE: ReadonlySet<string> = new Set([
	'data',
	'stringData',
	'payload',
	'values',
	'value',
	'token',
	'password',
	'authorization',
]);
const REDACTED = '[redacted]';
const REDACTED_DEPTH = 3;

/**
 * The object without what stands under such a name; itself where nothing does. (Pino's own redaction walks
 * every path in every line: a quarter of a millisecond each without a compiler.)
 */
function redacted(object: Record<string, unknown>, depth = REDACTED_DEPTH): Record<string, unknown> {
	let copy: Record<string, unknown> | undefined;
	for (const name of Object.keys(object)) {
		const value = object[name];
		const safe = SENSITIVE.has(name)
			? REDACTED
			: depth > 1 && isOpen(value)
				? redacted(value, depth - 1)
				: value;
		if (safe !== value) {
			copy ??= { ...object };
			copy[name] = safe;
		}
	}

	return copy ?? object;
}

/** Whether the fields of a value are what would be printed. An error goes through its serializer. */
const isOpen = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !(value instanceof Error) && !('toJSON' in value);

/** In a line whose message is that of the error: only its code and its details are logged beside it. */
export class CodeOf {
	readonly error: JasmError;

	constructor(error: JasmError) {
		this.error = error;
	}
}

/**
 * An error as it may be logged. Of an error that is not ours only the name and the stack's frames are kept:
 * its message may quote a payload (JSON.parse does).
 */
function serializeError(error: unknown): Record<string, unknown> {
	if (error instanceof CodeOf) {
		const { code, details } = error.error;
		return { code, ...(Object.keys(details).length > 0 && { details }) };
	}

	if (error instanceof JasmError) {
		const { code, message, details, cause } = error;
		return {
			code,
			message: printable(message, 1024),
			...(Object.keys(details).length > 0 && { details }),
			...(cause !== undefined && { cause: serializeError(cause) }),
		};
	}

	if (!(error instanceof Error)) {
		return { name: typeof error };
	}

	const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
	return { name: error.name, ...(code !== undefined && { code }), stack: framesOf(error) };
}

/** What comes after the message, whose own lines may look like frames; nothing where it cannot be told apart. */
function framesOf({ stack, message }: Error): string {
	const text = String(stack);
	const start = text.indexOf(message);
	return text
		.slice(start < 0 ? text.length : start + message.length)
		.split('\n')
		.filter(line => line.startsWith('    at '))
		.join('\n');
}

/** Pino takes an error's own text for the line's message where none is given: it may quote a payload. */
function withoutErrorText(this: Logger, [object, message, ...rest]: unknown[], method: LogFn): void {
	const fields = object instanceof Error ? { error: object } : object;
	method.apply(this, [fields, message ?? (typeof fields === 'object' ? '' : undefined), ...rest] as never);
}

const STANDARD_OUTPUT = 1;

/** The level of a logger, and where its lines go. */
export type LoggerSettings = { readonly level: string; readonly destination?: DestinationStream };

/**
 * JSON lines with `level` as a word and `time` as ISO 8601; `destination` defaults to standard output. Errors are
 * printed without what a store answered.
 *
 * @example
 * ```ts
 * import { createLogger } from '@jasm/controller';
 *
 * const logger = createLogger({ level: 'info' });
 * logger.info({ version: '1.0.0' }, 'starting');
 * ```
 */
export function createLogger({ level, destination }: LoggerSettings): Logger {
	const options: LoggerOptions = {
		level,
		base: null,
		messageKey: 'message',
		errorKey: 'error',
		timestamp: pino.stdTimeFunctions.isoTime,
		formatters: { level: label => ({ level: label }), log: redacted },
		// Serializers alone see what a child logger carries along.
		serializers: {
			...Object.fromEntries([...SENSITIVE].map(name => [name, () => REDACTED])),
			error: error => redacted(serializeError(error)),
		},
		hooks: { logMethod: withoutErrorText },
	};
	// Written before the call returns: with pino's default, a line on its way to a thread can be lost at the exit of
	// the process, or come out after a later one.
	return pino(options, destination ?? pino.destination({ dest: STANDARD_OUTPUT, sync: true }));
}

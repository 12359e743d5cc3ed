// The logger: pino as JSON lines, with serializers and redaction that keep values out.
import { type DestinationStream, type LogFn, type Logger, type LoggerOptions, pino } from 'pino';
import { JasmError } from './errors.ts';
import { printable } from './printable.ts';

export type { Logger } from 'pino';

/** Names under which a value could ever stand in a logged object; the second line after types that redact. */
const SENSITIVE = ['data', 'stringData', 'payload', 'values', 'value', 'token', 'password', 'authorization'];
const REDACTED_PATHS = SENSITIVE.flatMap(name => [name, `*.${name}`, `*.*.${name}`]);

/**
 * An error as it may be logged. Of an error that is not ours only the name and the stack's frames are kept:
 * its message may quote a payload (JSON.parse does).
 */
function serializeError(error: unknown): unknown {
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

function framesOf(error: Error): string {
	return (error.stack ?? '')
		.split('\n')
		.filter(line => line.startsWith('    at '))
		.join('\n');
}

/** Pino takes an error's own text for the line's message where none is given: it may quote a payload. */
function withoutErrorText(this: Logger, [object, message, ...rest]: unknown[], method: LogFn): void {
	const fields = object instanceof Error ? { error: object } : object;
	method.apply(this, [fields, message ?? (typeof fields === 'object' ? '' : undefined), ...rest] as never);
}

export type LoggerSettings = { readonly level: string; readonly destination?: DestinationStream };

/** JSON lines with `level` as a word and `time` as ISO 8601; `destination` defaults to standard output. */
export function createLogger({ level, destination }: LoggerSettings): Logger {
	const options: LoggerOptions = {
		level,
		base: null,
		messageKey: 'message',
		errorKey: 'error',
		timestamp: pino.stdTimeFunctions.isoTime,
		formatters: { level: label => ({ level: label }) },
		serializers: { error: serializeError },
		hooks: { logMethod: withoutErrorText },
		redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
	};
	return destination === undefined ? pino(options) : pino(options, destination);
}

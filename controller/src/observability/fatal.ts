// The last words of the process: why it ends, for a terminal, for the log and for `kubectl describe pod`.
import { writeFileSync } from 'node:fs';
import type { JasmError } from '../errors.ts';
import { printable } from '../util/printable.ts';
import { CodeOf, type Logger } from './logger.ts';

/** The kubelet shows this file as the container's termination message; it cuts at 4,096 bytes. */
const TERMINATION_LOG = '/dev/termination-log';
const MAX_TERMINATION_BYTES = 4_096;
const MAX_FAULT = 1_024;
const MAX_MESSAGE = 16_384;

/** What was attempted and each fault on a line of its own, then what to do. */
export function fatalText(error: JasmError, version: string): string {
	const { code, message, faults, remedy } = error;
	const lines = faults.length === 0 ? [message] : faults;
	return [
		`jasm ${version} ended with ${code}:`,
		...lines.map(line => `  ${printable(line, MAX_FAULT)}`),
		`To do: ${remedy}.`,
		'',
	].join('\n');
}

/** The message of the line says what is wrong, and `error` does not repeat it. */
export function logFatal(logger: Logger, error: JasmError): void {
	const { code, message, remedy, cause } = error;
	// A bug report needs the stack of the cause.
	const shown = cause === undefined ? new CodeOf(error) : error;
	logger.fatal({ remedy, error: shown }, `${code}: ${printable(message, MAX_MESSAGE)}`);
}

/** Does nothing outside of a container, where the file does not exist. */
export function writeTerminationMessage(text: string, file = TERMINATION_LOG): void {
	try {
		const bytes = Buffer.from(text);
		writeFileSync(file, bytes.subarray(0, MAX_TERMINATION_BYTES), { flag: 'r+' });
	} catch {}
}

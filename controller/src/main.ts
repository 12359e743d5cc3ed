// The process edge: configuration, logger, signals, exit code.

import { helpText, loadConfig } from './config/config.ts';
import { JasmError } from './errors.ts';
import { createController } from './manager/manager.ts';
import { fatalText, logFatal, writeTerminationMessage } from './observability/fatal.ts';
import { createLogger } from './observability/logger.ts';
import { VERSION } from './version.ts';

const help = helpText(VERSION);
if (help !== undefined) {
	process.stdout.write(help);
	process.exit(0);
}

let logger = createLogger({ level: 'info' });

/** Says why, then ends the process: as lines for a person at a terminal, otherwise as one line of the log. */
function die(error: unknown, message: string): never {
	const coded =
		error instanceof JasmError ? error : new JasmError(message, { code: 'INTERNAL', cause: error });
	const text = fatalText(coded, VERSION);
	if (process.stdout.isTTY) {
		process.stderr.write(text);
	} else {
		logFatal(logger, coded);
	}

	writeTerminationMessage(text);
	process.exit(1);
}

process.on('uncaughtException', error => die(error, 'uncaught exception'));
process.on('unhandledRejection', error => die(error, 'unhandled rejection'));

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
	process.on(signal, () => {
		if (stop.signal.aborted) {
			die(new JasmError(`stopping: second ${signal}`, { code: 'ABORTED' }), 'stopped at once');
		}

		logger.info({ signal }, 'stopping');
		stop.abort(new JasmError(`stopping: ${signal}`, { code: 'ABORTED' }));
	});
}

try {
	const config = loadConfig();
	logger = createLogger({ level: config.logLevel });
	await createController({ config, logger, env: process.env, version: VERSION, processFacts }).run(
		stop.signal,
	);
	process.exit(0);
} catch (error) {
	die(error, 'not running');
}

function processFacts() {
	const { user, system } = process.cpuUsage();
	return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
}

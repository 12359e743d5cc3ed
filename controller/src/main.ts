// The process edge: configuration, logger, signals, exit code.
import { createController } from './app.ts';
import { helpText, loadConfig } from './config.ts';
import { JasmError } from './errors.ts';
import { createLogger } from './logger.ts';
import { VERSION } from './version.ts';

const help = helpText(VERSION);
if (help !== undefined) {
	process.stdout.write(help);
	process.exit(0);
}

let logger = createLogger({ level: 'info' });

/** One coded line, then the end: nothing goes on after a fault that nobody expected. */
function die(error: unknown, message: string): never {
	const coded =
		error instanceof JasmError ? error : new JasmError(message, { code: 'INTERNAL', cause: error });
	logger.fatal({ remedy: coded.remedy, error: coded }, message);
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

// Log lines: their form, and that no value gets into them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';

const CANARY = 'canary-9c11';

function sink() {
	const lines: string[] = [];
	const logger = createLogger({
		level: 'trace',
		destination: { write: (line: string) => void lines.push(line) },
	});
	return { lines, logger, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

test('a line is one JSON object with a level in words and a time in ISO 8601', t => {
	const { logger, last } = sink();
	logger.info({ secret: 'a/b' }, 'secret synced');
	const { time, ...rest } = last();
	t.deepEqual(rest, { level: 'info', secret: 'a/b', message: 'secret synced' });
	t.regex(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('a coded error is logged with its code, message, details and cause', t => {
	const { logger, last } = sink();
	const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
	const error = new JasmError('reading a', { code: 'PROVIDER_UNAVAILABLE', cause, details: { status: 503 } });
	logger.warn({ error }, 'secret not synced');
	const logged = last()['error'] as {
		code: string;
		message: string;
		details: unknown;
		cause: { code: string };
	};
	t.is(logged.code, 'PROVIDER_UNAVAILABLE');
	t.is(logged.message, 'reading a');
	t.deepEqual(logged.details, { status: 503 });
	t.is(logged.cause.code, 'ECONNREFUSED');
});

test('the message of an error that is not ours stays out, for it may quote a payload', t => {
	const { logger, lines, last } = sink();
	let parserError: unknown;
	try {
		JSON.parse(CANARY);
	} catch (error) {
		parserError = error;
	}

	t.true(String(parserError).includes(CANARY.slice(0, 8)), 'the parser does quote its input');
	logger.error({ error: parserError });
	logger.error(parserError);
	logger.error({ error: parserError }, 'unexpected');
	t.false(lines.join().includes('canary'));
	t.is((last()['error'] as { name: string }).name, 'SyntaxError');
	t.regex((last()['error'] as { stack: string }).stack, /logger\.test/);
});

test('values and fields named like values are redacted at every level', t => {
	const { logger, lines } = sink();
	const value = new SecretValue({ payload: Buffer.from(CANARY), version: 'v' });
	for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) {
		logger[level]({
			secretValue: value,
			data: { k: CANARY },
			nested: { token: CANARY, deep: { password: CANARY } },
			list: [{ value: CANARY }],
		});
		const details = { value: CANARY, status: 400 };
		logger[level]({ error: new JasmError('reading a', { code: 'INTERNAL', details }) });
		logger.child({ token: CANARY })[level]('of a child');
	}

	t.is(lines.length, 18);
	t.false(lines.join().includes(CANARY));
});

test('a control character in a logged error stays escaped', t => {
	const { logger, lines } = sink();
	logger.warn({ error: new JasmError('a\u202eb\nc', { code: 'INTERNAL' }) });
	t.false(/[\u202e]/.test(lines.join()));
});

test('every line is written, in order, before the process can exit', async t => {
	const module = new URL('../../src/observability/logger.ts', import.meta.url).href;
	const script = `
		const { createLogger } = await import(${JSON.stringify(module)});
		const logger = createLogger({ level: 'info' });
		for (let line = 0; line < 500; line++) {
			logger.info({ line }, 'x'.repeat(200));
			if (line % 100 === 50) await new Promise(setImmediate);
		}
		process.exit(0);`;
	for (let round = 0; round < 3; round++) {
		const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
		const lines = stdout.trimEnd().split('\n');
		t.deepEqual(
			lines.map(line => JSON.parse(line).line),
			Array.from({ length: 500 }, (_, line) => line),
		);
	}
});

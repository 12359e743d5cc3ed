// The process says once why it ends: to a terminal, to the log and to the kubelet.
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { fatalText, logFatal, writeTerminationMessage } from '../../src/observability/fatal.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { folder } from '../helpers/environment/folder.ts';

const faults = ['providers.aws.regoin: unknown field', '--leader-elect: must be true or false'];
const invalid = new JasmError(`reading the configuration: ${faults.join('; ')}`, {
	code: 'CONFIG_INVALID',
	faults,
});

test('for a person each fault stands on a line of its own, followed by what to do', t => {
	t.is(
		fatalText(invalid, '1.2.3'),
		'jasm 1.2.3 ended with CONFIG_INVALID:\n' +
			'  providers.aws.regoin: unknown field\n' +
			'  --leader-elect: must be true or false\n' +
			'To do: correct the configuration as listed.\n',
	);
	const single = new JasmError('listening on :8080', { code: 'ADDRESS_UNAVAILABLE' });
	t.regex(
		fatalText(single, '1'),
		/^jasm 1 ended with ADDRESS_UNAVAILABLE:\n {2}listening on :8080\nTo do: free/,
	);
});

test('the line of the log says what is wrong in its message, and each fault once', t => {
	const lines: string[] = [];
	logFatal(createLogger({ level: 'info', destination: { write: text => lines.push(text) } }), invalid);
	const line = JSON.parse(lines.join(''));
	t.like(line, { level: 'fatal', remedy: invalid.remedy, error: { code: 'CONFIG_INVALID' } });
	t.is(line.message, `CONFIG_INVALID: ${invalid.message}`);
	for (const fault of faults) {
		t.is(lines.join('').split(fault).length, 2);
	}
});

test('a bug is logged with the frames of its stack, and without the message of its cause', t => {
	const lines: string[] = [];
	const bug = new JasmError('uncaught exception', { code: 'INTERNAL', cause: new Error('a-value') });
	logFatal(createLogger({ level: 'info', destination: { write: text => lines.push(text) } }), bug);
	t.regex(JSON.parse(lines.join('')).error.cause.stack, /at /);
	t.notRegex(lines.join(''), /a-value/);
});

test('the termination message is written where the file exists, cut at its limit, and nowhere else', t => {
	const { path, write } = folder(t);
	const file = write('termination-log', '');
	writeTerminationMessage('x'.repeat(5_000), file);
	t.is(readFileSync(file, 'utf8').length, 4_096);
	writeTerminationMessage('x', `${path}/none`);
	t.false(existsSync(`${path}/none`));
});

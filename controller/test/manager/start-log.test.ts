// The start of the log says what runs, and warns of files that providers name and the process cannot read.
import { chmodSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/config.ts';
import { logStart, warnOfFiles } from '../../src/manager/start-log.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type Folder, folder } from '../helpers/environment/folder.ts';
import { LogSink } from '../helpers/environment/log-sink.ts';

const ROLE = 'arn:aws:iam::123456789012:role/jasm';

function started(t: ExecutionContext, config: object, place: Folder = folder(t)) {
	const file = place.write('config.yaml', JSON.stringify(config));
	const log = new LogSink();
	return {
		log,
		options: {
			config: loadConfig({ argv: [`--config=${file}`, '--zap-devel'], env: {} }),
			version: '1.2.3',
			env: {},
			providers: { mine: {} },
			logger: createLogger({ level: 'info', destination: log }),
			healthPort: 1,
			metricsPort: 2,
		},
	};
}

test('the first line says version, profile, namespace, providers and the number of rules', t => {
	const { log, options } = started(t, {
		providers: { aws: { kind: 'aws-secretsmanager', region: 'eu-west-1', roleArn: ROLE } },
		policy: [{ namespaces: ['a'], provider: 'aws', paths: ['/x'] }],
	});
	logStart(options);
	t.like(log.lines[0], {
		level: 'info',
		message: 'starting',
		version: '1.2.3',
		profile: 'write-only',
		namespace: 'jasm',
		rules: 1,
	});
	t.deepEqual(log.lines[0]!['providers'], [
		{ name: 'aws', kind: 'aws-secretsmanager' },
		{ name: 'mine', kind: 'custom' },
	]);
	t.like(log.lines[1], { level: 'info', message: 'flags without effect: --zap-devel' });
});

test('a provider that cannot read anything and a policy without a rule are warnings', t => {
	const { log, options } = started(t, {
		providers: { aws: { kind: 'aws-secretsmanager', region: 'eu-west-1' } },
	});
	logStart(options);
	const warnings = log.filter({ level: 'warn' }).map(({ message }) => message);
	t.is(warnings.length, 2);
	t.regex(warnings[0]!, /^providers\.aws: no role is known .* every read fails$/);
	t.regex(warnings[1]!, /^policy has no rule/);
});

test('a missing file and one that may not be read are told apart, with provider and path', async t => {
	const place = folder(t);
	const locked = place.write('locked', 'x');
	chmodSync(locked, 0o000);
	const readable = place.write('readable', 'x');
	const vault = { kind: 'vault', address: 'https://vault:8200', credentials: 'token' };
	const { log, options } = started(
		t,
		{
			providers: {
				missing: { ...vault, tokenFile: `${place.path}/none` },
				locked: { ...vault, tokenFile: locked },
				fine: { ...vault, tokenFile: readable },
			},
		},
		place,
	);
	await warnOfFiles(options);
	const messages = log.filter({ level: 'warn' }).map(({ message }) => message);
	t.regex(messages[0]!, /^provider missing: the file ".*\/none" does not exist yet/);
	// The superuser may read everything.
	if (process.getuid?.() === 0) t.is(messages.length, 1);
	else t.regex(messages[1]!, /^provider locked: the file ".*\/locked" may not be read by this process/);
});

// What an outcome becomes: Events for those it is news for, a log line and a metric each time.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { OutcomeReporter } from '../../src/observability/reporter.ts';
import { ask, keyRequests, secretRequest } from '../requests/pod-fixtures.ts';

function aReporter() {
	const lines: { level: string; message: string }[] = [];
	const events: { pod: string; type: string; reason: string; note: string }[] = [];
	const metrics = createMetrics();
	const logger = createLogger({
		level: 'debug',
		destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
	});
	const reporter = new OutcomeReporter({
		logger,
		metrics,
		recordEvent: ({ name: pod }, { type, reason, note }) => void events.push({ pod, type, reason, note }),
	});
	const outcomes = async () =>
		(await metrics.syncs.get()).values.map(({ labels, value }) => [labels.provider, labels.outcome, value]);
	return { reporter, lines, events, metrics, outcomes };
}

const asking = (name: string, annotation = ask()) => secretRequest({ uid: `uid-${name}`, name, annotation });

const facts = {
	verb: 'created',
	changed: true,
	late: false,
	version: 'v1',
	keys: 2,
	durationMs: 12.3,
} as const;

test('a success becomes an Event for the pods that it is news for, and for no other', async t => {
	const { reporter, events, outcomes } = aReporter();
	const [a, b] = [asking('a'), asking('b')];
	reporter.synced('ns/s', keyRequests(a, b), [a], facts);
	reporter.synced('ns/s', keyRequests(a, b), [b], facts);
	reporter.synced('ns/s', keyRequests(a, b), [], facts);
	t.deepEqual(
		events.map(({ pod, reason }) => [pod, reason]),
		[
			['a', 'SecretSyncSuccess'],
			['b', 'SecretSyncSuccess'],
		],
	);
	t.is(events[0]!.note, "Successfully synchronized secret 's' from aws (path: /p)");
	t.deepEqual(await outcomes(), [['aws', 'Success', 3]]);
});

test('a sync that changed something is logged as info, one that changed nothing as debug', t => {
	const { reporter, lines } = aReporter();
	const a = asking('a');
	reporter.synced('ns/s', keyRequests(a), [a], facts);
	reporter.synced('ns/s', keyRequests(a), [a], { ...facts, changed: false });
	t.deepEqual(
		lines.map(({ level }) => level),
		['info', 'debug'],
	);
});

test('a failure becomes an Event for the pods that it is news for, while log and metric get every attempt', async t => {
	const { reporter, events, lines, outcomes } = aReporter();
	const a = asking('a');
	const missing = new JasmError('reading it: there is none', { code: 'SECRET_NOT_FOUND' });
	reporter.failed('ns/s', keyRequests(a), [a], { error: missing, attempt: 0 });
	reporter.failed('ns/s', keyRequests(a), [], { error: missing, attempt: 1 });
	t.deepEqual(
		events.map(({ type, reason }) => [type, reason]),
		[['Warning', 'SecretFetchFailed']],
	);
	t.is(
		events[0]!.note,
		'Failed to fetch secret from aws (path: /p): reading it: there is none (SECRET_NOT_FOUND): ' +
			'create the secret or correct the path; JASM looks again by itself',
	);
	t.is(lines.length, 2);
	t.deepEqual(await outcomes(), [['aws', 'SECRET_NOT_FOUND', 2]]);
});

test('a conflict warns the pods that it is news for, and counts only then', async t => {
	const { reporter, events, metrics, lines } = aReporter();
	const [winner, other] = [asking('new'), asking('old', ask('/other'))];
	reporter.conflict('ns/s', keyRequests(winner, other), [winner, other]);
	reporter.conflict('ns/s', keyRequests(winner, other), []);
	t.deepEqual(
		events.map(({ pod, reason }) => [pod, reason]),
		[
			['new', 'SecretConflict'],
			['old', 'SecretConflict'],
		],
	);
	t.is((await metrics.conflicts.get()).values[0]!.value, 1);
	t.is(lines.length, 1);
});

test('a provider name that no configuration has is reported to the pod, and becomes no label', async t => {
	const { reporter, events, outcomes } = aReporter();
	const a = asking('a', ask('/p', 's', 'any'));
	const error = new JasmError("Provider 'any' not found in registry", { code: 'PROVIDER_UNSUPPORTED' });
	reporter.failed('ns/s', keyRequests(a), [a], { error, attempt: 0 });
	t.is(
		events[0]!.note,
		"Provider 'any' not found in registry (PROVIDER_UNSUPPORTED): name a provider that the operator configured",
	);
	t.deepEqual(await outcomes(), [['unknown', 'PROVIDER_UNSUPPORTED', 1]]);
});

test('a bug of JASM is logged as error, a failure that a person must mend as warn, one that passes as info', t => {
	const { reporter, lines } = aReporter();
	for (const code of ['INTERNAL', 'SECRET_NOT_FOUND', 'PROVIDER_UNAVAILABLE'] as const) {
		reporter.failed('ns/s', keyRequests(asking('a')), [], {
			error: new JasmError('x', { code }),
			attempt: 0,
		});
	}

	t.deepEqual(
		lines.map(({ level }) => level),
		['error', 'warn', 'info'],
	);
});

test('a correction is reported to the newest pod, counted and logged as a warning', async t => {
	const { reporter, events, lines, metrics } = aReporter();
	reporter.corrected('ns/s', keyRequests(asking('new'), asking('old')));
	t.deepEqual(
		events.map(({ pod, reason }) => [pod, reason]),
		[['new', 'SecretCorrected']],
	);
	t.is((await metrics.corrections.get()).values[0]!.value, 1);
	t.is(lines[0]!.level, 'warn');
});

test('a namespace that is being deleted causes no Event', t => {
	const { reporter, events } = aReporter();
	const a = asking('a');
	const error = new JasmError('x', { code: 'NAMESPACE_GONE' });
	reporter.failed('ns/s', keyRequests(a), [a], { error, attempt: 0 });
	t.deepEqual(events, []);
});

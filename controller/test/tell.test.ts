// What is told, to whom, and how often.
import test from 'ava';
import { parseAnnotation } from '../src/annotation.ts';
import { JasmError } from '../src/errors.ts';
import { createLogger } from '../src/logger.ts';
import { createMetrics } from '../src/metrics.ts';
import { Requester } from '../src/requesters.ts';
import type { Request } from '../src/requests.ts';
import { Teller } from '../src/tell.ts';

function aTeller() {
	const lines: { level: string; message: string }[] = [];
	const events: { pod: string; type: string; reason: string; note: string }[] = [];
	const metrics = createMetrics();
	const logger = createLogger({
		level: 'debug',
		destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
	});
	const teller = new Teller({
		logger,
		metrics,
		recordEvent: ({ name: pod }, { type, reason, note }) => void events.push({ pod, type, reason, note }),
	});
	const outcomes = async () =>
		(await metrics.syncs.get()).values.map(({ labels, value }) => [labels.provider, labels.outcome, value]);
	return { teller, lines, events, metrics, outcomes };
}

const asking = (name: string, text = 'provider: aws\npath: /p\nsecretName: s\n', createdAt = 0) => {
	const pod = { uid: `uid-${name}`, namespace: 'ns', name, createdAt, seenAt: 0, annotation: text };
	return new Requester(pod, parseAnnotation(text)[0]!);
};

const requestOf = (...requesters: Requester[]): Request => ({
	winner: requesters[0]!,
	requesters,
	losers: requesters.filter(requester => requester.sync.spec !== requesters[0]!.sync.spec),
});

const facts = { verb: 'created', changed: true, version: 'v1', keys: 2, durationMs: 12.3 } as const;

test('each pod is told its success once, however often its Secret is synced', t => {
	const { teller, events } = aTeller();
	const [a, b] = [asking('a'), asking('b')];
	teller.synced('ns/s', requestOf(a, b), [a], facts);
	teller.synced('ns/s', requestOf(a, b), [a, b], facts);
	t.deepEqual(
		events.map(({ pod, reason }) => [pod, reason]),
		[
			['a', 'SecretSyncSuccess'],
			['b', 'SecretSyncSuccess'],
		],
	);
	t.is(events[0]!.note, "Successfully synchronized secret 's' from aws (path: /p)");
	t.true(Teller.satisfied(a) && Teller.satisfied(b));
});

test('a sync that changed something is news, one that changed nothing is for debugging', t => {
	const { teller, lines } = aTeller();
	const a = asking('a');
	teller.synced('ns/s', requestOf(a), [a], facts);
	teller.synced('ns/s', requestOf(a), [a], { ...facts, changed: false });
	t.deepEqual(
		lines.map(({ level }) => level),
		['info', 'debug'],
	);
});

test('each failure is told once per distinct cause, while log and metric get every attempt', async t => {
	const { teller, events, lines, outcomes } = aTeller();
	const request = requestOf(asking('a'));
	const missing = new JasmError('reading it: there is none', { code: 'SECRET_NOT_FOUND' });
	const slow = new JasmError('reading it: throttled', { code: 'PROVIDER_THROTTLED' });
	for (const [attempt, error] of [missing, missing, slow, missing].entries()) {
		teller.failed('ns/s', request, error, attempt);
	}

	t.deepEqual(
		events.map(({ type, reason }) => [type, reason]),
		[
			['Warning', 'SecretFetchFailed'],
			['Warning', 'SecretFetchFailed'],
		],
	);
	t.is(
		events[0]!.note,
		'Failed to fetch secret from aws (path: /p): reading it: there is none (SECRET_NOT_FOUND): ' +
			'create the secret or correct the path; JASM looks again by itself',
	);
	t.is(lines.length, 4);
	t.deepEqual(await outcomes(), [
		['aws', 'SECRET_NOT_FOUND', 3],
		['aws', 'PROVIDER_THROTTLED', 1],
	]);
});

test('a failure of the winner is not told to pods that ask for something else', t => {
	const { teller, events } = aTeller();
	const [winner, loser] = [asking('new'), asking('old', 'provider: aws\npath: /other\nsecretName: s\n')];
	teller.failed('ns/s', requestOf(winner, loser), new JasmError('x', { code: 'SECRET_NOT_FOUND' }), 0);
	t.deepEqual(
		events.map(({ pod }) => pod),
		['new'],
	);
});

test('pods that disagree are all warned once, and counted once', async t => {
	const { teller, events, metrics, lines } = aTeller();
	const request = requestOf(asking('new'), asking('old', 'provider: aws\npath: /other\nsecretName: s\n'));
	teller.conflict('ns/s', request);
	teller.conflict('ns/s', request);
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

test('a provider name that nobody configured is told, and becomes no label', async t => {
	const { teller, events, outcomes } = aTeller();
	const request = requestOf(asking('a', 'provider: any\npath: /p\nsecretName: s\n'));
	teller.failed('ns/s', request, new JasmError('x', { code: 'PROVIDER_UNSUPPORTED' }), 0);
	t.is(events[0]!.note, "Provider 'any' not found in registry");
	t.deepEqual(await outcomes(), [['unknown', 'PROVIDER_UNSUPPORTED', 1]]);
});

test('a bug of ours is logged as an error, what a person must mend as a warning, what passes as news', t => {
	const { teller, lines } = aTeller();
	for (const code of ['INTERNAL', 'SECRET_NOT_FOUND', 'PROVIDER_UNAVAILABLE'] as const) {
		teller.failed('ns/s', requestOf(asking('a')), new JasmError('x', { code }), 0);
	}

	t.deepEqual(
		lines.map(({ level }) => level),
		['error', 'warn', 'info'],
	);
});

test('a correction is told to the newest pod, counted and logged as a warning', async t => {
	const { teller, events, lines, metrics } = aTeller();
	teller.corrected('ns/s', requestOf(asking('new'), asking('old')));
	t.deepEqual(
		events.map(({ pod, reason }) => [pod, reason]),
		[['new', 'SecretCorrected']],
	);
	t.is((await metrics.corrections.get()).values[0]!.value, 1);
	t.is(lines[0]!.level, 'warn');
});

test('a namespace that is going is told to nobody', t => {
	const { teller, events } = aTeller();
	teller.failed('ns/s', requestOf(asking('a')), new JasmError('x', { code: 'NAMESPACE_GONE' }), 0);
	t.deepEqual(events, []);
});

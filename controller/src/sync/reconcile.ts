// The whole product in one function: load, authorise, next, read, write, report.
//
// This folder syncs one Secret. Read reconcile.ts first, then sync-state.ts (what is due, and for whom), then
// secret-reader.ts, payload.ts, desired-secret.ts and secret-writer.ts in the order in which a value passes them.
// event-handlers.ts turns what the watches see into keys; dependency-health.ts and rate-limits.ts decide when a key
// may run again; managed-secrets.ts is there for profile self-heal; guard.ts runs once, at start.
// It may import everything but manager/: it is the place where the parts meet.

import { JasmError } from '../errors.ts';
import type { WaitingPods } from '../gates/waiting-pods.ts';
import type { OutcomeReporter } from '../observability/reporter.ts';
import { decide, type Policy } from '../policy/policy.ts';
import type { SecretSync } from '../requests/annotation.ts';
import { type PodRecord, waitsForSecrets } from '../requests/pod-record.ts';
import { sameRequest } from '../requests/requesters.ts';
import type { KeyRequests, Requests } from '../requests/requests.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReconcileContext, Result } from '../runtime/controller.ts';
import { type Key, refOf } from '../runtime/object-ref.ts';
import type { DependencyHealth } from './dependency-health.ts';
import { desiredSecret } from './desired-secret.ts';
import { payloadToValues } from './payload.ts';
import type { Reading, SecretReader } from './secret-reader.ts';
import type { SecretWriter, WrittenSecret } from './secret-writer.ts';
import type { SentWrite, SyncState, SyncStates } from './sync-state.ts';

export type ReconcileDependencies = {
	readonly requests: Requests;
	readonly states: SyncStates;
	readonly policy: Policy;
	readonly reader: Pick<SecretReader, 'read' | 'awaitsMemory' | 'forget'>;
	/** Refuses a path that the provider's own rules do not allow, before any call. */
	readonly validatePath: (provider: string, reference: { path: string; version?: string }) => void;
	/** Milliseconds until this key may be read; 0 takes one read from the allowance of its namespace. */
	readonly rateLimiter: (key: Key) => number;
	readonly writer: SecretWriter;
	/** Of providers, by their name, and of the API server. */
	readonly dependencyHealth: Pick<DependencyHealth, 'started' | 'failed' | 'answered'>;
	readonly reporter: OutcomeReporter;
	/** Hears which Secrets are fresh for the pods that wait for them. */
	readonly waiting: Pick<WaitingPods, 'written' | 'failed'>;
	/** Hears of each write and failure of a Secret; absent where nothing is restarted. */
	readonly restarts?: {
		written(
			key: Key,
			secret: { readonly version: string; readonly changedAt: number; readonly createdAt: number },
			served: readonly PodRecord[],
		): void;
		failed(key: Key): void;
	};
	readonly clock: Clock;
};

export type Reconcile = (key: Key, context: ReconcileContext) => Promise<Result>;

/** Among the names of dependencies; no provider has an empty one. */
const API_SERVER = '';

/** Milliseconds. A key that waits for memory is woken when it has some; this is for the case that it is not. */
const MEMORY_BUSY_MS = 60_000;

/** A pod this old (milliseconds) was likely served by an earlier run of JASM. */
const OLD_POD_AGE_MS = 60_000;

/** One run of one key. */
type Run = { readonly key: Key; readonly request: KeyRequests; readonly state: SyncState };

type Written = WrittenSecret & {
	readonly sent: SentWrite;
	/** The requests as they were when the write was sent. */
	readonly request: KeyRequests;
	/** The number of keys in the Secret. */
	readonly keys: number;
	/** The version of the source that was written before, where it is known. */
	readonly versionBefore: string | undefined;
};

/** Level-based and idempotent: the past decides only what need not happen again. */
export function createReconcile(dependencies: ReconcileDependencies): Reconcile {
	const { requests, states, policy, reader, validatePath, rateLimiter } = dependencies;
	const { writer, dependencyHealth, reporter, waiting, restarts, clock } = dependencies;

	function load(key: Key): Run | undefined {
		const request = requests.of(key);
		if (request === undefined) {
			states.forget(key);
			reader.forget(key);
			return undefined;
		}

		const state = states.load(key, request);
		if (request.conflicting.length > 0) {
			reporter.conflict(key, request, state.conflicting(request));
			for (const { pod } of request.conflicting.filter(({ pod }) => waitsForSecrets(pod))) {
				waiting.failed(
					pod,
					new JasmError('another live pod asks for this secret in another way', { code: 'SECRET_CONFLICT' }),
				);
			}
		}

		return { key, request, state };
	}

	/** Checked before any I/O: a denied request calls no provider and reveals nothing about the secret. */
	function authorise({ key, request }: Run): void {
		const { sync } = request.effective;
		const { namespace } = refOf(key);
		validatePath(sync.provider, sync);
		const decision = decide(policy, { namespace, provider: sync.provider, path: sync.path });
		if (!decision.allowed) {
			const { message, code, nearest } = decision;
			throw new JasmError(message, { code, ...(nearest !== undefined && { details: { nearest } }) });
		}
	}

	/** Milliseconds until the source is to be read: 0 now, undefined where there is nothing to do. */
	function next({ key, request, state }: Run): number | undefined {
		const step = state.next(request, clock.monotonic());
		if (step.kind === 'run') {
			// A read that ended for lack of memory took its turn already.
			return reader.awaitsMemory(key) ? 0 : rateLimiter(key);
		}

		reader.forget(key);
		return step.kind === 'wait' ? step.ms : undefined;
	}

	const servesPods = ({ request, state }: Run) =>
		state.nextForPods(request, clock.monotonic()).kind === 'idle';

	async function read({ key, request, state }: Run, context: ReconcileContext): Promise<Reading> {
		const { signal, priority } = context;
		const { sync } = request.effective;
		state.source?.reading(clock.monotonic());
		const reading = await reader.read(sync.provider, sync, { key, priority, signal });
		dependencyHealth.answered(sync.provider);
		return reading;
	}

	/** Undefined where the request changed while the provider answered: that change has queued the key again. */
	async function write(
		{ key, request, state }: Run,
		reading: Reading,
		signal: AbortSignal,
	): Promise<Written | undefined> {
		const present = requests.of(key);
		const { sync } = request.effective;
		if (!present || !sameRequest(present.effective.sync, sync)) {
			return undefined;
		}

		const { namespace } = refOf(key);
		const { manifest, keys } = render(namespace, sync, reading);
		const likelyExists = clock.now() - present.effective.pod.createdAt > OLD_POD_AGE_MS;
		const versionBefore = state.source?.version;
		const sent = state.writing(present, clock.monotonic());
		const { resourceVersion } = sent;
		const written = await writer.write(manifest, { resourceVersion, likelyExists, signal });
		dependencyHealth.answered(API_SERVER);
		return { ...written, sent, request: present, keys, versionBefore };
	}

	function report({ key, state }: Run, reading: Reading, written: Written, old: boolean): void {
		const { request, sent, verb, resourceVersion, keys, versionBefore } = written;
		const heardOfChange = state.source?.pending !== undefined;
		const resyncing = state.source?.resyncing ?? false;
		const { version, startedAt: readAt } = reading;
		const { fresh, unreported } = state.completed(request, { sent, resourceVersion, readAt, version, old });
		waiting.written(key, request.requesters, new Set(fresh));
		const { changedAt, createdAt } = written;
		restarts?.written(
			key,
			{ version, changedAt, createdAt },
			// A pod that did not wait may have started with what an existing Secret held before.
			unreported.map(({ pod }) => pod).filter(pod => written.verb === 'created' || waitsForSecrets(pod)),
		);
		if (sent.corrects) {
			reporter.corrected(key, request);
		}

		const changed = resourceVersion !== sent.resourceVersion;
		// Pods that were served before did not wait for this sync.
		const waitingSince = Math.min(...unreported.map(({ pod }) => pod.seenAt), readAt);
		const durationMs = clock.monotonic() - waitingSince;
		// The first write of a run cannot know: then only young pods may have started with another value.
		const late =
			verb === 'replaced' &&
			changed &&
			(sent.resourceVersion !== undefined ||
				unreported.some(({ pod }) => clock.now() - pod.createdAt < OLD_POD_AGE_MS));
		reporter.synced(key, request, unreported, { verb, changed, late, version, keys, durationMs });
		// Where a store has no versions, a write that changes the Secret tells.
		const isNews = versionBefore !== undefined && (versionBefore !== version || version === '') && changed;
		if (resyncing && isNews) {
			reporter.differed(key, request, version);
		}

		if ((heardOfChange || resyncing) && isNews && !unreported.includes(request.effective)) {
			reporter.updated(request, version);
		}
	}

	function fail({ key, request, state }: Run, error: JasmError, readAt: number | undefined, attempt: number) {
		const audience = state.failed(request, error, readAt);
		state.source?.failed(clock.monotonic(), error.retryAfterMs);
		restarts?.failed(key);
		// Requests without an answer wait for the end of the outage; those with Retry-After keep their own delay.
		if (readAt !== undefined && error.retryAfterMs === undefined) {
			if (error.code === 'PROVIDER_UNAVAILABLE') {
				dependencyHealth.failed(request.effective.sync.provider, key, readAt);
			} else if (error.code === 'KUBERNETES_UNAVAILABLE' || error.code === 'KUBERNETES_UNAUTHORIZED') {
				dependencyHealth.failed(API_SERVER, key, readAt);
			}
		}

		reporter.failed(key, request, audience, { error, attempt });
		for (const { pod, sync } of request.requesters) {
			if (waitsForSecrets(pod) && sameRequest(sync, request.effective.sync)) {
				waiting.failed(pod, error);
			}
		}
	}

	return async (key, context) => {
		const { signal, attempt } = context;
		dependencyHealth.started(key);
		const run = load(key);
		if (run === undefined) {
			return undefined;
		}

		let readAt: number | undefined;
		try {
			authorise(run);
			const waitMs = next(run);
			if (waitMs !== 0) {
				return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
			}

			readAt = clock.monotonic();
			const reading = await read(run, context);
			try {
				const { source } = run.state;
				const old = source?.isOld(reading.version, readAt) ?? false;
				const isWritten = old || (source?.isUnchanged(reading.version) ?? false);
				// A pod that was not served yet gets what was read; for all others there is nothing to write.
				if (isWritten && servesPods(run)) {
					source?.unchanged(readAt);
				} else {
					const written = await write(run, reading, signal);
					if (written !== undefined) {
						report(run, reading, written, old);
					}
				}
			} finally {
				reading.release();
			}

			const dueIn = run.state.source?.dueIn(clock.monotonic());
			return dueIn === undefined ? undefined : { requeueAfterMs: dueIn };
		} catch (error) {
			const coded = toJasmError(error);
			if (coded.code === 'MEMORY_BUSY') {
				return { requeueAfterMs: MEMORY_BUSY_MS };
			}

			reader.forget(key);
			// A run that is stopped from outside says nothing about the secret.
			if (!signal.aborted && coded.code !== 'ABORTED') {
				fail(run, coded, readAt, attempt);
			}

			throw coded;
		}
	};
}

/** The values live only here: none of them is still in memory while the Secret is written. */
function render(namespace: string, sync: SecretSync, reading: Reading) {
	const values = payloadToValues(reading.take(), sync);
	const manifest = desiredSecret({ namespace, sync, values, version: reading.version });
	return { manifest, keys: values.size };
}

/** An error without a code is a bug of JASM: only its name is reported, as its message may quote a payload. */
function toJasmError(error: unknown): JasmError {
	return error instanceof JasmError
		? error
		: new JasmError('syncing a secret met an unexpected error', { code: 'INTERNAL', cause: error });
}

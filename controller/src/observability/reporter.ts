// Reports every outcome three ways: a Kubernetes Event on the pods, one log line, one metric. It keeps no state:
// the caller says which pods an outcome is news for.
import { ERROR_CODES, type JasmError } from '../errors.ts';
import type { PodEvent } from '../kubernetes/event-recorder.ts';
import type { PodRef } from '../kubernetes/types.ts';
import { waitsForSecrets } from '../requests/pod-record.ts';
import type { KeyRequests, SecretRequest } from '../requests/requests.ts';
import { START_KEY } from '../requests/start-annotation.ts';
import type { Key } from '../runtime/object-ref.ts';
import { printable } from '../util/printable.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** Notes are fixed templates around printable text: the same outcome repeats to the letter. */
type Report = Omit<PodEvent, 'action'>;

export type ReporterOptions = {
	readonly logger: Logger;
	readonly metrics: Metrics;
	/** Never throws and never blocks. */
	readonly recordEvent: (pod: PodRef, event: PodEvent) => void;
};

/** What a finished sync did; durations in milliseconds. */
export type SyncFacts = {
	readonly verb: 'created' | 'replaced';
	/** False if the resourceVersion is that of JASM's last write. The first write of a process counts as a change. */
	readonly changed: boolean;
	/** The Secret existed with another value: a container that started before keeps the old one. */
	readonly late: boolean;
	readonly version: string;
	readonly keys: number;
	readonly durationMs: number;
};

/** The requests that hear of an outcome for the first time. */
type Audience = readonly SecretRequest[];

/** What JASM was doing, in every Event. */
const ACTION = 'SyncSecret';

const SUCCESS = 'SecretSyncSuccess';

/** For pods that did not wait, after the note of a success that changed an existing Secret. */
const LATE =
	'; the secret existed with another value: a container that started before now keeps that one in its environment ' +
	`(${START_KEY}: after-sync)`;

/** An Event goes to the audience only; log and metric get every outcome. */
export class OutcomeReporter {
	readonly #logger: Logger;
	readonly #metrics: Metrics;
	readonly #recordEvent: (pod: PodRef, event: Report) => void;

	constructor({ logger, metrics, recordEvent }: ReporterOptions) {
		this.#logger = logger;
		this.#metrics = metrics;
		this.#recordEvent = (pod, event) => recordEvent(pod, { ...event, action: ACTION });
	}

	synced(key: Key, { effective }: KeyRequests, audience: Audience, facts: SyncFacts): void {
		const { sync } = effective;
		const { verb, changed, late, version, keys, durationMs } = facts;
		const note = successNote(effective);
		const [early, told] = late ? partition(audience, ({ pod }) => waitsForSecrets(pod)) : [audience, []];
		this.#record(early, { type: 'Normal', reason: SUCCESS, note });
		if (told.length > 0) {
			this.#record(told, { type: 'Normal', reason: SUCCESS, note: note + LATE });
			this.#metrics.lateChanges.inc();
		}

		this.#metrics.syncs.inc({ provider: sync.provider, outcome: 'Success' });
		this.#metrics.syncDuration.observe({ provider: sync.provider }, durationMs / 1000);
		this.#logger[changed ? 'info' : 'debug'](
			{ ...contextOf(key, effective), verb, changed, version, keys, durationMs: Math.round(durationMs) },
			'secret synced',
		);
	}

	/** The source changed, and the Secret has it now. The newest pod hears of it, for all. */
	updated({ effective }: KeyRequests, version: string): void {
		const what = version === '' ? 'another value' : `version ${printable(version, 64)}`;
		const note = `Secret '${effective.sync.secretName}' now holds ${what}`;
		this.#record([effective], { type: 'Normal', reason: 'SecretUpdated', note });
	}

	/** A read without a notice found another version than the one that was written: the notice of it never came. */
	differed(key: Key, { effective }: KeyRequests, version: string): void {
		this.#metrics.resyncDifferences.inc({ provider: effective.sync.provider });
		this.#logger.warn(
			{ ...contextOf(key, effective), version: printable(version, 64) },
			'a secret had changed at its store, and no notice had come',
		);
	}

	failed(
		key: Key,
		{ effective }: KeyRequests,
		audience: Audience,
		{ error, attempt }: { readonly error: JasmError; readonly attempt: number },
	): void {
		const { reason } = error;
		if (reason !== undefined) {
			this.#record(audience, { type: 'Warning', reason, note: noteOf(error, effective) });
		}

		// A name that no configuration has is a tenant's text: no label is made of it.
		const provider = error.code === 'PROVIDER_UNSUPPORTED' ? 'unknown' : effective.sync.provider;
		this.#metrics.syncs.inc({ provider, outcome: error.code });
		const level = error.code === 'INTERNAL' ? 'error' : error.retry === 'fast' ? 'info' : 'warn';
		this.#logger[level](
			{ ...contextOf(key, effective), attempt, retry: error.retry, remedy: error.remedy, error },
			'secret not synced',
		);
	}

	/** Profile self-heal: another client changed or deleted the Secret, and JASM restored it. */
	corrected(key: Key, { effective }: KeyRequests): void {
		const { secretName } = effective.sync;
		const note = `Secret '${secretName}' was changed or deleted by another client; JASM restored it`;
		this.#record([effective], { type: 'Warning', reason: 'SecretCorrected', note });
		this.#metrics.corrections.inc();
		this.#logger.warn(contextOf(key, effective), 'secret corrected');
	}

	/** Live pods ask for one Secret in different ways: the newest wins, all are warned. */
	conflict(key: Key, { effective, conflicting }: KeyRequests, audience: Audience): void {
		if (audience.length === 0) {
			return;
		}

		const { secretName } = effective.sync;
		const note =
			`Live pods of this namespace ask for secret '${secretName}' in different ways; the newest pod wins ` +
			`(SECRET_CONFLICT): ${ERROR_CODES.SECRET_CONFLICT.remedy}`;
		this.#record(audience, { type: 'Warning', reason: ERROR_CODES.SECRET_CONFLICT.reason, note });
		this.#metrics.conflicts.inc();
		this.#logger.warn(
			{ ...contextOf(key, effective), conflicting: conflicting.length },
			'pods disagree about a secret',
		);
	}

	invalidAnnotation(pod: PodRef, error: JasmError): void {
		const note = `Invalid secret sync annotation: ${error.message} (${error.code}): ${error.remedy}`;
		this.#recordEvent(pod, { type: 'Warning', reason: ERROR_CODES.ANNOTATION_INVALID.reason, note });
		this.#metrics.invalidAnnotations.inc();
		this.#logger.warn(
			{ namespace: pod.namespace, pod: pod.name, remedy: error.remedy, error },
			'annotation refused',
		);
	}

	/** `fault` names annotations that look like JASM's and are none. */
	unknownKeys(pod: PodRef, fault: string): void {
		const { reason } = ERROR_CODES.ANNOTATION_INVALID;
		const remedy = 'correct the name of the annotation on the pod (or its workload)';
		this.#recordEvent(pod, { type: 'Warning', reason, note: `${fault} (ANNOTATION_INVALID): ${remedy}` });
		this.#metrics.invalidAnnotations.inc();
		this.#logger.warn({ namespace: pod.namespace, pod: pod.name, fault, remedy }, 'unknown annotation');
	}

	#record(audience: Audience, event: Report): void {
		for (const { pod } of audience) {
			this.#recordEvent(pod, event);
		}
	}
}

const successNote = ({ sync }: SecretRequest) =>
	`Successfully synchronized secret '${sync.secretName}' from ${sync.provider} (path: ${printable(sync.path)})`;

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
	return [items.filter(first), items.filter(item => !first(item))];
}

function noteOf(error: JasmError, { sync }: SecretRequest): string {
	const { reason } = error;
	const what = `${error.message} (${error.code}): ${error.remedy}`;
	if (reason === 'ProviderUnsupported') {
		return printable(what, 512);
	}

	return reason === 'SecretFetchFailed'
		? `Failed to fetch secret from ${sync.provider} (path: ${printable(sync.path)}): ${what}`
		: `Failed to sync secret '${sync.secretName}': ${what}`;
}

function contextOf(key: Key, { pod, sync }: SecretRequest) {
	return { secret: key, pod: pod.name, provider: printable(sync.provider), path: printable(sync.path) };
}

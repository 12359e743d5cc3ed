// Reports what becomes of waiting pods: Events only where a person has to know, one log line, metrics.
import { ERROR_CODES, type ErrorCode, JasmError } from '../errors.ts';
import type { PodEvent } from '../kubernetes/event-recorder.ts';
import type { PodRef } from '../kubernetes/types.ts';
import { START_KEY } from '../requests/start-annotation.ts';
import { printable } from '../util/printable.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** What is reported of a waiting pod; times in milliseconds. */
export type ReportedPod = {
	readonly pod: PodRef & { readonly createdAt: number; readonly seenAt: number };
	readonly missing: ReadonlySet<string> | undefined;
	readonly failure: JasmError | undefined;
	/** The pod was told that it waits. */
	readonly reported: boolean;
	/** The pod was told that its release is refused. */
	readonly refused: boolean;
};

export type ReleaseReporterOptions = {
	readonly logger: Logger;
	readonly metrics: Pick<Metrics, 'releases' | 'gateWait'>;
	/** Never throws and never blocks. */
	readonly recordEvent: (pod: PodRef, event: PodEvent) => void;
};

const ACTION = 'ReleasePod';
const quoted = (names: readonly string[]) => names.map(name => `'${name}'`).join(', ');
const secretNames = ({ missing }: ReportedPod) =>
	[...(missing ?? [])].map(key => key.slice(key.indexOf('/') + 1));

export class ReleaseReporter {
	readonly #options: ReleaseReporterOptions;

	constructor(options: ReleaseReporterOptions) {
		this.#options = options;
	}

	/** The pod still waits, and a person would wonder why. */
	waits(pod: ReportedPod): void {
		const names = secretNames(pod);
		const what =
			names.length === 0 ? 'a valid annotation' : `secret${names.length > 1 ? 's' : ''} ${quoted(names)}`;
		this.#record(pod, 'Normal', 'WaitingForSecret', `Waits for ${what} before its containers start`);
	}

	/** A later edit left a value in the start annotation that cannot be read. */
	unreadable(pod: ReportedPod, value: string): void {
		const { reason, remedy } = ERROR_CODES.START_ANNOTATION_INVALID;
		const note = `${START_KEY}: '${printable(value, 64)}' is not a valid value (START_ANNOTATION_INVALID): ${remedy}`;
		this.#record(pod, 'Warning', reason, note);
	}

	/** The pod is free to start. `nowMs` is wall-clock time. */
	released(pod: ReportedPod, cause: 'Fresh' | 'Deadline' | 'ByHand', nowMs: number): void {
		const { logger, metrics } = this.#options;
		const waitedMs = Math.max(0, nowMs - pod.pod.createdAt);
		if (cause === 'Deadline') {
			const names = secretNames(pod);
			const without = names.length === 0 ? '' : ` without a fresh secret ${quoted(names)}`;
			const why = pod.failure ? `: ${pod.failure.message} (${pod.failure.code}): ${pod.failure.remedy}` : '';
			const note = `Started ${Math.round(waitedMs / 1_000)} s after creation${without}${why}`;
			this.#record(pod, 'Warning', 'StartedWithoutSync', note);
		} else if (cause === 'Fresh' && pod.reported) {
			this.#record(pod, 'Normal', 'Released', 'Its secrets are there; containers start now');
		}
		metrics.releases.inc({ outcome: cause });
		metrics.gateWait.observe(waitedMs / 1_000);
		const { namespace, name } = pod.pod;
		logger[cause === 'Fresh' ? 'info' : 'warn']({ namespace, pod: name, cause, waitedMs }, 'pod released');
	}

	/** The pod went, or another one has its name: nothing is left to release. */
	gone(): void {
		this.#options.metrics.releases.inc({ outcome: 'Gone' });
	}

	/** The release failed; returns the error that decides about the retry. */
	failed(pod: ReportedPod, error: unknown): JasmError {
		const { logger, metrics } = this.#options;
		const coded = codedError(error);
		const refused = coded.code === 'RELEASE_REFUSED';
		metrics.releases.inc({ outcome: refused ? 'Refused' : 'Failed' });
		const { namespace, name } = pod.pod;
		logger.warn({ namespace, pod: name, error: coded, remedy: coded.remedy }, 'pod not released');
		if (refused && !pod.refused) {
			this.#record(pod, 'Warning', 'ReleaseRefused', `${coded.message} (${coded.code}): ${coded.remedy}`);
		}
		return coded;
	}

	#record({ pod }: ReportedPod, type: PodEvent['type'], reason: string, note: string): void {
		this.#options.recordEvent(pod, { type, reason, note, action: ACTION });
	}
}

/** A refusal, by whatever part of the API server, has one code: only the operator can end it. */
const REFUSALS: readonly ErrorCode[] = [
	'KUBERNETES_FORBIDDEN',
	'SECRET_NOT_OWNED',
	'SECRET_REJECTED',
	'SECRET_IMMUTABLE',
];

function codedError(error: unknown): JasmError {
	if (!(error instanceof JasmError)) {
		return new JasmError('releasing a pod met an unexpected error', { code: 'INTERNAL', cause: error });
	}
	return REFUSALS.includes(error.code)
		? new JasmError(error.message, { code: 'RELEASE_REFUSED', details: error.details })
		: error;
}

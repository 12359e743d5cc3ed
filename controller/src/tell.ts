// Tells every outcome three ways: a Kubernetes Event on the pods, one log line, one metric.
import { ERROR_CODES, type JasmError } from './errors.ts';
import type { PodEvent } from './kubernetes/event-recorder.ts';
import type { PodRef } from './kubernetes/types.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { printable } from './printable.ts';
import { sameRequest } from './requesters.ts';
import type { Request, Requester } from './requests.ts';
import type { Key } from './runtime/object-ref.ts';

/** Notes are fixed templates around printable text: the same outcome repeats to the letter. */
type Telling = Omit<PodEvent, 'action'>;

export type TellerOptions = {
	readonly logger: Logger;
	readonly metrics: Metrics;
	/** Never throws and never blocks. */
	readonly recordEvent: (pod: PodRef, event: PodEvent) => void;
};

/** What a finished sync did; durations in milliseconds. */
export type SyncFacts = {
	readonly verb: 'created' | 'replaced';
	/** False where the resourceVersion is that of our last write: nothing changed. The first write of a run counts. */
	readonly changed: boolean;
	readonly version: string;
	readonly keys: number;
	readonly durationMs: number;
};

/** What JASM was doing, in every Event. */
const ACTION = 'SyncSecret';

const SUCCESS = 'SecretSyncSuccess';

/** Each pod gets its success once and each failure once per distinct cause; log and metric get every outcome. */
export class Teller {
	readonly #logger: Logger;
	readonly #metrics: Metrics;
	readonly #recordEvent: (pod: PodRef, event: Telling) => void;

	constructor({ logger, metrics, recordEvent }: TellerOptions) {
		this.#logger = logger;
		this.#metrics = metrics;
		this.#recordEvent = (pod, event) => recordEvent(pod, { ...event, action: ACTION });
	}

	/** Whether this requester was told that its Secret is there. */
	static satisfied(requester: Requester): boolean {
		return requester.served;
	}

	/** An earlier run told this requester, or it was served before we were asked to tell. */
	static assumeTold(requester: Requester): void {
		requester.served = true;
	}

	synced(key: Key, { winner }: Request, satisfied: readonly Requester[], facts: SyncFacts): void {
		const { sync } = winner;
		const note = `Successfully synchronized secret '${sync.secretName}' from ${sync.provider} (path: ${printable(sync.path)})`;
		for (const requester of satisfied.filter(({ served }) => !served)) {
			requester.served = true;
			this.#recordEvent(requester.pod, { type: 'Normal', reason: SUCCESS, note });
		}

		const { verb, changed, version, keys, durationMs } = facts;
		this.#metrics.syncs.inc({ provider: sync.provider, outcome: 'Success' });
		this.#metrics.syncDuration.observe({ provider: sync.provider }, durationMs / 1000);
		this.#logger[changed ? 'info' : 'debug'](
			{ ...contextOf(key, winner), verb, changed, version, keys, durationMs: Math.round(durationMs) },
			'secret synced',
		);
	}

	failed(key: Key, request: Request, error: JasmError, attempt: number): void {
		const { winner } = request;
		const { sync } = winner;
		const { reason } = error;
		if (reason !== undefined) {
			const event: Telling = { type: 'Warning', reason, note: noteOf(error, winner) };
			for (const requester of request.requesters) {
				if (sameRequest(requester.sync, sync)) {
					this.#once(requester, `${error.code}:${event.note}`, event);
				}
			}
		}

		// A name that nobody configured is a tenant's text: no label is made of it.
		const provider = error.code === 'PROVIDER_UNSUPPORTED' ? 'unknown' : sync.provider;
		this.#metrics.syncs.inc({ provider, outcome: error.code });
		const level = error.code === 'INTERNAL' ? 'error' : error.retry === 'fast' ? 'info' : 'warn';
		this.#logger[level](
			{ ...contextOf(key, winner), attempt, retry: error.retry, remedy: error.remedy, error },
			'secret not synced',
		);
	}

	/** Profile self-heal: somebody else changed or deleted the Secret, and it is as it should be again. */
	corrected(key: Key, { winner }: Request): void {
		const { secretName } = winner.sync;
		const note = `Secret '${secretName}' was changed or deleted by somebody else; JASM restored it`;
		this.#recordEvent(winner.pod, { type: 'Warning', reason: 'SecretCorrected', note });
		this.#metrics.corrections.inc();
		this.#logger.warn(contextOf(key, winner), 'secret corrected');
	}

	/** Live pods ask for one Secret in different ways: the newest wins, all are warned. */
	conflict(key: Key, { winner, requesters, losers }: Request): void {
		const { secretName } = winner.sync;
		const note =
			`Live pods of this namespace ask for secret '${secretName}' in different ways; the newest pod wins ` +
			`(SECRET_CONFLICT): ${ERROR_CODES.SECRET_CONFLICT.remedy}`;
		const event: Telling = { type: 'Warning', reason: ERROR_CODES.SECRET_CONFLICT.reason, note };
		let news = false;
		for (const requester of requesters) {
			news = this.#once(requester, `conflict:${winner.sync.spec}`, event) || news;
		}

		if (news) {
			this.#metrics.conflicts.inc();
			this.#logger.warn({ ...contextOf(key, winner), losers: losers.length }, 'pods disagree about a secret');
		}
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

	#once(requester: Requester, cause: string, event: Telling): boolean {
		if (requester.told.has(cause)) {
			return false;
		}

		requester.told.add(cause);
		this.#recordEvent(requester.pod, event);
		return true;
	}
}

function noteOf(error: JasmError, { sync }: Requester): string {
	const { reason } = error;
	const what = `${error.message} (${error.code}): ${error.remedy}`;
	if (reason === 'ProviderUnsupported') {
		return `Provider '${printable(sync.provider)}' not found in registry`;
	}

	return reason === 'SecretFetchFailed'
		? `Failed to fetch secret from ${sync.provider} (path: ${printable(sync.path)}): ${what}`
		: `Failed to sync secret '${sync.secretName}': ${what}`;
}

function contextOf(key: Key, { pod, sync }: Requester) {
	return { secret: key, pod: pod.name, provider: printable(sync.provider), path: printable(sync.path) };
}

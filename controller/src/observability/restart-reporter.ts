// Reports what becomes of workloads that ask for restarts: Events on their newest pod, one log line, metrics.
import { ERROR_CODES, type ErrorCode, JasmError } from '../errors.ts';
import type { PodEvent } from '../kubernetes/event-recorder.ts';
import type { EventSubject, PodRef } from '../kubernetes/types.ts';
import { nameOfWorkload, type Workload } from '../requests/workload.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export type RestartReporterOptions = {
	readonly logger: Logger;
	readonly metrics: Pick<Metrics, 'restarts' | 'restartsWaiting' | 'restartsInProgress'>;
	/** Never throws and never blocks. */
	readonly recordEvent: (subject: EventSubject, event: PodEvent) => void;
};

const ACTION = 'RestartWorkload';

/** A pod is absent where none of the workload is left. */
type Pod = PodRef | undefined;

export class RestartReporter {
	readonly #options: RestartReporterOptions;

	constructor(options: RestartReporterOptions) {
		this.#options = options;
	}

	/** `uid` is that of the workload, `hash` names the versions. */
	restarted(workload: Workload, uid: string, pod: Pod, hash: string): void {
		const { kind, namespace, name } = workload;
		const note = `Restarts ${nameOfWorkload(workload)}: its secrets changed`;
		this.#record(pod, 'Normal', 'WorkloadRestarted', note);
		if (uid !== '') {
			const subject = { apiVersion: 'apps/v1', kind, namespace, name, uid };
			this.#record(subject, 'Normal', 'WorkloadRestarted', note);
		}

		this.#count(workload, 'restarted');
		this.#options.logger.info({ ...contextOf(workload), hash }, 'workload restarted');
	}

	/** The operator asked for a dry run. */
	wouldRestart(workload: Workload, pod: Pod): void {
		const note = `Would restart ${nameOfWorkload(workload)}: its secrets changed (restarts.dryRun)`;
		this.#record(pod, 'Normal', 'RestartPlanned', note);
		this.#count(workload, 'planned');
		this.#options.logger.info(contextOf(workload), 'workload would be restarted');
	}

	/** The restart waits for the hours in which restarts may happen; `at` in wall-clock milliseconds. */
	planned(workload: Workload, pod: Pod, at: number | undefined): void {
		const when = at === undefined ? 'in the hours of restarts' : `at ${new Date(at).toISOString()}`;
		const note = `Restarts ${nameOfWorkload(workload)} ${when}: its secrets changed (restarts.hours)`;
		this.#record(pod, 'Normal', 'RestartPlanned', note);
		this.#count(workload, 'planned');
		this.#options.logger.info({ ...contextOf(workload), at }, 'workload waits for its hours');
	}

	heldBack(workload: Workload, pod: Pod): void {
		const note = `${nameOfWorkload(workload)} was restarted three times within an hour; from now on once an hour at most, until its secrets rest for an hour`;
		this.#record(pod, 'Warning', 'RestartHeldBack', note);
		this.#options.logger.warn(contextOf(workload), 'restarts are held back');
	}

	/** The restart is not over after this many milliseconds: others no longer wait for it. */
	stalled(workload: Workload, pod: Pod, afterMs: number): void {
		const note = `The restart of ${nameOfWorkload(workload)} is not over after ${afterMs / 60_000} minutes; look at it: kubectl rollout status`;
		this.#record(pod, 'Warning', 'RestartStalled', note);
		this.#options.logger.warn(contextOf(workload), 'the restart is not over');
	}

	/** A pod asks for restarts and gets none. */
	unsupported(pod: PodRef, why: 'namespace' | 'kind' | 'off' | 'unproven'): void {
		const reasons = {
			kind: 'only Deployments, StatefulSets and DaemonSets are restarted',
			namespace: 'the operator of JASM does not restart workloads in this namespace (restarts.namespaces)',
			off: 'the operator of JASM does not restart workloads (restarts)',
			unproven: 'JASM found no admission policy that holds it to restarts (RESTART_GUARD_MISSING)',
		};
		const note = `onChange: restart does nothing for this pod: ${reasons[why]}; its Secret is kept up to date`;
		this.#record(pod, 'Warning', 'RestartUnsupported', note);
		this.#options.metrics.restarts.inc({ kind: '', outcome: 'unsupported' });
	}

	/** No such workload. */
	missing(workload: Workload): void {
		this.#count(workload, 'missing');
		this.#options.logger.info(contextOf(workload), 'there is no such workload to restart');
	}

	/** Returns the error that decides about the retry. */
	failed(workload: Workload, error: unknown): JasmError {
		const coded = codedError(workload, error);
		this.#count(workload, coded.code === 'RESTART_REFUSED' ? 'refused' : 'failed');
		this.#options.logger.warn(
			{ ...contextOf(workload), error: coded, remedy: coded.remedy },
			'workload not restarted',
		);
		return coded;
	}

	refused(pod: Pod, error: JasmError): void {
		const note = `${error.message} (${error.code}): ${error.remedy}`;
		this.#record(pod, 'Warning', ERROR_CODES.RESTART_REFUSED.reason, note);
	}

	measure({ waiting, inProgress }: { readonly waiting: number; readonly inProgress: number }): void {
		this.#options.metrics.restartsWaiting.set(waiting);
		this.#options.metrics.restartsInProgress.set(inProgress);
	}

	#count({ kind }: Workload, outcome: string): void {
		this.#options.metrics.restarts.inc({ kind, outcome });
	}

	#record(subject: EventSubject | undefined, type: PodEvent['type'], reason: string, note: string): void {
		if (subject !== undefined) {
			this.#options.recordEvent(subject, { type, reason, note, action: ACTION });
		}
	}
}

const contextOf = ({ kind, namespace, name }: Workload) => ({ namespace, workload: `${kind}/${name}` });

/** A refusal, by whatever part of the API server, has one code: only a person can end it. */
const REFUSALS: readonly ErrorCode[] = [
	'KUBERNETES_FORBIDDEN',
	'SECRET_NOT_OWNED',
	'SECRET_REJECTED',
	'SECRET_IMMUTABLE',
];

function codedError(workload: Workload, error: unknown): JasmError {
	if (!(error instanceof JasmError)) {
		return new JasmError(`restarting ${nameOfWorkload(workload)} met an unexpected error`, {
			code: 'INTERNAL',
			cause: error,
		});
	}

	return REFUSALS.includes(error.code)
		? new JasmError(error.message, { code: 'RESTART_REFUSED', details: error.details })
		: error;
}

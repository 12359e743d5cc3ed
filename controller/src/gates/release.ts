// Releases the pods that wait: decides when each may start, and removes gate and annotation with one request.
import { JasmError } from '../errors.ts';
import type { KubernetesClient, PodPatch } from '../kubernetes/client.ts';
import type { ReleaseReporter } from '../observability/release-reporter.ts';
import { GATE, START_KEY } from '../requests/start-annotation.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile } from '../runtime/controller.ts';
import type { WaitingPod, WaitingPods } from './waiting-pods.ts';

export type ReleaseOptions = {
	readonly client: Pick<KubernetesClient, 'patchPod'>;
	readonly waiting: WaitingPods;
	readonly reporter: ReleaseReporter;
	readonly clock: Clock;
	/** Asked before every release: false from the moment another replica may lead. */
	readonly mayWrite: () => boolean;
};

/** Why a pod starts: its Secrets are fresh, its deadline passed, or a person said so. */
export type ReleaseCause = 'Fresh' | 'Deadline' | 'ByHand';

export type NextStep =
	| { readonly kind: 'release'; readonly cause: ReleaseCause }
	/** `report`: the pod is told now that it waits. `afterMs`: when to look again without an event. */
	| { readonly kind: 'wait'; readonly report: boolean; readonly afterMs?: number };

/** A wait this long (milliseconds) is reported also where nothing failed. */
export const REPORT_AFTER_MS = 10_000;

/** What is to be done with a waiting pod; `now` is wall-clock time, `monotonic` the clock of `since`. */
export function nextStep(pod: WaitingPod, now: number, monotonic: number): NextStep {
	if (pod.freedByHand) return { kind: 'release', cause: 'ByHand' };
	// Its wait is over in the API server: what it misses by now does not matter.
	if (pod.missing?.size === 0 || pod.effectSeen) return { kind: 'release', cause: 'Fresh' };
	if (pod.deadlineAt !== undefined && now >= pod.deadlineAt) return { kind: 'release', cause: 'Deadline' };
	const reportIn = pod.since + REPORT_AFTER_MS - monotonic;
	const report = !pod.reported && (pod.failure !== undefined || reportIn <= 0);
	const untilDeadline = pod.deadlineAt === undefined ? Number.POSITIVE_INFINITY : pod.deadlineAt - now;
	const afterMs = pod.reported || report ? untilDeadline : Math.min(untilDeadline, reportIn);
	return { kind: 'wait', report, ...(Number.isFinite(afterMs) && { afterMs: Math.max(1, afterMs) }) };
}

/** Removes JASM's gate and annotation of exactly this pod; other gates and annotations stay. */
export const releasePatch = (uid: string): PodPatch => ({
	metadata: { uid, annotations: { [START_KEY]: null } },
	spec: { schedulingGates: [{ $patch: 'delete', name: GATE }] },
});

export function createRelease({ client, waiting, reporter, clock, mayWrite }: ReleaseOptions): Reconcile {
	async function release(pod: WaitingPod, cause: ReleaseCause, signal: AbortSignal): Promise<void> {
		if (!mayWrite()) throw new JasmError('releasing a pod without the lease', { code: 'LEASE_LOST' });
		pod.releasing = true;
		try {
			const result = await client.patchPod(pod.pod, releasePatch(pod.pod.uid), { signal });
			if (result === 'patched') reporter.released(pod, cause, clock.now());
			else reporter.gone();
		} catch (error) {
			pod.releasing = false;
			const coded = reporter.failed(pod, error);
			pod.refused ||= coded.code === 'RELEASE_REFUSED';
			throw coded;
		}
	}

	return async (podKey, { signal }) => {
		const pod = waiting.get(podKey);
		if (pod === undefined) return undefined;
		const step = nextStep(pod, clock.now(), clock.monotonic());
		if (step.kind === 'release') {
			await release(pod, step.cause, signal);
			// An edit while the request was under way can have made the pod wait again: that wait stays.
			if (waiting.get(podKey) === pod) waiting.forget(podKey, pod.pod.uid);
			return undefined;
		}
		if (pod.unreadable !== undefined) {
			reporter.unreadable(pod, pod.unreadable);
			pod.unreadable = undefined;
		}

		if (step.report) {
			pod.reported = true;
			reporter.waits(pod);
		}
		return step.afterMs === undefined ? undefined : { requeueAfterMs: step.afterMs };
	};
}

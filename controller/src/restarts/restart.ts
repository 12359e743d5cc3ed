// Restarts one workload when it is due: one patch of one annotation, nothing read before it.

import { JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { RestartReporter } from '../observability/restart-reporter.ts';
import { RESTARTED_KEY } from '../requests/pod-record.ts';
import type { WorkloadKind } from '../requests/workload.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile, Result } from '../runtime/controller.ts';
import type { TokenBucket } from '../runtime/limiter.ts';
import { type Decision, decide, type Facts, isHeldBack, KEPT_RESTARTS } from './restart-plan.ts';
import type { TrackedWorkload, Workloads } from './workloads.ts';

export type RestartOptions = {
	readonly client: Pick<KubernetesClient, 'annotateTemplate'>;
	readonly workloads: Workloads;
	readonly reporter: RestartReporter;
	readonly settings: Facts['settings'];
	/** One token for each restart in the cluster. */
	readonly rate: Pick<TokenBucket, 'take'>;
	readonly clock: Clock;
	/** Asked before every request: false as soon as another replica may lead. */
	readonly mayWrite: () => boolean;
};

/** A restart that is not over by then no longer keeps others waiting, in milliseconds. */
const SLOT_MS = 600_000;
/** A workload without pods is remembered this long, because its restarts limit the next one; milliseconds. */
const REMEMBERED_MS = 3_600_000;

export const RESOURCES = {
	Deployment: 'deployments',
	StatefulSet: 'statefulsets',
	DaemonSet: 'daemonsets',
} as const satisfies Record<WorkloadKind, string>;

/** Keys are workloads. Level-based: each run finds out again what is stale. */
export function createRestart(options: RestartOptions): Reconcile {
	const { client, workloads, reporter, settings, rate, clock, mayWrite } = options;

	const factsOf = (tracked: TrackedWorkload): Facts => ({
		secrets: workloads.secretsOf(tracked),
		pods: [...tracked.pods.values()],
		restarts: tracked.restarts,
		heldBack: tracked.heldBack,
		inProgress: workloads.inProgress - (tracked.sentAt === undefined ? 0 : 1),
		settings,
		...(tracked.staleSince !== undefined && { staleSince: tracked.staleSince }),
		...(tracked.restartedFor !== undefined && { restartedFor: tracked.restartedFor }),
	});

	/** Once for each state of the workload, until its next restart. */
	function once(tracked: TrackedWorkload, what: string, tell: () => void): void {
		if (!tracked.told.has(what)) {
			tracked.told.add(what);
			tell();
		}
	}

	function note(tracked: TrackedWorkload, decision: Decision): void {
		if (decision.kind === 'none') {
			tracked.staleSince = undefined;
			return;
		}

		if (decision.kind !== 'wait' || decision.for !== 'secrets') {
			tracked.staleSince ??= clock.now();
		}

		if (decision.kind === 'wait' && decision.for === 'slot') {
			workloads.waitForPlace(tracked);
		}

		const pod = workloads.newestOf(tracked);
		const held = isHeldBack(factsOf(tracked));
		if (held && !tracked.heldBack) {
			reporter.heldBack(tracked.workload, pod);
		}

		tracked.heldBack = held;
		if (decision.kind === 'plan') {
			once(tracked, `plan ${decision.hash}`, () => reporter.wouldRestart(tracked.workload, pod));
		} else if (decision.kind === 'wait' && decision.for === 'hours') {
			once(tracked, `hours ${decision.until}`, () => reporter.planned(tracked.workload, pod, decision.until));
		}
	}

	/** A restart that takes too long gives its place to others. Milliseconds until it would. */
	function slotLeft(tracked: TrackedWorkload): number | undefined {
		if (tracked.sentAt === undefined) {
			return undefined;
		}

		const leftMs = tracked.sentAt + SLOT_MS - clock.monotonic();
		if (leftMs > 0) {
			return leftMs;
		}

		reporter.stalled(tracked.workload, workloads.newestOf(tracked), SLOT_MS);
		workloads.freeSlot(tracked);
		return undefined;
	}

	/** Milliseconds until its turn at the rate of the cluster; 0 takes the turn. */
	function turnIn(tracked: TrackedWorkload): number {
		const now = clock.monotonic();
		if (tracked.turnAt !== undefined && tracked.turnAt > now) {
			return tracked.turnAt - now;
		}

		const waitMs = rate.take();
		tracked.turnAt = waitMs > 0 ? now + waitMs : undefined;
		return waitMs;
	}

	async function send(tracked: TrackedWorkload, hash: string, signal: AbortSignal): Promise<void> {
		if (!mayWrite()) {
			throw new JasmError('restarting a workload without the lease', { code: 'LEASE_LOST' });
		}

		const { workload } = tracked;
		const pod = workloads.newestOf(tracked);
		try {
			const { namespace, name } = workload;
			const answer = await client.annotateTemplate(
				{ namespace, name, resource: RESOURCES[workload.kind] },
				{ key: RESTARTED_KEY, value: hash },
				{ signal },
			);
			if (answer.result === 'absent') {
				// Its pods are about to go; a pod with a forged owner stays, and is not tried again for these versions.
				tracked.restartedFor = hash;
				reporter.missing(workload);
				return;
			}

			workloads.restarted(tracked, hash, clock.now(), clock.monotonic(), KEPT_RESTARTS);
			reporter.restarted(workload, answer.uid, pod, hash);
		} catch (error) {
			const coded = reporter.failed(workload, error);
			if (coded.code === 'RESTART_REFUSED') {
				once(tracked, `refused ${coded.message}`, () => reporter.refused(pod, coded));
			}

			throw coded;
		}
	}

	function measure(): void {
		reporter.measure({ waiting: workloads.stale, inProgress: workloads.inProgress });
	}

	return async (key, { signal }): Promise<Result> => {
		const tracked = workloads.get(key);
		if (tracked === undefined) {
			return undefined;
		}

		const leftMs = slotLeft(tracked);
		if (tracked.pods.size === 0) {
			const rememberedMs = (tracked.restarts.at(-1) ?? 0) + REMEMBERED_MS - clock.now();
			if (rememberedMs <= 0) {
				workloads.forget(tracked);
			}

			return rememberedMs > 0 ? { requeueAfterMs: rememberedMs } : undefined;
		}

		const decision = decide(factsOf(tracked), clock.now());
		note(tracked, decision);
		try {
			if (decision.kind === 'restart') {
				const waitMs = turnIn(tracked);
				if (waitMs > 0) {
					return { requeueAfterMs: waitMs };
				}

				await workloads.takingPlace(tracked, () => send(tracked, decision.hash, signal));
				return { requeueAfterMs: SLOT_MS };
			}
		} finally {
			measure();
		}

		const untilMs =
			decision.kind === 'wait' && decision.until !== undefined ? decision.until - clock.now() : undefined;
		const nextMs = Math.min(untilMs ?? Number.POSITIVE_INFINITY, leftMs ?? Number.POSITIVE_INFINITY);
		return Number.isFinite(nextMs) ? { requeueAfterMs: Math.max(0, nextMs) } : undefined;
	};
}

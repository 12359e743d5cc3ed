// From what the watchers saw to keys in the queues: synchronous, keeps no object, calls nobody.
import type { ManagedSecret, ManagedSecrets } from './managed-secrets.ts';
import type { Metrics } from './metrics.ts';
import { type PodRecord, PRIORITY, type PriorityContext, priorityOf } from './pod-secrets.ts';
import type { Requests } from './requests.ts';
import type { Clock } from './runtime/clock.ts';
import { type Key, keyOf } from './runtime/object-ref.ts';
import type { Change } from './runtime/store.ts';
import type { Workqueue } from './runtime/workqueue.ts';
import type { History } from './sync-history.ts';

export type IntakeOptions = {
	readonly requests: Requests;
	readonly managed: ManagedSecrets;
	readonly history: History;
	readonly clock: Clock;
	readonly metrics: Metrics;
	/** Keys are target Secrets. */
	readonly secrets: Workqueue;
	/** Keys are pods whose annotation is refused. */
	readonly refusedPods: Workqueue;
};

/** Told every difference of the stores, in order. */
export class Intake {
	readonly #options: IntakeOptions;
	#leading = false;

	constructor(options: IntakeOptions) {
		this.#options = options;
	}

	/**
	 * From here on changes are queued, everything that is asked for first. A standby queues nothing: what it would
	 * have queued days ago says nothing about what is urgent now.
	 */
	lead(): void {
		const { requests } = this.#options;
		this.#leading = true;
		for (const key of requests.keys()) {
			this.#queue(key, requests.winnerOf(key)!.pod, { initial: true, change: false });
		}

		for (const { pod } of requests.invalidPods()) {
			this.#tell(pod, { initial: true, change: false });
		}
	}

	podChanged({ before, after, initial }: Change<PodRecord>): void {
		const { requests, metrics, secrets } = this.#options;
		const { changed, invalid } = requests.update({ before, after });
		if (before === undefined || after === undefined) {
			metrics.trackedPods.inc(after === undefined ? -1 : 1);
		}

		metrics.requestedSecrets.set(requests.size);
		if (!this.#leading) {
			return;
		}

		const context = { initial, change: before !== undefined };
		for (const key of changed) {
			if (after === undefined) {
				// A pod that went can hand its Secret to another one: that is a change of what is asked for.
				secrets.add(key, { priority: PRIORITY.annotationChange });
			} else {
				this.#queue(key, after, context);
			}
		}

		if (invalid !== undefined) {
			this.#tell(invalid.pod, context);
		}
	}

	/** Profile self-heal: a Secret that JASM manages appeared, changed or went. */
	secretChanged({ before, after, initial }: Change<ManagedSecret>): void {
		const { requests, managed, history, clock, secrets } = this.#options;
		managed.update({ before, after });
		const key = (after ?? before)!.key;
		if (!this.#leading || initial || requests.winnerOf(key) === undefined) {
			return;
		}

		if (history.changed(key, after?.resourceVersion, clock.monotonic())) {
			const priority = after === undefined ? PRIORITY.secretDeleted : PRIORITY.annotationChange;
			secrets.add(key, { priority });
		}
	}

	/**
	 * Profile self-heal: the list is complete. A Secret that was written and deleted while the watch was away
	 * never was in the store, so that no difference tells of it.
	 */
	secretsListed(): void {
		const { requests, managed, history, clock, secrets } = this.#options;
		// Of what a standby sees nothing was written by it: then no key has a version of ours.
		for (const key of requests.keys()) {
			if (history.resourceVersionOf(key) !== undefined && managed.get(key) === undefined) {
				history.changed(key, undefined, clock.monotonic());
				secrets.add(key, { priority: PRIORITY.secretDeleted });
			}
		}
	}

	#queue(key: Key, pod: PodRecord, context: Omit<PriorityContext, 'now'>): void {
		const { secrets, clock } = this.#options;
		secrets.add(key, { priority: priorityOf(pod, { ...context, now: clock.now() }) });
	}

	#tell(pod: PodRecord, context: Omit<PriorityContext, 'now'>): void {
		const { refusedPods, clock } = this.#options;
		refusedPods.add(keyOf(pod), { priority: priorityOf(pod, { ...context, now: clock.now() }) });
	}
}

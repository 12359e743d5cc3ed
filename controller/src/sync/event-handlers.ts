// Turns changes that the watches see into keys in the queues. Synchronous, without I/O; it keeps no object.

import type { WaitingPods } from '../gates/waiting-pods.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { SecretSync } from '../requests/annotation.ts';
import {
	type PodRecord,
	PRIORITY,
	type PriorityContext,
	priorityOf,
	waitsForSecrets,
} from '../requests/pod-record.ts';
import type { PodChange, Requests } from '../requests/requests.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';
import type { Workqueue } from '../runtime/queue/workqueue.ts';
import type { Change } from '../runtime/watch/store.ts';
import type { ManagedSecret, ManagedSecrets } from './managed-secrets.ts';
import type { SyncStates } from './sync-state.ts';

export type EventHandlersOptions = {
	readonly requests: Requests;
	readonly managed: ManagedSecrets;
	readonly states: SyncStates;
	readonly clock: Clock;
	readonly metrics: Metrics;
	/** Keys are target Secrets. */
	readonly secrets: Workqueue;
	/** Keys are pods whose annotation is refused. */
	readonly refusedPods: Workqueue;
	readonly waiting: WaitingPods;
	/** Keys are pods that wait for their Secrets. */
	readonly releases: Workqueue;
	/** Hears what is to be written for a key, `undefined` where no pod asks for it any more. */
	readonly onRequest?: (key: Key, sync: SecretSync | undefined) => void;
	/** Hears of each pod, after its requests were noted; `news`: it appeared or changed while this replica leads. */
	readonly onPod?: (change: PodChange, news: boolean) => void;
};

/** Receives every difference of the stores, in order. */
export class EventHandlers {
	readonly #options: EventHandlersOptions;
	#leading = false;

	constructor(options: EventHandlersOptions) {
		this.#options = options;
	}

	get leading(): boolean {
		return this.#leading;
	}

	/**
	 * Queues every Secret that is asked for, and changes from now on. A standby queues nothing: a change of days ago
	 * says nothing about what is urgent now.
	 */
	lead(): void {
		const { requests, waiting } = this.#options;
		this.#leading = true;
		for (const key of requests.keys()) {
			this.#queue(key, requests.effectiveOf(key)!.pod, { initial: true, change: false });
		}

		for (const { pod } of requests.invalidPods()) {
			this.#queueRefused(pod, { initial: true, change: false });
		}

		for (const podKey of waiting.keys()) {
			this.podDue(podKey);
		}
	}

	podChanged({ before, after, initial }: Change<PodRecord>): void {
		const { requests, metrics, secrets, waiting, onRequest, onPod } = this.#options;
		const { changed, invalid } = requests.update({ before, after });
		for (const key of onRequest === undefined ? [] : changed) {
			onRequest?.(key, requests.effectiveOf(key)?.sync);
		}

		waiting.podChanged({ before, after });
		onPod?.({ before, after }, this.#leading && !initial);
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
				// Without this pod another request may win: that is a change of what is asked for.
				secrets.add(key, { priority: PRIORITY.annotationChange });
			} else {
				this.#queue(key, after, context);
			}
		}

		if (invalid !== undefined) {
			this.#queueRefused(invalid.pod, context);
		}

		// A pod that begins to wait needs newer values, also where it asks for the same as before.
		if (after !== undefined && waitsForSecrets(after)) {
			for (const key of requests.keysOf(after) ?? []) {
				this.#queue(key, after, context);
			}
		}
	}

	/** A waiting pod is to be looked at. */
	podDue(podKey: Key): void {
		if (this.#leading) {
			this.#options.releases.add(podKey, { priority: PRIORITY.newPod });
		}
	}

	/** Profile self-heal: a Secret that JASM manages appeared, changed or went. */
	secretChanged({ before, after, initial }: Change<ManagedSecret>): void {
		const { requests, managed, states, clock, secrets } = this.#options;
		managed.update({ before, after });
		const key = (after ?? before)!.key;
		if (!this.#leading || initial || requests.effectiveOf(key) === undefined) {
			return;
		}

		// Without a state no run has begun: the first one looks at the Secret as it is then.
		if (states.get(key)?.observed(after?.resourceVersion, clock.monotonic()) !== false) {
			const priority = after === undefined ? PRIORITY.secretDeleted : PRIORITY.annotationChange;
			secrets.add(key, { priority });
		}
	}

	/**
	 * Profile self-heal: the list is complete. A Secret that was written and deleted while the watch was away was
	 * never in the store, so no difference shows it.
	 */
	secretsListed(): void {
		const { requests, managed, states, clock, secrets } = this.#options;
		// A standby has written nothing, so it has no recorded resourceVersion.
		for (const key of requests.keys()) {
			const state = states.get(key);
			if (state?.resourceVersion !== undefined && managed.get(key) === undefined) {
				state.observed(undefined, clock.monotonic());
				secrets.add(key, { priority: PRIORITY.secretDeleted });
			}
		}
	}

	#queue(key: Key, pod: PodRecord, context: Omit<PriorityContext, 'now'>): void {
		const { secrets, clock } = this.#options;
		secrets.add(key, { priority: priorityOf(pod, { ...context, now: clock.now() }) });
	}

	#queueRefused(pod: PodRecord, context: Omit<PriorityContext, 'now'>): void {
		const { refusedPods, clock } = this.#options;
		refusedPods.add(keyOf(pod), { priority: priorityOf(pod, { ...context, now: clock.now() }) });
	}
}

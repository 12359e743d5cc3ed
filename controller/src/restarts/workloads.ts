// What is known of the workloads that ask for restarts: their live pods, what was written for them, their restarts.
//
// This folder restarts workloads whose Secrets changed. Read this file first (the facts), then restart-plan.ts (what
// follows from them, and when), then restart.ts (the one request that restarts, and who hears of it).
// Synchronous; it performs no I/O. Nothing is kept of pods that do not ask for restarts.
import type { PodRecord } from '../requests/pod-record.ts';
import type { PodChange, Requests } from '../requests/requests.ts';
import { type Workload, workloadKeyOf } from '../requests/workload.ts';
import { type Key, refOf } from '../runtime/object-ref.ts';
import type { LivePod, WrittenSecret } from './restart-plan.ts';

/** A live pod that asks for restarts. */
type Asking = Omit<LivePod, 'firstServed'> & {
	readonly pod: PodRecord;
	/** The Secrets for whose changes it asks to be restarted. */
	readonly secrets: readonly Key[];
	readonly firstServed?: Map<string, number>;
};

/** One workload; times in milliseconds. */
export type TrackedWorkload = {
	readonly key: Key;
	readonly workload: Workload;
	readonly pods: Map<string, Asking>;
	/** The restarts by this run, oldest first, in wall-clock time; the last few. */
	readonly restarts: number[];
	/** When it was first found stale since its last restart, in wall-clock time. */
	staleSince: number | undefined;
	heldBack: boolean;
	/** The hash of the last restart by this run. */
	restartedFor: string | undefined;
	/** While its restart is under way: when it was sent, in monotonic time. */
	sentAt: number | undefined;
	/** Its turn at the rate of the cluster, in monotonic time: a workload that is looked at again keeps its turn. */
	turnAt: number | undefined;
	/** What was told already, so that it is told once. */
	readonly told: Set<string>;
};

export type WorkloadsOptions = {
	readonly requests: Pick<Requests, 'restartsFor'>;
	/** Whether restarts are allowed in this namespace. */
	readonly serves: (namespace: string) => boolean;
	/** The workload is to be looked at. */
	readonly due: (key: Key) => void;
	/** A pod asks for restarts and gets none. */
	readonly onUnserved: (pod: PodRecord, why: 'namespace' | 'kind') => void;
};

export class Workloads {
	readonly #options: WorkloadsOptions;
	readonly #byKey = new Map<Key, TrackedWorkload>();
	/** Secret -> the workloads whose pods ask to be restarted for it. */
	readonly #askedBy = new Map<Key, Set<Key>>();
	/** The last write of each of these Secrets; absent while it is not written or fails. */
	readonly #written = new Map<Key, WrittenSecret>();
	/** Restarts that are under way. */
	#inProgress = 0;
	/** Restarts that are being sent: each takes a place before its answer is there. */
	readonly #sending = new Set<TrackedWorkload>();
	/** Workloads that wait for a place. */
	readonly #waiting = new Set<Key>();

	constructor(options: WorkloadsOptions) {
		this.#options = options;
	}

	/** Workloads whose restart is under way or being sent. */
	get inProgress(): number {
		return this.#inProgress + [...this.#sending].filter(({ sentAt }) => sentAt === undefined).length;
	}

	/** Workloads that are to be restarted and were not yet. */
	get stale(): number {
		return [...this.#byKey.values()].filter(({ staleSince }) => staleSince !== undefined).length;
	}

	get(key: Key): TrackedWorkload | undefined {
		return this.#byKey.get(key);
	}

	keys(): Iterable<Key> {
		return this.#byKey.keys();
	}

	/**
	 * A pod appeared, changed or went. `remembered`: this run sees each Secret being written for it, so that it knows
	 * with which value the pod started.
	 */
	podChanged({ before, after }: PodChange, remembered: boolean): void {
		if (before?.restart === undefined && after?.restart === undefined) {
			return;
		}

		const known = before && this.#remove(before);
		if (after === undefined) {
			return;
		}

		const secrets = this.#options.requests.restartsFor(after);
		const workload = after.restart?.workload;
		if (secrets.length === 0) {
			return;
		}

		if (!this.#options.serves(after.namespace) || workload === undefined) {
			if (remembered && before?.annotation !== after.annotation) {
				this.#options.onUnserved(after, this.#options.serves(after.namespace) ? 'kind' : 'namespace');
			}

			return;
		}

		const restartedFor = after.restart?.restartedFor;
		this.#add(workload, {
			pod: after,
			secrets,
			createdAt: after.createdAt,
			...(restartedFor !== undefined && { restartedFor }),
			...(known?.firstServed
				? { firstServed: known.firstServed }
				: remembered && { firstServed: new Map<string, number>() }),
		});
	}

	/** A Secret was written; `served` are the pods that it served first. */
	written(key: Key, secret: Omit<WrittenSecret, 'secretName'>, served: Iterable<PodRecord>): void {
		const askedBy = this.#askedBy.get(key);
		if (askedBy === undefined) {
			return;
		}

		const { name: secretName } = refOf(key);
		for (const { uid, restart } of served) {
			const pods = restart?.workload && this.#byKey.get(workloadKeyOf(restart.workload))?.pods;
			pods?.get(uid)?.firstServed?.set(secretName, secret.changedAt);
		}

		this.#written.set(key, { secretName, ...secret });
		for (const workload of askedBy) {
			this.#options.due(workload);
		}
	}

	/** The Secret could not be brought up to date. */
	failed(key: Key): void {
		this.#written.delete(key);
	}

	/** The last write of each Secret that the workload is restarted for; undefined in place of one that is missing. */
	secretsOf({ pods }: TrackedWorkload): (WrittenSecret | undefined)[] {
		const keys = new Set([...pods.values()].flatMap(({ secrets }) => secrets));
		return [...keys].map(key => this.#written.get(key));
	}

	/** The newest pod from before the last restart, else the newest: it hears what becomes of the workload. */
	newestOf({ pods, restartedFor: last }: TrackedWorkload): PodRecord | undefined {
		const asking = [...pods.values()].sort((a, b) => b.createdAt - a.createdAt);
		return (asking.find(({ restartedFor }) => restartedFor !== last) ?? asking[0])?.pod;
	}

	/** Takes a place for a restart while `send` runs; the place is free again where that restarted nothing. */
	async takingPlace(tracked: TrackedWorkload, send: () => Promise<void>): Promise<void> {
		this.#sending.add(tracked);
		try {
			await send();
		} finally {
			this.#sending.delete(tracked);
			if (tracked.sentAt === undefined) {
				this.#placeIsFree();
			}
		}
	}

	/** The workload is looked at again when a place is free. */
	waitForPlace({ key }: TrackedWorkload): void {
		this.#waiting.add(key);
	}

	/** A restart was sent. `at` in wall-clock time, `sentAt` in monotonic time. */
	restarted(tracked: TrackedWorkload, hash: string, at: number, sentAt: number, kept: number): void {
		tracked.restartedFor = hash;
		tracked.staleSince = undefined;
		tracked.restarts.push(at);
		tracked.restarts.splice(0, tracked.restarts.length - kept);
		tracked.told.clear();
		if (tracked.sentAt === undefined) {
			this.#inProgress += 1;
		}

		tracked.sentAt = sentAt;
	}

	/** Whether every pod of the workload started after its last restart. */
	isDone({ pods, restartedFor }: TrackedWorkload): boolean {
		return [...pods.values()].every(pod => pod.restartedFor === restartedFor);
	}

	/** The restart counts as over: another workload may go. */
	freeSlot(tracked: TrackedWorkload): void {
		if (tracked.sentAt === undefined) {
			return;
		}

		tracked.sentAt = undefined;
		this.#inProgress -= 1;
		this.#placeIsFree();
	}

	/** Only those that wait for it: others that are refused would make each other run without end. */
	#placeIsFree(): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const key of waiting) {
			this.#options.due(key);
		}
	}

	#add(workload: Workload, asking: Asking): void {
		const key = workloadKeyOf(workload);
		let tracked = this.#byKey.get(key);
		if (tracked === undefined) {
			tracked = {
				key,
				workload,
				pods: new Map(),
				restarts: [],
				staleSince: undefined,
				heldBack: false,
				restartedFor: undefined,
				sentAt: undefined,
				turnAt: undefined,
				told: new Set(),
			};
			this.#byKey.set(key, tracked);
		}

		tracked.pods.set(asking.pod.uid, asking);
		for (const secret of asking.secrets) {
			const askedBy = this.#askedBy.get(secret) ?? new Set();
			this.#askedBy.set(secret, askedBy.add(key));
		}

		this.#settle(tracked);
	}

	#remove({ uid, restart }: PodRecord): Asking | undefined {
		const tracked = restart?.workload && this.#byKey.get(workloadKeyOf(restart.workload));
		const asking = tracked?.pods.get(uid);
		if (tracked === undefined || asking === undefined) {
			return undefined;
		}

		tracked.pods.delete(uid);
		for (const secret of asking.secrets) {
			if (![...tracked.pods.values()].some(({ secrets }) => secrets.includes(secret))) {
				this.#forgetSecret(secret, tracked.key);
			}
		}

		this.#settle(tracked);
		return asking;
	}

	#forgetSecret(secret: Key, workload: Key): void {
		const askedBy = this.#askedBy.get(secret);
		askedBy?.delete(workload);
		if (askedBy?.size === 0) {
			this.#askedBy.delete(secret);
			this.#written.delete(secret);
		}
	}

	/**
	 * A workload whose pods are replaced one by one is without pods for a moment: its restarts are kept as long as
	 * they limit the next one.
	 */
	#settle(tracked: TrackedWorkload): void {
		if (tracked.sentAt !== undefined && this.isDone(tracked)) {
			this.freeSlot(tracked);
		}

		if (tracked.pods.size === 0 && tracked.restarts.length === 0) {
			this.#byKey.delete(tracked.key);
		} else {
			this.#options.due(tracked.key);
		}
	}

	/** The workload has no pod and no restart that still counts. */
	forget({ key, pods, sentAt }: TrackedWorkload): void {
		if (pods.size === 0 && sentAt === undefined) {
			this.#byKey.delete(key);
		}
	}
}

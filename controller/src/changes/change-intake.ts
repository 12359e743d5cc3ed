// From a change notice to the Secrets that it concerns: makes them due, and says when all of them are settled.
//
// A Secret is settled when it was written from a read that began after the notice, when it has the notice's version
// already, or when it failed for a reason that another delivery of the notice cannot cure.
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Concern, Notice, NoticeScope } from '../providers/notice.ts';
import { PRIORITY } from '../requests/pod-record.ts';
import type { Requests } from '../requests/requests.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import type { Key } from '../runtime/object-ref.ts';
import type { Workqueue } from '../runtime/queue/workqueue.ts';
import type { SyncStates } from '../sync/sync-state.ts';
import { printable } from '../util/printable.ts';
import type { SourceIndex } from './source-index.ts';

/** What became of a notice; `limited` is read later, because its source was read a moment ago or is due already. */
export type NoticeOutcome = 'woke' | 'limited' | 'known' | 'unmatched' | 'foreign';

/** Where a notice came from. */
export type Origin = {
	/** The label of metrics. */
	readonly source: string;
	/** The providers whose secrets it may concern. */
	readonly providers: readonly string[];
	readonly scope: NoticeScope;
};

export type ChangeIntakeOptions = {
	readonly index: SourceIndex;
	readonly requests: Requests;
	readonly states: SyncStates;
	/** Keys are target Secrets. */
	readonly secrets: Pick<Workqueue, 'add'>;
	readonly concerns: (provider: string, notice: Notice, scope: NoticeScope) => Concern | undefined;
	/** A source is read because of notices at most once in this time. */
	readonly rereadMs: number;
	/** Secrets that are written because of notices, per second. */
	readonly writesPerSecond: number;
	readonly clock: Clock;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

/** Waits for the Secrets of one notice. */
type Waiter = {
	/** The label of metrics. */
	readonly source: string;
	readonly keys: Set<Key>;
	readonly done: (written: boolean) => void;
	/** One of its Secrets was written. */
	written: boolean;
};

/** A Secret that a notice concerns, and the version that a read returns after the change. */
type Concerned = { readonly key: Key; readonly version: string | undefined };

export class ChangeIntake {
	readonly #options: ChangeIntakeOptions;
	readonly #waiting = new Map<Key, Set<Waiter>>();
	/** Monotonic milliseconds until which writes are given away. */
	#writesUntil = Number.NEGATIVE_INFINITY;

	constructor(options: ChangeIntakeOptions) {
		this.#options = options;
	}

	/** Secrets that notices wait for. */
	get size(): number {
		return this.#waiting.size;
	}

	/** Resolves when every Secret that the notice concerns is settled. Never rejects. */
	async take(notice: Notice, origin: Origin): Promise<void> {
		const { clock, logger, metrics } = this.#options;
		const { source } = origin;
		const concerned = this.#concerned(notice, origin);
		const due = concerned?.filter(each => !this.#hasAnswered(each, notice)) ?? [];
		const outcome = due.length > 0 ? this.#wake(due, notice) : idleOutcome(concerned);
		metrics.changeNotices.inc({ source, outcome });
		const facts = { source, outcome, event: printable(notice.id, 64), secrets: due.length };
		// A path is logged only where a pod asks for it.
		const path = concerned?.length ? { path: printable(notice.path) } : {};
		logger[due.length > 0 ? 'info' : 'debug']({ ...facts, ...path }, 'change notice');
		if (due.length > 0 && (await this.#settled(due, source))) {
			metrics.changeLag.observe({ source }, Math.max(0, clock.now() - notice.at) / 1_000);
		}
	}

	/** A run of a Secret has ended. */
	ended(outcome: Outcome): void {
		const { key } = outcome;
		const waiters = this.#waiting.get(key);
		if (waiters === undefined) {
			return;
		}

		const { requests, states } = this.#options;
		const source = requests.effectiveOf(key) && states.get(key)?.source;
		if (source?.pending === undefined) {
			const old = source?.acceptedOld ?? false;
			for (const { source: label } of old ? waiters : []) {
				this.#options.metrics.changeNotices.inc({ source: label, outcome: 'stale' });
			}

			this.#settle(key, waiters, source !== undefined && !old);
		} else if (outcome.kind === 'terminal' || (outcome.kind === 'failed' && isLasting(outcome.error))) {
			this.#settle(key, waiters, false);
		}
	}

	/** The Secrets that follow what the notice says; undefined where it is about no provider of its origin. */
	#concerned(notice: Notice, { providers, scope }: Origin): Concerned[] | undefined {
		const { index, requests, concerns } = this.#options;
		const found = providers.map(provider => ({ provider, concern: concerns(provider, notice, scope) }));
		if (found.every(({ concern }) => concern === undefined)) {
			return undefined;
		}

		const concerned = new Map<Key, Concerned>();
		for (const { provider, concern } of found) {
			for (const path of concern?.paths ?? []) {
				for (const key of index.keysOf({ provider, path })) {
					const sync = requests.effectiveOf(key)?.sync;
					const same = concern?.ignoresCase || sync?.path === path;
					const change = same ? concern?.follows(sync?.version) : undefined;
					if (change !== undefined && requests.followsSource(key)) {
						concerned.set(key, { key, version: change.version });
					}
				}
			}
		}

		return [...concerned.values()];
	}

	#hasAnswered({ key, version }: Concerned, { at: changedAt }: Notice): boolean {
		const { requests, states } = this.#options;
		const request = requests.of(key);
		const state = states.get(key);
		return (
			request !== undefined &&
			state?.source !== undefined &&
			state.source.pending === undefined &&
			state.isWritten(request) &&
			state.source.hasAnswered({ version, changedAt })
		);
	}

	/** Makes the Secrets due together, so that one read serves them. */
	#wake(due: readonly Concerned[], { at: changedAt }: Notice): NoticeOutcome {
		const { requests, states, secrets, clock, rereadMs } = this.#options;
		const now = clock.monotonic();
		const woken = due.flatMap(({ key, version }) => {
			const request = requests.of(key);
			const source = request && states.load(key, request).source;
			return source === undefined ? [] : [{ key, version, source }];
		});
		const waits = woken.every(({ source }) => source.pending !== undefined);
		const readAt = Math.max(...woken.map(({ source }) => source.readAt));
		const notBefore = Math.max(readAt + rereadMs, waits ? now : now + this.#writesOf(woken.length));
		let firstMs = Number.POSITIVE_INFINITY;
		for (const { key, version, source } of woken) {
			source.heard({ heardAt: now, changedAt, version, notBefore });
			const delayMs = source.dueIn(now) ?? 0;
			firstMs = Math.min(firstMs, delayMs);
			secrets.add(key, { priority: PRIORITY.sourceChange, delayMs });
		}

		return waits || firstMs > 0 ? 'limited' : 'woke';
	}

	/** Milliseconds until this many Secrets may be written. Those of one source are written together. */
	#writesOf(count: number): number {
		const { clock, writesPerSecond } = this.#options;
		const now = clock.monotonic();
		// A second's worth may come at once.
		const from = Math.max(this.#writesUntil, now - 1_000);
		this.#writesUntil = from + (count * 1_000) / writesPerSecond;
		return Math.max(0, from - now);
	}

	/** Resolves with whether one of them was written from a new enough read. */
	#settled(due: readonly Concerned[], source: string): Promise<boolean> {
		const { promise, resolve } = Promise.withResolvers<boolean>();
		const keys = new Set(due.map(({ key }) => key));
		const waiter: Waiter = { source, keys, done: resolve, written: false };
		for (const key of keys) {
			const waiters = this.#waiting.get(key) ?? new Set();
			waiters.add(waiter);
			this.#waiting.set(key, waiters);
		}

		return promise;
	}

	#settle(key: Key, waiters: ReadonlySet<Waiter>, written: boolean): void {
		this.#waiting.delete(key);
		for (const waiter of waiters) {
			waiter.written ||= written;
			waiter.keys.delete(key);
			if (waiter.keys.size === 0) {
				waiter.done(waiter.written);
			}
		}
	}
}

const idleOutcome = (concerned: readonly Concerned[] | undefined): NoticeOutcome =>
	concerned === undefined ? 'foreign' : concerned.length === 0 ? 'unmatched' : 'known';

/** A person has to act, or the retry of the queue is enough: another delivery of the notice would change nothing. */
const isLasting = (error: unknown): boolean => (error as { retry?: unknown } | undefined)?.retry !== 'fast';

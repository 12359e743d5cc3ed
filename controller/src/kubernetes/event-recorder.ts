// Records Events on pods and workloads without delaying its caller: bounded, rate-limited, never throws, never waits.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { KubernetesClient } from './client.ts';
import { Lru } from './lru.ts';
import { microTime } from './micro-time.ts';
import type { EventManifest, EventSubject } from './types.ts';

export type PodEvent = {
	readonly type: 'Normal' | 'Warning';
	/** At most 128 characters. */
	readonly reason: string;
	/** What the controller was doing, such as `SyncSecret`. */
	readonly action: string;
	/** Cut at 1,024 bytes. */
	readonly note: string;
};

export type DropReason = 'queue-full' | 'rate-limited' | 'aggregated';

export type EventRecorderOptions = {
	readonly client: Pick<KubernetesClient, 'createEvent'>;
	readonly clock: Clock;
	readonly random: () => number;
	/** Name of the controller, in every Event. */
	readonly controller: string;
	/** Name of this replica, usually its pod's. */
	readonly instance: string;
	readonly onSent?: () => void;
	readonly onFailed?: (error: Error) => void;
	readonly onDropped?: (reason: DropReason) => void;
};

const QUEUE = 1_000;
const CONCURRENCY = 2;
/** Events wait this long, so that the burst of writes that they report goes first. */
const FLUSH_DELAY_MS = 100;
const CACHE_SIZE = 1_024;
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const SIMILAR = 10;
const SIMILAR_MS = 10 * 60_000;
const NOTE_BYTES = 1_024;
const NAME_CHARACTERS = 253;
const COMBINED = '(combined from similar events): ';

type Bucket = { tokens: number; filledAt: number };
type Series = { startedAt: number; readonly notes: Set<string>; combined: boolean };

export class EventRecorder {
	readonly #options: EventRecorderOptions;
	readonly #queue: EventManifest[] = [];
	readonly #buckets = new Lru<string, Bucket>(CACHE_SIZE);
	readonly #series = new Lru<string, Series>(CACHE_SIZE);
	readonly #idle = new Set<() => void>();
	#hesitation: Timer | undefined;
	#sending = 0;
	#count = 0;

	constructor(options: EventRecorderOptions) {
		this.#options = options;
	}

	/** Events that wait or are being sent. */
	get pending(): number {
		return this.#queue.length + this.#sending;
	}

	/** Returns at once, whatever the state of the API server. */
	record(subject: EventSubject, event: PodEvent): void {
		const note = this.#aggregated(subject, event);
		if (note === undefined) this.#options.onDropped?.('aggregated');
		else if (!this.#takeToken(subject)) this.#options.onDropped?.('rate-limited');
		else if (this.#queue.length >= QUEUE && !this.#makeRoom(event)) this.#options.onDropped?.('queue-full');
		else {
			this.#queue.push(this.#manifest(subject, { ...event, note }));
			this.#hesitation ??= this.#options.clock.schedule(FLUSH_DELAY_MS, () => this.#send());
		}
	}

	/** Drops a Normal event to make room for a Warning. */
	#makeRoom({ type }: PodEvent): boolean {
		const normal = type === 'Warning' ? this.#queue.findIndex(waiting => waiting.type === 'Normal') : -1;
		if (normal < 0) return false;
		this.#queue.splice(normal, 1);
		this.#options.onDropped?.('queue-full');
		return true;
	}

	/** Resolves when no Event is pending, or after `deadlineMs`. */
	async flush(deadlineMs: number): Promise<void> {
		this.#send();
		if (this.pending === 0) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = this.#options.clock.schedule(deadlineMs, resolve);
		this.#idle.add(resolve);
		await promise;
		timer.cancel();
		this.#idle.delete(resolve);
	}

	#send(): void {
		this.#hesitation?.cancel();
		this.#hesitation = undefined;
		while (this.#sending < CONCURRENCY) {
			const event = this.#queue.shift();
			if (event === undefined) break;
			this.#sending++;
			this.#options.client
				.createEvent(event)
				.then(
					() => this.#options.onSent?.(),
					(error: Error) => this.#options.onFailed?.(error),
				)
				.finally(() => {
					this.#sending--;
					this.#send();
				});
		}
		if (this.pending === 0) for (const resolve of this.#idle) resolve();
	}

	/** The note to record; undefined if enough similar ones were recorded. A pod that flaps gets one combined Event. */
	#aggregated(subject: EventSubject, { type, reason, action, note }: PodEvent): string | undefined {
		const now = this.#options.clock.monotonic();
		const key = JSON.stringify([subject.uid, type, reason, action]);
		const series = this.#series.take(key, () => ({ startedAt: now, notes: new Set(), combined: false }));
		if (now - series.startedAt > SIMILAR_MS) {
			series.startedAt = now;
			series.notes.clear();
			series.combined = false;
		}
		if (series.notes.has(note) || series.notes.size < SIMILAR) {
			series.notes.add(note);
			return note;
		}
		if (series.combined) return undefined;
		series.combined = true;
		return COMBINED + note;
	}

	#takeToken(subject: EventSubject): boolean {
		const now = this.#options.clock.monotonic();
		const bucket = this.#buckets.take(subject.uid, () => ({ tokens: BURST, filledAt: now }));
		const refilled = Math.floor((now - bucket.filledAt) / REFILL_MS);
		bucket.filledAt += refilled * REFILL_MS;
		bucket.tokens = Math.min(BURST, bucket.tokens + refilled);
		if (bucket.tokens === 0) return false;
		bucket.tokens--;
		return true;
	}

	#manifest(subject: EventSubject, { type, reason, action, note }: PodEvent): EventManifest {
		const { clock, random, controller, instance } = this.#options;
		// Unique among replicas and restarts: a resend can only meet its own first try.
		const unique = `${clock.now().toString(16)}${Math.floor(random() * 2 ** 24).toString(16)}${this.#count++}`;
		return {
			apiVersion: 'events.k8s.io/v1',
			kind: 'Event',
			metadata: {
				namespace: subject.namespace,
				name: `${subject.name.slice(0, NAME_CHARACTERS - 1 - unique.length).replace(/[.-]+$/, '')}.${unique}`,
			},
			eventTime: microTime(clock.now()),
			type,
			reason,
			action,
			note: truncated(note),
			reportingController: controller,
			reportingInstance: instance,
			regarding: {
				apiVersion: subject.apiVersion ?? 'v1',
				kind: subject.kind ?? 'Pod',
				namespace: subject.namespace,
				name: subject.name,
				uid: subject.uid,
			},
		};
	}
}

/** At most 1,024 bytes of UTF-8, cut between characters. */
function truncated(note: string): string {
	const bytes = Buffer.from(note);
	if (bytes.length <= NOTE_BYTES) return note;
	let end = NOTE_BYTES - 3;
	while ((bytes[end]! & 0xc0) === 0x80) end--;
	return `${bytes.toString('utf8', 0, end)}…`;
}

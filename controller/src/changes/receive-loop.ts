// Receives the messages of one queue, one call at a time, and deletes each when its notices are settled.
//
// A message that is not settled comes again by itself: after a crash nothing is lost. Every start reads all requested
// secrets anyway, so a message that was lost for ever is made up for by the next start, pod or notice.
import { JasmError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ChangeQueue, QueueMessage } from '../providers/notice.ts';
import { type BackoffOptions, backoff, type Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ChangeIntake, Origin } from './change-intake.ts';
import { Deleter } from './deleter.ts';
import { parseNotices } from './notice.ts';

export type ReceiveLoopOptions = {
	readonly origin: Origin;
	readonly open: () => Promise<ChangeQueue>;
	readonly intake: Pick<ChangeIntake, 'take'>;
	/** Whether a provider of this source has had no answer for a while: its notices are better left in the queue. */
	readonly isSilent: () => boolean;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

/** Messages that are received and not done; more stay in the queue. */
export const MOST_IN_HAND = 1_000;
/** Milliseconds after which a message that is not done is kept hidden for longer, and after which it comes again. */
const EXTEND_MS = 90_000;
const LONGEST_IN_HAND_MS = 600_000;
/** While a provider is silent, one receive in this time finds out which notices there are. */
const SILENT_MS = 60_000;
const FULL_MS = 1_000;
/** Without an answer for this long a source counts as down. */
const FRESH_MS = 90_000;

const BACKOFF: BackoffOptions = { baseMs: 1_000, factor: 2, capMs: 60_000, jitter: 'full' };

export class ReceiveLoop {
	readonly #options: ReceiveLoopOptions;
	readonly #inHand = new Set<QueueMessage>();
	/** Monotonic milliseconds of the last answer. */
	#answeredAt = Number.NEGATIVE_INFINITY;
	/** The code of the failure that was logged last; undefined while the queue answers. */
	#failing: string | undefined;
	/** When refused messages were last logged as a warning. */
	#warnedAt = Number.NEGATIVE_INFINITY;

	constructor(options: ReceiveLoopOptions) {
		this.#options = options;
	}

	get source(): string {
		return this.#options.origin.source;
	}

	get inHand(): number {
		return this.#inHand.size;
	}

	/** Whether the queue answered a short while ago. */
	get up(): boolean {
		return this.#options.clock.monotonic() - this.#answeredAt <= FRESH_MS;
	}

	/** Receives until the signal aborts. Messages in hand come again, to this replica or to another. */
	async run(signal: AbortSignal): Promise<void> {
		const { open, clock, random, isSilent } = this.#options;
		let queue: ChangeQueue | undefined;
		let deleter: Deleter | undefined;
		for (let failures = 0; !signal.aborted; ) {
			try {
				queue ??= await open();
				const onKept = (count: number, error: unknown) => this.#kept(count, error);
				deleter ??= new Deleter({ queue, clock, signal, onKept });
				const messages = await queue.receive(signal);
				failures = 0;
				this.#answered();
				this.#take(messages, { queue, deleter, signal });
				await this.#pause(isSilent() ? SILENT_MS : this.#isFull() ? FULL_MS : 0, signal);
			} catch (error) {
				if (signal.aborted) {
					break;
				}

				this.#failed(error);
				await this.#pause(backoff(BACKOFF, failures++, random), signal);
			}
		}

		this.#inHand.clear();
		await queue?.close();
	}

	/** At least this long, and as long as there are too many messages in hand. */
	async #pause(ms: number, signal: AbortSignal): Promise<void> {
		const { clock } = this.#options;
		for (let waitMs = ms; !signal.aborted && waitMs > 0; waitMs = this.#isFull() ? FULL_MS : 0) {
			await clock.sleep(waitMs, signal).catch(() => {});
		}
	}

	#isFull(): boolean {
		return this.#inHand.size >= MOST_IN_HAND;
	}

	#take(
		messages: readonly QueueMessage[],
		{ queue, deleter, signal }: { queue: ChangeQueue; deleter: Deleter; signal: AbortSignal },
	): void {
		const { clock } = this.#options;
		for (const message of messages) {
			this.#inHand.add(message);
			this.#notices(message).then(() => {
				// A message that was given back is another one when it comes again.
				if (this.#inHand.delete(message)) {
					deleter.add(message.receipt);
				}
			});
		}

		if (messages.length > 0) {
			clock.schedule(EXTEND_MS, () => this.#extend(messages, queue, signal));
		}
	}

	/** Once; then the messages come again, and what became of them by then is known. */
	#extend(messages: readonly QueueMessage[], queue: ChangeQueue, signal: AbortSignal): void {
		const left = messages.filter(message => this.#inHand.has(message));
		if (left.length === 0 || signal.aborted) {
			return;
		}

		const leftMs = LONGEST_IN_HAND_MS - EXTEND_MS;
		const receipts = left.map(({ receipt }) => receipt);
		queue.hide(receipts, leftMs / 1_000, signal).catch((error: unknown) => this.#failed(error));
		this.#options.clock.schedule(leftMs, () => {
			for (const message of left) {
				this.#inHand.delete(message);
			}
		});
	}

	/** Resolves when the message may be forgotten. */
	async #notices({ body }: QueueMessage): Promise<void> {
		const { intake, origin, clock, metrics } = this.#options;
		const parsed = parseNotices(body, clock.now());
		if (parsed.kind !== 'notices') {
			metrics.changeNotices.inc({ source: this.source, outcome: parsed.kind });
			this.#refused(parsed.kind);
			return;
		}

		if (parsed.notices.length === 0) {
			metrics.changeNotices.inc({ source: this.source, outcome: 'unmatched' });
		}

		await Promise.all(parsed.notices.map(notice => intake.take(notice, origin)));
	}

	/** Nothing of the message is logged: others wrote it. One warning a minute is enough for a person. */
	#refused(outcome: string): void {
		const { clock, logger } = this.#options;
		const now = clock.monotonic();
		const loud = now - this.#warnedAt >= 60_000;
		this.#warnedAt = loud ? now : this.#warnedAt;
		logger[loud ? 'warn' : 'debug'](
			{ source: this.source, outcome },
			'a message is no change notice of a provider of this source: deleted',
		);
	}

	#kept(count: number, error: unknown): void {
		const { logger } = this.#options;
		logger.info(
			{ source: this.source, messages: count, ...(error !== undefined && { error }) },
			'change notices not deleted: they come again',
		);
	}

	#answered(): void {
		const { clock, logger } = this.#options;
		this.#answeredAt = clock.monotonic();
		if (this.#failing !== undefined) {
			this.#failing = undefined;
			logger.info({ source: this.source }, 'the source of change notices answers again');
		}
	}

	/** Logged loudly once per cause. */
	#failed(error: unknown): void {
		const { logger } = this.#options;
		const coded =
			error instanceof JasmError
				? error
				: new JasmError('receiving change notices met an unexpected error', {
						code: 'INTERNAL',
						cause: error,
					});
		const news = this.#failing !== coded.code;
		this.#failing = coded.code;
		logger[news ? 'warn' : 'debug'](
			{ source: this.source, remedy: coded.remedy, error: coded },
			'no change notices from this source',
		);
	}
}

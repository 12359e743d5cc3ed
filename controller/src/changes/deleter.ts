// Deletes messages of a queue in batches: what is done within a moment goes in one call.
import { type ChangeQueue, QUEUE_BATCH } from '../providers/notice.ts';
import type { Clock, Timer } from '../runtime/clock.ts';

export type DeleterOptions = {
	readonly queue: Pick<ChangeQueue, 'delete'>;
	readonly clock: Clock;
	readonly signal: AbortSignal;
	/** Called with the number of messages that are still there: they come again, and are known then. */
	readonly onKept: (count: number, error: unknown) => void;
};

const COLLECT_MS = 200;

export class Deleter {
	readonly #options: DeleterOptions;
	#receipts: string[] = [];
	#timer: Timer | undefined;

	constructor(options: DeleterOptions) {
		this.#options = options;
	}

	add(receipt: string): void {
		this.#receipts.push(receipt);
		if (this.#receipts.length >= QUEUE_BATCH) {
			this.#send();
		} else {
			this.#timer ??= this.#options.clock.schedule(COLLECT_MS, () => this.#send());
		}
	}

	#send(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		const { queue, signal, onKept } = this.#options;
		const receipts = this.#receipts;
		this.#receipts = [];
		if (receipts.length > 0 && !signal.aborted) {
			queue.delete(receipts, signal).then(
				kept => kept > 0 && onKept(kept, undefined),
				(error: unknown) => onKept(receipts.length, error),
			);
		}
	}
}

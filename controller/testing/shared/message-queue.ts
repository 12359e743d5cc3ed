// One queue of the embedded SQS or Service Bus: which messages are visible, who receives them, when they are dead.
import { randomUUID } from 'node:crypto';

/** Time as the queue sees it; both in milliseconds. */
export type QueueClock = {
	now(): number;
	schedule(ms: number, callback: () => void): { cancel(): void };
};

export const systemQueueClock: QueueClock = {
	now: () => performance.now(),
	schedule(ms, callback) {
		const timer = setTimeout(callback, ms);
		timer.unref();
		return { cancel: () => clearTimeout(timer) };
	},
};

export type Message = {
	readonly id: string;
	readonly body: string;
	/** How often it was received. */
	readonly receives: number;
	/** Whether a receiver has it now. */
	readonly hidden: boolean;
};

type Stored = {
	readonly id: string;
	readonly body: string;
	receives: number;
	visibleAt: number;
	readonly receipts: Set<string>;
};

export type QueueOptions = {
	readonly clock: QueueClock;
	readonly deadLetters?: Queue | undefined;
	readonly maxReceives?: number | undefined;
};

export type Receive = {
	readonly most: number;
	readonly waitMs: number;
	/** How long the messages stay hidden. */
	readonly hiddenMs: number;
};

/** A message as its receiver gets it. */
export type Received = {
	readonly id: string;
	readonly receipt: string;
	readonly body: string;
	readonly receives: number;
};

export class Queue {
	readonly #options: QueueOptions;
	readonly #messages = new Set<Stored>();
	readonly #waiting = new Set<() => void>();

	constructor(options: QueueOptions) {
		this.#options = options;
	}

	get messages(): readonly Message[] {
		const now = this.#options.clock.now();
		return Array.from(this.#messages, ({ id, body, receives, visibleAt }) => ({
			id,
			body,
			receives,
			hidden: visibleAt > now,
		}));
	}

	/** Returns the id of the message. */
	send(body: string, id: string = randomUUID()): string {
		this.#messages.add({ id, body, receives: 0, visibleAt: Number.NEGATIVE_INFINITY, receipts: new Set() });
		this.#wake();
		return id;
	}

	/** Resolves as soon as a message is visible, or without one when the wait is over or the caller is gone. */
	async receive({ most, waitMs, hiddenMs }: Receive, gone: AbortSignal): Promise<Received[]> {
		const { clock } = this.#options;
		const until = clock.now() + waitMs;
		let visible = this.#visible(most);
		while (visible.length === 0 && clock.now() < until && !gone.aborted) {
			await this.#change(Math.min(until, this.#nextVisibleAt()) - clock.now(), gone);
			visible = gone.aborted ? [] : this.#visible(most);
		}

		return visible.map(message => {
			const receipt = randomUUID();
			message.receives++;
			message.visibleAt = clock.now() + hiddenMs;
			message.receipts.add(receipt);
			const { id, body, receives } = message;
			return { id, receipt, body, receives };
		});
	}

	/** Also by the receipt of an earlier receive. */
	delete(receipt: string): void {
		const message = this.#withReceipt(receipt);
		if (message !== undefined) {
			this.#messages.delete(message);
		}
	}

	/** False where the message is gone or visible. */
	hide(receipt: string, ms: number): boolean {
		const { clock } = this.#options;
		const message = this.#withReceipt(receipt);
		if (message === undefined || message.visibleAt <= clock.now()) {
			return false;
		}

		message.visibleAt = clock.now() + ms;
		this.#wake();
		return true;
	}

	/** Whether the message is hidden because of this receipt, and of no later one. */
	isHeldBy(receipt: string): boolean {
		const message = this.#withReceipt(receipt);
		return (
			message !== undefined &&
			message.visibleAt > this.#options.clock.now() &&
			[...message.receipts].at(-1) === receipt
		);
	}

	#withReceipt(receipt: string): Stored | undefined {
		return [...this.#messages].find(({ receipts }) => receipts.has(receipt));
	}

	/** A message that was received too often moves to the dead letters instead. */
	#visible(most: number): Stored[] {
		const { clock, deadLetters, maxReceives = Number.POSITIVE_INFINITY } = this.#options;
		const now = clock.now();
		const visible = [...this.#messages].filter(({ visibleAt }) => visibleAt <= now);
		for (const message of visible.filter(({ receives }) => receives >= maxReceives)) {
			this.#messages.delete(message);
			deadLetters?.send(message.body, message.id);
		}

		return visible.filter(message => this.#messages.has(message)).slice(0, most);
	}

	#nextVisibleAt(): number {
		return Math.min(...Array.from(this.#messages, ({ visibleAt }) => visibleAt));
	}

	#change(ms: number, gone: AbortSignal): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = this.#options.clock.schedule(Math.max(0, ms), resolve);
		this.#waiting.add(resolve);
		gone.addEventListener('abort', () => resolve(), { once: true });
		return promise.finally(() => {
			timer.cancel();
			this.#waiting.delete(resolve);
		});
	}

	#wake(): void {
		for (const wake of this.#waiting) {
			wake();
		}
	}
}

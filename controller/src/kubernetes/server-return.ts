// Knows whether the API server has just come back: until it has read its rules it refuses everybody everything.
import type { Clock } from '../runtime/clock.ts';

/** Longest time from the last request without an answer until a refusal is believed, in milliseconds. */
const SETTLE_MS = 10_000;

/** Shared by everything that asks one API server. */
export class ServerReturn {
	readonly #clock: Pick<Clock, 'monotonic'>;
	#unansweredAt = Number.NEGATIVE_INFINITY;

	constructor(clock: Pick<Clock, 'monotonic'>) {
		this.#clock = clock;
	}

	/** A request had no answer at all. */
	unanswered(): void {
		this.#unansweredAt = this.#clock.monotonic();
	}

	/** Whether the server was away a moment ago. */
	isRecent(): boolean {
		return this.#clock.monotonic() - this.#unansweredAt < SETTLE_MS;
	}
}

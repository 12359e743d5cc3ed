// What an embedded server was asked, to assert on and to wait for.

export class CallLog<Call> {
	readonly #calls: Call[] = [];
	readonly #waiters = new Set<(call: Call) => void>();

	/** Oldest first. */
	get calls(): readonly Call[] {
		return this.#calls;
	}

	record(call: Call): void {
		this.#calls.push(call);
		for (const waiter of this.#waiters) {
			waiter(call);
		}
	}

	/** The first call that matches, past or future; rejects after `timeoutMs`. */
	waitFor(matches: (call: Call) => boolean, timeoutMs = 10_000): Promise<Call> {
		const past = this.#calls.find(matches);
		if (past !== undefined) {
			return Promise.resolve(past);
		}

		const { promise, resolve, reject } = Promise.withResolvers<Call>();
		const waiter = (call: Call) => {
			if (matches(call)) {
				resolve(call);
			}
		};
		this.#waiters.add(waiter);
		const timer = setTimeout(
			() => reject(new Error(`waiting for a call: none of ${this.#calls.length} in ${timeoutMs} ms matches`)),
			timeoutMs,
		);
		return promise.finally(() => {
			clearTimeout(timer);
			this.#waiters.delete(waiter);
		});
	}
}

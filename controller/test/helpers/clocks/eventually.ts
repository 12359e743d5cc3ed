// Waiting for a condition: looked at whenever something that can change it has changed, never by the clock.

/** Calls back after every change; returns the function that ends it. */
export type Subscribe = (listener: () => void) => () => void;

export type EventuallyOptions = {
	/** What is waited for, for the message of the failure. */
	readonly what: string;
	/** What there is instead, for the message as well. */
	readonly seen?: () => unknown;
	/** Real milliseconds before giving up. Default: 45,000. */
	readonly timeoutMs?: number;
};

/** Resolves with the first result of `probe` that is not undefined, asked now and after every change. */
export function eventually<T>(
	subscribe: Subscribe,
	probe: () => T | undefined,
	{ what, seen, timeoutMs = 45_000 }: EventuallyOptions,
): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	// The message is about the caller, whose stack is gone when the time is up.
	const failure = new Error(`waiting for ${what}: not within ${timeoutMs} ms`);
	const look = () => {
		try {
			const found = probe();
			if (found !== undefined) {
				resolve(found);
			}
		} catch (error) {
			reject(error);
		}
	};
	const stop = subscribe(look);
	const timer = setTimeout(() => {
		failure.message += seen === undefined ? '' : `; instead: ${JSON.stringify(seen(), undefined, 1)}`;
		reject(failure);
	}, timeoutMs);
	look();
	return promise.finally(() => {
		clearTimeout(timer);
		stop();
	});
}

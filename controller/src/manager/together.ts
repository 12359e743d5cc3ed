// Runs parts of the controller side by side: one that fails stops the others.

/** Runs all parts until the signal aborts. If one fails, the others are stopped before its error is thrown. */
export async function together(
	parts: readonly { run(signal: AbortSignal): Promise<void> }[],
	signal: AbortSignal,
) {
	const fault = new AbortController();
	const until = AbortSignal.any([signal, fault.signal]);
	await Promise.all(parts.map(part => part.run(until).catch((error: unknown) => fault.abort(error))));
	if (fault.signal.aborted) {
		throw fault.signal.reason;
	}
}

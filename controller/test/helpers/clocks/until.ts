// Waits for a condition by turns of the event loop: no sleep, no guess at how long the wire takes.
import { setImmediate as turn } from 'node:timers/promises';

/** Resolves when `condition` holds; rejects after `timeoutMs` of wall-clock time. */
export async function until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	while (!condition()) {
		if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${condition}`);
		await turn();
	}
}

// How much memory values may take at once, for the whole process. Why these figures: docs/decisions, "A budget of
// bytes for values in flight".
import type { ByteBudgetOptions } from '../runtime/byte-budget.ts';

const KIB = 1_024;
const MIB = 1_048_576;

/**
 * What is held for a value whose answer has a body of this size: first the body, then its base64 in the request. What
 * lies in between is made and dropped without a pause, for one value at a time.
 */
export const bytesHeldFor = (body: number): number => Math.ceil(1.4 * body);

/**
 * The largest body (2 MiB, so 2.8 MiB are held for it) finds room beside the large values of another provider, and
 * beside as many ordinary ones as there can be with it. Small values are bounded by the number of runs.
 */
export const VALUE_MEMORY = {
	capacity: 9 * MIB,
	share: 6 * MIB,
	largeShare: 3 * MIB,
	smallBytes: bytesHeldFor(16 * KIB),
	ordinaryBytes: bytesHeldFor(128 * KIB),
} as const satisfies Omit<ByteBudgetOptions, 'onGrant'>;

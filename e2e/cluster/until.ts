// Waits until a condition holds, and names the condition if it does not.

/** How long between two looks. */
const LOOK_MS = 100;

export type UntilOptions = {
	/** Default: 30 s. */
	readonly timeoutMs?: number;
	readonly everyMs?: number;
};

/**
 * Looks until `look` answers something other than undefined and false. A look that throws counts as not yet;
 * its last error is part of the complaint.
 */
export async function until<T>(
	what: string,
	look: () => Promise<T | undefined | false> | T | undefined | false,
	{ timeoutMs = 30_000, everyMs = LOOK_MS }: UntilOptions = {},
): Promise<T> {
	const end = Date.now() + timeoutMs;
	let last = '';
	for (;;) {
		try {
			const seen = await look();
			if (seen !== undefined && seen !== false) return seen;
		} catch (error) {
			last = ` (${(error as Error).message.slice(0, 500)})`;
		}
		if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s without seeing ${what}${last}`);
		await new Promise(resolve => setTimeout(resolve, everyMs));
	}
}

/** Watches for a while that something stays true; returns when it did, throws at the first time it did not. */
export async function stays(what: string, look: () => Promise<boolean> | boolean, ms: number): Promise<void> {
	const end = Date.now() + ms;
	do {
		if (!(await look())) throw new Error(`it did not stay so: ${what}`);
		await new Promise(resolve => setTimeout(resolve, LOOK_MS));
	} while (Date.now() < end);
}

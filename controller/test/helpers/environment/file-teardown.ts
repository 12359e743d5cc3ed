// Teardown for what all tests of a file share: the `teardown` of a test ends with that test.
import type { ExecutionContext, TestFn } from 'ava';

export type Teardown = Pick<ExecutionContext, 'teardown'>;

/** Runs what is registered after the last test of the file, the latest first. */
export function teardownOf(test: TestFn): Teardown {
	const actions: (() => unknown)[] = [];
	test.after.always(async () => {
		for (const action of actions.toReversed()) {
			await action();
		}
	});
	return { teardown: action => void actions.push(action) };
}

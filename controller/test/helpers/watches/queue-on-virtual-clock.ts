// A workqueue on a virtual clock, with ways to take what it would hand out now.
import { Workqueue, type WorkqueueOptions } from '../../../src/runtime/queue/workqueue.ts';
import { VirtualClock } from '../clocks/virtual-clock.ts';

export function aQueue(options: Partial<WorkqueueOptions> = {}) {
	const clock = new VirtualClock();
	const queue = new Workqueue({ clock, ...options });
	/** Takes a key if there is one to take now. */
	const take = async () => {
		const patience = new AbortController();
		const taken = queue.get(patience.signal);
		await clock.settle();
		patience.abort();
		return taken;
	};
	const takeAll = async (giveBack = true) => {
		const keys: string[] = [];
		for (let taken = await take(); taken !== undefined; taken = await take()) {
			keys.push(taken.key);
			if (giveBack) queue.done(taken.key);
		}
		return keys;
	};
	return { clock, queue, take, takeAll };
}

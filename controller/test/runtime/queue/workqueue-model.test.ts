// The queue against a naive model of itself, and its groups against their limits, under arbitrary use.
import test from 'ava';
import fc from 'fast-check';
import type { AddOptions } from '../../../src/runtime/queue/workqueue.ts';
import { aQueue } from '../../helpers/watches/queue-on-virtual-clock.ts';

// The queue as the simplest possible program.
class Model {
	now = 0;
	#order = 0;
	delayed: { key: string; priority: number; dueAt: number; order: number }[] = [];
	/** In order of arrival. */
	ready: { key: string; priority: number; dueAt: number }[] = [];
	/** Namespaces of each priority that have ready keys, next one first. */
	#turns = new Map<number, string[]>();
	running = new Map<string, { priority: number; dueAt: number } | undefined>();

	add(key: string, { priority = 0, delayMs = 0 }: AddOptions) {
		const dueAt = this.now + delayMs;
		const waiting = this.running.get(key) ?? [...this.delayed, ...this.ready].find(item => item.key === key);
		const merged = {
			priority: Math.max(priority, waiting?.priority ?? priority),
			dueAt: Math.min(dueAt, waiting?.dueAt ?? dueAt),
		};
		if (this.running.has(key)) this.running.set(key, merged);
		else if (waiting === undefined) this.#put({ key, ...merged, order: this.#order++ });
		else if ('order' in waiting) {
			this.#remove(key);
			this.#put({ key, ...merged, order: waiting.order as number });
		} else if (merged.priority > waiting.priority) {
			this.#remove(key);
			this.#put({ key, ...merged, order: 0 });
		}
	}

	#put(item: { key: string; priority: number; dueAt: number; order: number }) {
		if (item.dueAt > this.now) {
			this.delayed.push(item);
			return;
		}
		const { order: _, ...rest } = item;
		this.ready.push(rest);
		const turns = this.#turns.get(item.priority) ?? [];
		const namespace = item.key.split('/')[0]!;
		if (!turns.includes(namespace)) turns.push(namespace);
		this.#turns.set(item.priority, turns);
	}

	#remove(key: string) {
		this.delayed = this.delayed.filter(item => item.key !== key);
		this.ready = this.ready.filter(item => item.key !== key);
		this.#tidy();
	}

	#tidy() {
		for (const [priority, turns] of this.#turns) {
			const left = turns.filter(namespace =>
				this.ready.some(item => item.priority === priority && item.key.startsWith(`${namespace}/`)),
			);
			this.#turns.set(priority, left);
		}
	}

	take() {
		if (this.ready.length === 0) return undefined;
		const priority = Math.max(...this.ready.map(item => item.priority));
		const turns = this.#turns.get(priority)!;
		const namespace = turns.shift()!;
		turns.push(namespace);
		const item = this.ready.find(
			ready => ready.priority === priority && ready.key.startsWith(`${namespace}/`),
		)!;
		this.ready = this.ready.filter(other => other !== item);
		this.#tidy();
		this.running.set(item.key, undefined);
		return { key: item.key, priority, waitedMs: this.now - item.dueAt };
	}

	done(key: string) {
		const followUp = this.running.get(key);
		this.running.delete(key);
		if (followUp !== undefined) this.#put({ key, ...followUp, order: this.#order++ });
	}

	advance(ms: number) {
		const until = this.now + ms;
		this.delayed.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
		for (const item of this.delayed.filter(({ dueAt }) => dueAt <= until)) {
			this.now = item.dueAt;
			this.delayed = this.delayed.filter(other => other !== item);
			this.#put(item);
		}
		this.now = until;
	}
}

const aKey = fc.constantFrom('a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c/1');
const operation = fc.oneof(
	{
		weight: 5,
		arbitrary: fc.record({
			op: fc.constant('add' as const),
			key: aKey,
			priority: fc.constantFrom(-100, 0, 0, 50, 100),
			delayMs: fc.constantFrom(0, 0, 0, 7, 30, 500),
		}),
	},
	{ weight: 4, arbitrary: fc.constant({ op: 'take' as const }) },
	{ weight: 3, arbitrary: fc.record({ op: fc.constant('done' as const), nth: fc.nat(5) }) },
	{
		weight: 2,
		arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.constantFrom(5, 7, 40, 600) }),
	},
);

test('under any use, the queue does the same as its naive model', async t => {
	await fc.assert(
		fc.asyncProperty(fc.array(operation, { maxLength: 80 }), async operations => {
			const { clock, queue, take } = aQueue();
			const model = new Model();
			model.now = clock.monotonic();
			for (const action of operations) {
				switch (action.op) {
					case 'add':
						queue.add(action.key, action);
						model.add(action.key, action);
						break;
					case 'take':
						t.deepEqual(await take(), model.take());
						break;
					case 'done': {
						const key = [...model.running.keys()][action.nth];
						if (key === undefined) break;
						queue.done(key);
						model.done(key);
						break;
					}
					case 'advance':
						await clock.advance(action.ms);
						model.advance(action.ms);
				}
				t.is(queue.delayed, model.delayed.length);
				t.is(queue.size, model.delayed.length + model.ready.length);
				t.is(queue.running, model.running.size);
			}
		}),
		{ numRuns: 500 },
	);
});

test('no group runs more keys than its limit, and a key waits only while its group is full', async t => {
	const keys = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(9), fc.constantFrom('p', 'q', 'r')));
	await fc.assert(
		fc.asyncProperty(
			keys,
			fc.array(fc.nat(20)),
			fc.integer({ min: 1, max: 4 }),
			async (adds, dones, limit) => {
				const groupOf = (key: string) => key.slice(-1);
				const { queue, takeAll } = aQueue({ groups: { of: groupOf, limit } });
				const waiting = new Set(adds.map(([namespace, n, group]) => `${namespace}/${n}${group}`));
				for (const key of waiting) queue.add(key);
				const running: string[] = [];
				const inLane = (of: Iterable<string>, group: string) => [...of].filter(key => groupOf(key) === group);
				for (const nth of [0, ...dones]) {
					for (const key of running.splice(nth % (running.length + 1), 1)) queue.done(key);
					for (const key of await takeAll(false)) {
						running.push(key);
						waiting.delete(key);
					}
					for (const group of 'pqr') {
						t.true(inLane(running, group).length <= limit);
						t.true(inLane(waiting, group).length === 0 || inLane(running, group).length === limit);
					}
				}
			},
		),
	);
});

// The order of waiting items: fair between namespaces, also where one of them waits with many.
import test from 'ava';
import { FairQueue } from '../../../src/runtime/queue/fair-queue.ts';

type Item = {
	readonly namespace: string;
	readonly priority: number;
	readonly order: number;
	previous: Item | undefined;
	next: Item | undefined;
};

function aQueue() {
	const queue = new FairQueue<Item>();
	let order = 0;
	return {
		queue,
		push(namespace: string, count = 1, priority = 0) {
			for (let index = 0; index < count; index++) {
				queue.push({ namespace, priority, order: order++, previous: undefined, next: undefined });
			}
		},
		/** The namespaces of the next items. */
		take: (count: number) => Array.from({ length: count }, () => queue.shift()?.namespace),
	};
}

const countOf = (taken: readonly (string | undefined)[], namespace: string) =>
	taken.filter(name => name === namespace).length;

test('namespaces that came together take turns, however many items each has', t => {
	const { push, take } = aQueue();
	push('many', 100);
	push('few', 10);
	const taken = take(20);
	t.is(countOf(taken, 'few'), 10);
	t.is(countOf(taken, 'many'), 10);
});

test('a small burst goes ahead of a large one that took many places already', t => {
	const { push, take } = aQueue();
	push('many', 300);
	take(128);
	push('few', 100);
	const taken = take(134);
	t.is(countOf(taken, 'few'), 100, 'three of four places are its own');
	t.is(countOf(taken, 'many'), 34);
});

test('no stream of new namespaces keeps those with many items waiting', t => {
	const { push, take } = aQueue();
	push('a', 300);
	push('b', 300);
	take(200);
	const taken: (string | undefined)[] = [];
	for (let index = 0; index < 160; index++) {
		push(`new-${index}`);
		taken.push(...take(1));
	}

	// Every fourth of 160 places; some of the new ones wait long as well.
	t.true(countOf(taken, 'a') >= 10, `${countOf(taken, 'a')}`);
	t.true(countOf(taken, 'b') >= 10, `${countOf(taken, 'b')}`);
});

test('the items of one namespace keep their order, and a higher priority goes first', t => {
	const { queue, push } = aQueue();
	push('a', 50);
	push('a', 1, 1);
	t.is(queue.shift()!.order, 50);
	t.deepEqual(
		Array.from({ length: 50 }, () => queue.shift()!.order),
		Array.from({ length: 50 }, (_, index) => index),
	);
	t.is(queue.shift(), undefined);
});

test('the first item is the one that is taken next, after any pushes, takes and removals', t => {
	const { queue, push } = aQueue();
	for (let round = 0; round < 400; round++) {
		push(`ns-${(round * 7) % 13}`, 1 + (round % 3), round % 2);
		const { first } = queue;
		if (round % 5 === 4) {
			queue.remove(first!);
		} else {
			t.is(queue.shift(), first);
		}
	}
});

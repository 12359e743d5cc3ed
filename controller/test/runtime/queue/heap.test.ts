// The heap returns the least item, whatever was added and removed.
import test from 'ava';
import fc from 'fast-check';
import { Heap } from '../../../src/runtime/queue/heap.ts';

test('after any pushes and removals the least item is on top and none is lost', t => {
	const action = fc.oneof(
		{ weight: 3, arbitrary: fc.record({ push: fc.nat(50) }) },
		{ weight: 2, arbitrary: fc.record({ remove: fc.nat(100) }) },
	);
	fc.assert(
		fc.property(fc.array(action, { maxLength: 200, size: 'max' }), actions => {
			const heap = new Heap<{ value: number; position: number }>((a, b) => a.value < b.value);
			const model: { value: number; position: number }[] = [];
			for (const act of actions) {
				if ('push' in act) {
					const item = { value: act.push, position: 0 };
					model.push(item);
					heap.push(item);
				} else for (const item of model.splice(act.remove % (model.length + 1), 1)) heap.remove(item);
				t.is(heap.size, model.length);
				const least = model.length === 0 ? undefined : Math.min(...model.map(({ value }) => value));
				t.is(heap.peek()?.value, least);
			}
		}),
	);
});

// A small set of causes that behaves like a Set.
import test from 'ava';
import fc from 'fast-check';
import { Told } from '../src/told.ts';

test('it holds what was added, as a Set does', t => {
	const cause = fc.constantFrom('a', 'b', 'c', '__proto__', '');
	fc.assert(
		fc.property(fc.array(cause), causes => {
			const told = new Told();
			const model = new Set<string>();
			for (const cause of causes) {
				told.add(cause);
				model.add(cause);
			}

			return (
				told.size === model.size &&
				[...told].join() === [...model].join() &&
				['a', 'b', 'c', 'd', '__proto__', ''].every(cause => told.has(cause) === model.has(cause))
			);
		}),
	);
	t.pass();
});

test('after many causes the oldest is forgotten, so that it cannot grow for ever', t => {
	const told = new Told();
	for (let index = 0; index < 1_000; index++) {
		told.add(`cause ${index}`);
	}

	t.is(told.size, 16);
	t.true(told.has('cause 999'));
	t.false(told.has('cause 0'));
});

test('clearing forgets everything', t => {
	const told = new Told().add('a').add('b');
	told.clear();
	t.is(told.size, 0);
	t.false(told.has('a'));
});

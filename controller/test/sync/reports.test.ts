// What is remembered of reports: the same as a list for each request, however few or many there are.
import test from 'ava';
import fc from 'fast-check';
import { Reports } from '../../src/sync/reports.ts';
import { secretRequest } from '../requests/pod-fixtures.ts';

const REQUESTS = ['a', 'b', 'c'].map(uid => secretRequest({ uid }));

test('an outcome is news once for each request, as long as the request is kept', t => {
	const step = fc.oneof(
		fc.record({ serve: fc.nat(2) }),
		fc.record({ add: fc.subarray([0, 1, 2]), cause: fc.constantFrom('x', 'y', '__proto__', '') }),
		fc.record({ keep: fc.subarray([0, 1, 2], { minLength: 1 }) }),
	);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 30 }), steps => {
			const reports = new Reports();
			const model = REQUESTS.map(() => ({ served: false, causes: new Set<string>() }));
			for (const one of steps) {
				if ('serve' in one) {
					t.is(reports.serve(REQUESTS[one.serve]!), !model[one.serve]!.served);
					model[one.serve]!.served = true;
				} else if ('add' in one) {
					const news = one.add.filter(index => !model[index]!.causes.has(one.cause));
					const found = reports.add(
						one.add.map(index => REQUESTS[index]!),
						one.cause,
					);
					t.deepEqual(
						found.map(request => REQUESTS.indexOf(request)),
						news,
					);
					for (const index of one.add) {
						model[index]!.causes.add(one.cause);
					}
				} else {
					// Requests that left never come back: new ones ask in their place.
					for (const index of [0, 1, 2].filter(index => !one.keep.includes(index))) {
						REQUESTS[index] = secretRequest({ uid: `${index}` });
						model[index] = { served: false, causes: new Set() };
					}

					reports.keepOnly(one.keep.map(index => REQUESTS[index]!));
				}

				for (const [index, { served }] of model.entries()) {
					t.is(reports.isServed(REQUESTS[index]!), served);
				}
			}
		}),
	);
});

test('after many causes the oldest is forgotten, so that memory does not grow', t => {
	const reports = new Reports();
	const [a] = REQUESTS;
	for (let index = 0; index < 1_000; index++) {
		t.is(reports.add([a!], `cause ${index}`).length, 1);
	}

	t.deepEqual(reports.add([a!], 'cause 999'), []);
	t.deepEqual(reports.add([a!], 'cause 0'), [a!]);
});

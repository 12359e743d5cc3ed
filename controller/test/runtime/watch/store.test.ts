// The store shows what the watch delivered, swaps relists in one step and reports differences only.
import test from 'ava';
import fc from 'fast-check';
import type { WatchEvent } from '../../../src/runtime/watch/list-watch.ts';
import { type Change, Store } from '../../../src/runtime/watch/store.ts';

type Pod = { readonly uid: string; readonly spec: number };

const pod = (uid: string, spec = 0): Pod => ({ uid, spec });
const equals = (a: Pod, b: Pod) => a.spec === b.spec;

function aStore() {
	const changes: Change<Pod>[] = [];
	const store = new Store<Pod>({ equals, onChange: change => changes.push(change) });
	const apply = (...events: WatchEvent<Pod>[]) => {
		for (const event of events) store.apply(event);
		return changes.splice(0);
	};
	const list = (...pods: Pod[]): WatchEvent<Pod>[] => [
		{ type: 'init' },
		...pods.map(record => ({ type: 'init-apply' as const, record })),
		{ type: 'init-done' },
	];
	return { store, apply, list };
}

test('nothing of the first list is visible or reported before the list is complete', t => {
	const { store, apply } = aStore();
	t.deepEqual(apply({ type: 'init' }, { type: 'init-apply', record: pod('a') }), []);
	t.is(store.size, 0);
	t.true(store.has('a'));
	t.deepEqual(apply({ type: 'init-done' }), [{ after: pod('a'), initial: true }]);
	t.deepEqual(store.get('a'), pod('a'));
});

test('the store is ready once the first list is complete, also if it is empty', async t => {
	const { store, apply, list } = aStore();
	let ready = false;
	const watching = store.ready.then(() => {
		ready = true;
	});
	apply({ type: 'init' });
	await Promise.resolve();
	t.false(ready);
	apply(...list());
	await watching;
	t.true(ready);
});

test('a relist reports added, changed and removed records, and nothing else', t => {
	const { apply, list } = aStore();
	apply(...list(pod('same'), pod('other', 1), pod('gone')));
	t.deepEqual(apply(...list(pod('same'), pod('other', 2), pod('new'))), [
		{ before: pod('other', 1), after: pod('other', 2), initial: false },
		{ after: pod('new'), initial: false },
		{ before: pod('gone'), initial: false },
	]);
});

test('during a relist the old records stay visible and an object of either list is tracked', t => {
	const { store, apply, list } = aStore();
	apply(...list(pod('old')));
	apply({ type: 'init' }, { type: 'init-apply', record: pod('new') });
	t.deepEqual([...store.values()], [pod('old')]);
	t.true(store.has('old') && store.has('new'));
	apply({ type: 'init-done' });
	t.false(store.has('old'));
	t.deepEqual([...store.values()], [pod('new')]);
});

test('a relist that starts again forgets the records of the broken one', t => {
	const { store, apply, list } = aStore();
	apply({ type: 'init' }, { type: 'init-apply', record: pod('broken') });
	t.deepEqual(apply(...list(pod('a'))), [{ after: pod('a'), initial: true }]);
	t.false(store.has('broken'));
});

test('an equal record, and the removal of an unknown one, are no changes', t => {
	const { apply, list } = aStore();
	apply(...list(pod('a', 1)));
	t.deepEqual(apply({ type: 'apply', record: pod('a', 1) }, { type: 'delete', uid: 'unknown' }), []);
	t.deepEqual(apply({ type: 'delete', uid: 'a' }), [{ before: pod('a', 1), initial: false }]);
});

test('a change is visible in the store when it is reported', t => {
	t.plan(2);
	const store = new Store<Pod>({
		onChange: ({ after, before }) => t.is(store.get('a'), after, before === undefined ? 'came' : 'went'),
	});
	store.apply({ type: 'apply', record: pod('a') });
	store.apply({ type: 'delete', uid: 'a' });
});

const uid = fc.constantFrom('a', 'b', 'c', 'd');
const record = fc.record({ uid, spec: fc.nat(2) });
const watchEvent = fc.oneof<fc.Arbitrary<WatchEvent<Pod>>[]>(
	fc.constant({ type: 'init' }),
	fc.constant({ type: 'init-done' }),
	fc.record({ type: fc.constant('init-apply'), record }),
	fc.record({ type: fc.constant('apply'), record }),
	fc.record({ type: fc.constant('delete'), uid }),
);

test('after any events the store equals a naive model, and the reported changes lead there', t => {
	fc.assert(
		fc.property(fc.array(watchEvent, { maxLength: 60 }), events => {
			const { store, apply } = aStore();
			let model = new Map<string, Pod>();
			let buffer: Map<string, Pod> | undefined;
			const reported = new Map<string, Pod>();
			let lists = 0;
			for (const event of events) {
				const firstList = event.type === 'init-done' && buffer !== undefined && ++lists === 1;
				switch (event.type) {
					case 'init':
						buffer = new Map();
						break;
					case 'init-apply':
						buffer?.set(event.record.uid, event.record);
						break;
					case 'init-done':
						model = buffer ?? model;
						buffer = undefined;
						break;
					case 'apply':
						for (const map of [model, buffer]) map?.set(event.record.uid, event.record);
						break;
					case 'delete':
						for (const map of [model, buffer]) map?.delete(event.uid);
				}
				for (const { before, after, initial } of apply(event)) {
					const of = (after ?? before)!.uid;
					t.is(initial, firstList);
					t.deepEqual(reported.get(of), before);
					t.false(before !== undefined && after !== undefined && equals(before, after));
					if (after === undefined) reported.delete(of);
					else reported.set(of, after);
				}
				const expected = Object.fromEntries(model);
				t.deepEqual(Object.fromEntries([...store.values()].map(pod => [pod.uid, pod])), expected);
				t.deepEqual(Object.fromEntries(reported), expected);
				for (const id of ['a', 'b', 'c', 'd']) t.is(store.has(id), model.has(id) || buffer?.has(id) === true);
			}
		}),
	);
});

test('each complete list is reported once, after its differences', t => {
	const reported: string[] = [];
	const store = new Store<Pod>({
		equals,
		onChange: () => reported.push('change'),
		onListed: () => reported.push('listed'),
	});
	for (let round = 0; round < 2; round++) {
		store.apply({ type: 'init' });
		store.apply({ type: 'init-apply', record: pod('a', round) });
		store.apply({ type: 'init-done' });
	}

	t.deepEqual(reported, ['change', 'listed', 'change', 'listed']);
});

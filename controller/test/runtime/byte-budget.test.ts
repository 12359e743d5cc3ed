// The budget of bytes: never more than its capacity, small before large, turns for namespaces, and nothing leaks.
import test from 'ava';
import fc from 'fast-check';
import { ByteBudget, type Lease, type LeaseOwner } from '../../src/runtime/byte-budget.ts';

const LIMITS = { capacity: 900, share: 600, largeShare: 600, smallBytes: 10, ordinaryBytes: 100 };

function aBudget(limits = LIMITS) {
	const granted: string[] = [];
	const budget = new ByteBudget({ ...limits, onGrant: key => void granted.push(key) });
	const owner = (key: string, over: Partial<LeaseOwner> = {}): LeaseOwner => ({
		key,
		purpose: 'read',
		group: 'vault',
		priority: 0,
		...over,
	});
	const open = (key: string, over?: Partial<LeaseOwner>) => budget.claim(owner(key, over))!;
	/** Takes the bytes, or goes into line for them: then the lease is undefined. */
	const take = (key: string, bytes: number, over?: Partial<LeaseOwner>): Lease | undefined => {
		const lease = open(key, over);
		if (lease.resize(bytes)) return lease;
		lease.wait(bytes);
		return undefined;
	};
	return { budget, granted, owner, open, take };
}

test('bytes are taken while there is room, counted, and given back once', t => {
	const { budget, take } = aBudget();
	const lease = take('a/1', 500)!;
	t.is(budget.inFlight, 500);
	t.true(lease.resize(200));
	t.is(budget.inFlight, 200);
	lease.release();
	lease.release();
	t.is(budget.inFlight, 0);
	t.is(lease.bytes, 0);
});

test('a lease without room stays as it is, and the owner waits without holding anything', t => {
	const { budget, open, take } = aBudget();
	take('a/1', 550);
	const lease = open('a/2', { group: 'aws' });
	t.true(lease.resize(50));
	t.false(lease.resize(400));
	t.is(lease.bytes, 50);
	lease.wait(400);
	t.is(lease.bytes, 0);
	t.is(budget.inFlight, 550);
	t.is(budget.waiting, 1);
});

test('a waiting owner is woken with its bytes reserved, and finds them at its next claim', t => {
	const { budget, granted, owner, take } = aBudget();
	const first = take('a/1', 500)!;
	t.is(take('a/2', 400), undefined);
	t.is(budget.claim(owner('a/2')), undefined, 'still in line');
	t.true(budget.awaits('a/2'));
	first.release();
	t.deepEqual(granted, ['a/2']);
	t.is(budget.inFlight, 400);
	t.true(budget.awaits('a/2'));
	const lease = budget.claim(owner('a/2'))!;
	t.is(lease.bytes, 400);
	t.false(budget.awaits('a/2'));
	lease.release();
	t.is(budget.inFlight, 0);
});

test('a grant for another purpose, or one that its key gives up, goes to the next in line', t => {
	const { budget, granted, owner, take } = aBudget();
	const first = take('a/1', 500)!;
	take('a/2', 400);
	take('a/3', 400);
	take('a/4', 400);
	first.release();
	t.is(budget.claim(owner('a/2', { purpose: 'another' }))!.bytes, 0);
	t.deepEqual(granted, ['a/2', 'a/3']);
	budget.leave('a/3');
	t.deepEqual(granted, ['a/2', 'a/3', 'a/4']);
	budget.leave('a/4');
	t.is(budget.inFlight, 0);
	t.is(budget.waiting, 0);
});

test('small leases always get room, and count', t => {
	const { budget, take } = aBudget();
	take('a/1', 600);
	for (const key of ['b/1', 'b/2', 'b/3']) {
		take(key, 100, { group: 'aws' });
	}
	t.is(take('a/2', 10)!.bytes, 10);
	t.is(budget.inFlight, 910);
});

test('namespaces take turns, whatever the number of owners in each', t => {
	const { budget, granted, owner, take } = aBudget();
	const first = take('x/0', 500)!;
	for (const key of ['loud/1', 'loud/2', 'loud/3', 'quiet/1']) {
		take(key, 400);
	}
	first.release();
	for (let turn = 0; turn < 3; turn++) {
		budget.claim(owner(granted[turn]!))!.release();
	}
	t.deepEqual(granted, ['loud/1', 'quiet/1', 'loud/2', 'loud/3']);
});

test('within a group the higher priority goes first, and groups take turns', t => {
	const { budget, granted, owner, take } = aBudget();
	const first = take('x/0', 600)!;
	take('a/old', 400, { priority: -100 });
	take('a/new', 400, { priority: 100 });
	take('b/old', 400, { group: 'aws', priority: -100 });
	t.deepEqual(granted, []);
	first.release();
	t.deepEqual(granted, ['a/new']);
	budget.claim(owner('a/new'))!.release();
	t.deepEqual(granted, ['a/new', 'b/old']);
});

test('owners of ordinary leases go ahead of owners of large ones', t => {
	const { granted, take } = aBudget();
	const large = take('a/1', 600)!;
	t.is(take('a/2', 500, { group: 'aws' }), undefined);
	const ordinary = ['b/1', 'b/2', 'b/3'].map(key => take(key, 100, { group: 'azure' })!);
	t.is(take('b/4', 100, { group: 'azure' }), undefined, 'the budget is full');
	ordinary[0]!.release();
	t.deepEqual(granted, ['b/4']);
	large.release();
	t.deepEqual(granted, ['b/4', 'a/2']);
});

test('a stream of ordinary leases leaves room for the large one that is next', t => {
	const { granted, take } = aBudget();
	const ordinary = Array.from(
		{ length: 9 },
		(_, i) => take(`b/${i}`, 100, { group: i < 5 ? 'aws' : 'azure' })!,
	);
	take('a/large', 500);
	for (const [i, lease] of ordinary.entries()) {
		lease.release();
		if (granted.length === 0) t.is(take(`c/${i}`, 100, { group: 'azure' }), undefined);
	}
	t.true(granted.includes('a/large'));
});

test('a new owner does not go past one of its size that waits', t => {
	const { granted, take } = aBudget();
	take('a/1', 400);
	const small = [100, 100, 100, 100, 50, 50].map(
		(bytes, i) => take(`b/${i}`, bytes, { group: i < 3 ? 'aws' : 'azure' })!,
	);
	t.is(take('a/2', 190, { group: 'azure' }), undefined);
	small[3]!.release();
	small[4]!.release();
	t.is(take('c/1', 120, { group: 'aws' }), undefined, 'there is room for it, but a/2 is before it');
	t.deepEqual(granted, []);
	small[5]!.release();
	t.deepEqual(granted, ['a/2']);
});

test('one group, and all large leases together, hold no more than their share', t => {
	const { budget, granted, take } = aBudget();
	take('a/1', 400);
	t.is(take('a/2', 300), undefined, 'share of the group');
	t.is(take('b/1', 300, { group: 'aws' }), undefined, 'share of large leases');
	t.truthy(take('b/2', 90, { group: 'aws' }));
	t.deepEqual(granted, []);
	t.is(budget.waiting, 2);
});

test('the large leases of one group leave room for those of another', t => {
	const { take } = aBudget({ ...LIMITS, largeShare: 300 });
	take('a/1', 300);
	t.is(take('a/2', 200), undefined);
	t.truthy(take('a/3', 100), 'ordinary ones of the group have room');
	t.truthy(take('b/1', 300, { group: 'aws' }));
});

test('a lease larger than the whole budget runs alone', t => {
	const { granted, budget, take } = aBudget();
	const first = take('a/1', 20)!;
	t.is(take('a/huge', 5_000), undefined);
	first.release();
	t.deepEqual(granted, ['a/huge']);
	t.is(take('b/1', 20, { group: 'aws' }), undefined);
	budget.leave('a/huge');
	t.deepEqual(granted, ['a/huge', 'b/1']);
});

test('no number of bytes spoils the count', t => {
	const { budget, open } = aBudget();
	const lease = open('a/1');
	for (const bytes of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
		t.throws(() => lease.resize(bytes), { instanceOf: RangeError });
	}
	t.is(budget.inFlight, 0);
});

test('a moved lease belongs to its new holder alone', t => {
	const { budget, take } = aBudget();
	const lease = take('a/1', 500)!;
	const moved = lease.move();
	lease.release();
	t.is(budget.inFlight, 500);
	moved.release();
	t.is(budget.inFlight, 0);
});

type Step = { readonly key: string; readonly bytes: number; readonly act: 'take' | 'grow' | 'end' | 'leave' };

const steps = fc.array(
	fc.record({
		key: fc.constantFrom(...['a', 'b', 'c'].flatMap(ns => [1, 2, 3, 4].map(i => `${ns}/${i}`))),
		bytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 50, max: 1_200 })),
		act: fc.constantFrom<Step['act']>('take', 'take', 'take', 'grow', 'end', 'leave'),
	}),
	{ maxLength: 200 },
);

test('whatever happens in whatever order, the budget holds, nothing leaks, and every waiting owner gets its turn', t => {
	fc.assert(
		fc.property(steps, sequence => {
			const { budget, owner } = aBudget();
			const held = new Map<string, Lease>();
			const group = (key: string) => (key.endsWith('1') ? 'vault' : 'aws');
			const own = (key: string) => owner(key, { group: group(key) });
			const take = (key: string, bytes: number) => {
				const lease = held.has(key) ? undefined : budget.claim(own(key));
				if (lease === undefined) return;
				if (lease.bytes > 0 || lease.resize(bytes)) held.set(key, lease);
				else lease.wait(bytes);
			};
			const end = (key: string) => {
				held.get(key)?.release();
				held.delete(key);
			};
			const check = () => {
				const leases = [...held.values()].filter(({ bytes }) => bytes > LIMITS.smallBytes);
				const sum = leases.reduce((total, { bytes }) => total + bytes, 0);
				const mayBeMore = leases.length === 1;
				if (sum > LIMITS.capacity && !mayBeMore) throw new Error(`${sum} bytes are held`);
				if (budget.inFlight < 0 || budget.waiting < 0) throw new Error('negative');
			};
			for (const { key, bytes, act } of sequence) {
				if (act === 'take') take(key, bytes);
				else if (act === 'end') end(key);
				else if (act === 'leave') budget.leave(key);
				else {
					const lease = held.get(key);
					if (lease !== undefined && !lease.resize(bytes)) {
						lease.wait(bytes);
						held.delete(key);
					}
				}
				check();
			}

			// Everyone ends, then everyone who waits is served one after the other.
			for (const key of [...held.keys()]) end(key);
			for (let rounds = 0; rounds < 100 && (budget.waiting > 0 || budget.inFlight > 0); rounds++) {
				for (const { key } of sequence) {
					take(key, 1);
					check();
					end(key);
				}
			}
			return budget.inFlight === 0 && budget.waiting === 0;
		}),
		{ numRuns: 500 },
	);
	t.pass();
});

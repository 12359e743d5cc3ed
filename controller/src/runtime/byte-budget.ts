// A budget of bytes for the whole process: how much may be held at once, and who is next when there is no room.
//
// A lease never waits for room: `resize` answers at once. A refused owner gives its lease back and waits in line
// without holding anything, so waiting owners cannot block each other. The line grants the bytes before it wakes the
// owner. Leases up to `smallBytes` always get room: their number is bounded elsewhere.
import { type Key, refOf } from './object-ref.ts';
import { FairQueue } from './queue/fair-queue.ts';
import type { Linked } from './queue/linked-list.ts';

export type ByteBudgetOptions = {
	/** All leases that are not small, in bytes. One that is larger gets room when there is no other. */
	readonly capacity: number;
	/** The most that one group may hold, and that all large leases may hold, in bytes. */
	readonly share: number;
	/** The most that the large leases of one group may hold: a group that hangs leaves room for those of others. */
	readonly largeShare: number;
	readonly smallBytes: number;
	/** Leases above this are large: waiting owners of ordinary leases go ahead of owners of large ones. */
	readonly ordinaryBytes: number;
	/** A waiting key got its bytes: `claim` returns them at its next run. */
	readonly onGrant: (key: Key, priority: number) => void;
};

export type LeaseOwner = {
	readonly key: Key;
	/** What the bytes are for. A grant is lost if its owner comes back with another purpose. */
	readonly purpose: string;
	/** Groups take turns, and in each group the namespaces. */
	readonly group: string;
	/** Higher goes first within a group. */
	readonly priority: number;
};

interface Waiter extends Linked<Waiter>, LeaseOwner {
	readonly namespace: string;
	readonly bytes: number;
}

/** What one owner holds of the budget. */
export type Lease = {
	readonly bytes: number;
	/** Makes the lease hold this many bytes. False: there is no room, and the lease is as before. */
	resize(bytes: number): boolean;
	/** Moves the bytes to a new lease, for a holder that lives longer. */
	move(): Lease;
	/** Gives everything back; can be called again. */
	release(): void;
	/** Gives everything back and puts the owner in line for `bytes`. */
	wait(bytes: number): void;
};

/** Bytes of leases that are not small. */
type Held = { all: number; large: number };

const NOTHING: Readonly<Held> = { all: 0, large: 0 };

/** Waiting owners of one size class, by group. The group whose turn it is comes first. */
type Lines = Map<string, FairQueue<Waiter>>;

export class ByteBudget {
	readonly #options: ByteBudgetOptions;
	readonly #waiting = new Map<Key, Waiter>();
	readonly #granted = new Map<Key, BudgetLease>();
	readonly #ordinary: Lines = new Map();
	readonly #large: Lines = new Map();
	readonly #heldByGroup = new Map<string, Held>();
	readonly #heldByAll: Held = { all: 0, large: 0 };
	#heldSmall = 0;

	constructor(options: ByteBudgetOptions) {
		this.#options = options;
	}

	/** Bytes of all leases, small ones and unclaimed grants included. */
	get inFlight(): number {
		return this.#heldByAll.all + this.#heldSmall;
	}

	/** Owners that wait in line. */
	get waiting(): number {
		return this.#waiting.size;
	}

	/** Whether the key is in line, or has a grant that it did not claim. */
	awaits(key: Key): boolean {
		return this.#waiting.has(key) || this.#granted.has(key);
	}

	/** The lease that was granted to this owner, else an empty one. Undefined: the owner is still in line. */
	claim(owner: LeaseOwner): Lease | undefined {
		const waiter = this.#waiting.get(owner.key);
		const granted = this.#granted.get(owner.key);
		if (waiter?.purpose === owner.purpose) return undefined;
		if (granted?.owner.purpose === owner.purpose) {
			this.#granted.delete(owner.key);
			return granted;
		}
		this.leave(owner.key);
		return new BudgetLease(this, owner);
	}

	/** Takes the key out of the line, or gives back a grant that was not claimed. */
	leave(key: Key): void {
		const waiter = this.#waiting.get(key);
		if (waiter !== undefined) {
			this.#waiting.delete(key);
			const lines = this.#linesOf(waiter.bytes);
			const line = lines.get(waiter.group)!;
			line.remove(waiter);
			if (line.first === undefined) lines.delete(waiter.group);
			this.#serve();
		}
		const granted = this.#granted.get(key);
		this.#granted.delete(key);
		granted?.release();
	}

	/** For leases only. Changes what is held from `before` to `after` bytes if there is room. */
	exchange({ group }: LeaseOwner, before: number, after: number): boolean {
		this.#hold(group, before, -1);
		const mayTake = after <= before || this.#isSmall(after) || this.#mayPass(group, before, after);
		this.#hold(group, mayTake ? after : before, 1);
		if (mayTake && after < before) this.#serve();
		return mayTake;
	}

	/** For leases only. */
	enqueue(owner: LeaseOwner, bytes: number): void {
		this.leave(owner.key);
		const { namespace } = refOf(owner.key);
		const waiter: Waiter = { ...owner, namespace, bytes, previous: undefined, next: undefined };
		this.#waiting.set(owner.key, waiter);
		const lines = this.#linesOf(bytes);
		let line = lines.get(owner.group);
		if (line === undefined) {
			line = new FairQueue();
			lines.set(owner.group, line);
		}
		line.push(waiter);
		this.#serve();
	}

	#hold(group: string, bytes: number, sign: 1 | -1): void {
		if (this.#isSmall(bytes)) {
			this.#heldSmall += sign * bytes;
			return;
		}
		const byGroup = this.#heldByGroup.get(group) ?? { ...NOTHING };
		this.#heldByGroup.set(group, byGroup);
		for (const held of [byGroup, this.#heldByAll]) {
			held.all += sign * bytes;
			if (this.#isLarge(bytes)) held.large += sign * bytes;
		}
		if (byGroup.all === 0) this.#heldByGroup.delete(group);
	}

	/** Whether an owner may take bytes past the line: not before others of its size who wait for the same room. */
	#mayPass(group: string, before: number, after: number): boolean {
		const lines = this.#linesOf(after);
		const isNew = this.#isSmall(before) || lines !== this.#linesOf(before);
		if (isNew && (lines.has(group) || this.#blocked(lines) !== undefined)) return false;
		return this.#isWithinShares(group, after) && this.#fits(after);
	}

	#serve(): void {
		for (let next = this.#next(); next !== undefined; next = this.#next()) {
			const { key, group, bytes, priority } = next;
			const lines = this.#linesOf(bytes);
			const line = lines.get(group)!;
			line.shift();
			// The group goes to the end of the turns.
			lines.delete(group);
			if (line.first !== undefined) lines.set(group, line);
			this.#waiting.delete(key);
			this.#hold(group, bytes, 1);
			this.#granted.set(key, new BudgetLease(this, next, bytes));
			this.#options.onGrant(key, priority);
		}
	}

	#next(): Waiter | undefined {
		for (const lines of [this.#ordinary, this.#large]) {
			const first = this.#eligible(lines);
			// No caller of the same size passes a waiter that lacks only room; otherwise it could wait for ever.
			if (first !== undefined && this.#fits(first.bytes)) return first;
		}
		return undefined;
	}

	/** The first waiter whose group, and whose size class, may hold that much more. */
	#eligible(lines: Lines): Waiter | undefined {
		for (const [group, { first }] of lines) {
			if (first !== undefined && this.#isWithinShares(group, first.bytes)) return first;
		}
		return undefined;
	}

	/** A waiter that may go as soon as there is room. */
	#blocked(lines: Lines): Waiter | undefined {
		const first = this.#eligible(lines);
		return first !== undefined && !this.#fits(first.bytes) ? first : undefined;
	}

	#isWithinShares(group: string, bytes: number): boolean {
		const { share, largeShare } = this.#options;
		const within = (held: number, most: number) => held === 0 || held + bytes <= most;
		const { all, large } = this.#heldByGroup.get(group) ?? NOTHING;
		if (!within(all, share)) return false;
		return !this.#isLarge(bytes) || (within(large, largeShare) && within(this.#heldByAll.large, share));
	}

	/** Ordinary leases leave room for the large one that is next, or a stream of them would keep it waiting. */
	#fits(bytes: number): boolean {
		const { all } = this.#heldByAll;
		if (all === 0) return true;
		const kept = this.#isLarge(bytes) ? 0 : (this.#eligible(this.#large)?.bytes ?? 0);
		return all + bytes + kept <= this.#options.capacity;
	}

	#isSmall(bytes: number): boolean {
		return bytes <= this.#options.smallBytes;
	}

	#isLarge(bytes: number): boolean {
		return bytes > this.#options.ordinaryBytes;
	}

	#linesOf(bytes: number): Lines {
		return this.#isLarge(bytes) ? this.#large : this.#ordinary;
	}
}

class BudgetLease implements Lease {
	readonly owner: LeaseOwner;
	readonly #budget: ByteBudget;
	#bytes: number;

	constructor(budget: ByteBudget, owner: LeaseOwner, bytes = 0) {
		this.#budget = budget;
		this.owner = owner;
		this.#bytes = bytes;
	}

	get bytes(): number {
		return this.#bytes;
	}

	resize(bytes: number): boolean {
		if (!(bytes >= 0 && Number.isFinite(bytes))) {
			throw new RangeError(`resizing a lease: expected a number of bytes, got ${bytes}`);
		}
		const done = this.#budget.exchange(this.owner, this.#bytes, bytes);
		if (done) this.#bytes = bytes;
		return done;
	}

	move(): Lease {
		const moved = new BudgetLease(this.#budget, this.owner, this.#bytes);
		this.#bytes = 0;
		return moved;
	}

	release(): void {
		const bytes = this.#bytes;
		this.#bytes = 0;
		if (bytes > 0) this.#budget.exchange(this.owner, bytes, 0);
	}

	wait(bytes: number): void {
		this.release();
		this.#budget.enqueue(this.owner, bytes);
	}
}

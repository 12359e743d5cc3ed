// Work that is due: each key once, a few at a time, so that no controller acts within another's write and the server
// answers in between.

export type Key = { readonly kind: string; readonly namespace: string; readonly name: string };

/** Milliseconds of one turn of the event loop. */
const SHARE_MS = 5;

export class WorkQueue {
	readonly #reconcile: (key: Key) => void;
	readonly #due = new Map<string, () => void>();
	#scheduled: NodeJS.Immediate | undefined;
	#stopped = false;
	#other = 0;

	constructor(reconcile: (key: Key) => void) {
		this.#reconcile = reconcile;
	}

	add(key: Key): void {
		this.#enqueue(`${key.kind}/${key.namespace}/${key.name}`, () => this.#reconcile(key));
	}

	/** Runs something once, in turn with the keys. */
	run(work: () => void): void {
		this.#enqueue(`#${this.#other++}`, work);
	}

	stop(): void {
		this.#stopped = true;
		clearImmediate(this.#scheduled);
		this.#due.clear();
	}

	#enqueue(key: string, work: () => void): void {
		if (this.#stopped) {
			return;
		}
		if (!this.#due.has(key)) {
			this.#due.set(key, work);
		}
		this.#schedule();
	}

	#schedule(): void {
		this.#scheduled ??= setImmediate(() => this.#drain());
	}

	/** Runs what is due, oldest first, until its share of the event loop is used. */
	#drain(): void {
		this.#scheduled = undefined;
		const end = performance.now() + SHARE_MS;
		for (const [key, work] of this.#due) {
			this.#due.delete(key);
			work();
			if (performance.now() > end) {
				break;
			}
		}
		if (this.#due.size > 0) {
			this.#schedule();
		}
	}
}

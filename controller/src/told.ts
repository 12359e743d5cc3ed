// Which outcomes a pod was already told: a set of a few short texts, in less memory than a Set.

/** What is told beyond this many distinct causes forgets the oldest: an Event repeats, memory does not grow. */
const MAX_CAUSES = 16;

export class Told {
	#causes: string | readonly string[] | undefined;

	has(cause: string): boolean {
		return typeof this.#causes === 'string'
			? this.#causes === cause
			: (this.#causes?.includes(cause) ?? false);
	}

	add(cause: string): this {
		if (!this.has(cause)) {
			this.#causes = this.#causes === undefined ? cause : [...this, cause].slice(-MAX_CAUSES);
		}

		return this;
	}

	clear(): void {
		this.#causes = undefined;
	}

	get size(): number {
		return typeof this.#causes === 'string' ? 1 : (this.#causes?.length ?? 0);
	}

	*[Symbol.iterator](): Iterator<string> {
		if (typeof this.#causes === 'string') {
			yield this.#causes;
		} else if (this.#causes !== undefined) {
			yield* this.#causes;
		}
	}
}

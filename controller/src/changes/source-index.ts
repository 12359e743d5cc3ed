// Which Secrets are written from which source: provider and path to the keys of Secrets, as live pods ask for them.
import type { Key } from '../runtime/object-ref.ts';

/** A place at a provider, by which the index finds it. */
export type Source = { readonly provider: string; readonly path: string };

/** A provider's name holds no line break. Some stores do not tell upper from lower case, so the index never does. */
export const idOf = ({ provider, path }: Source): string => `${provider}\n${path.toLowerCase()}`;

export class SourceIndex {
	/** One key stands for itself: most sources have one Secret. */
	readonly #keys = new Map<string, Key | Set<Key>>();
	readonly #sources = new Map<Key, string>();

	/** The number of sources that Secrets are written from. */
	get size(): number {
		return this.#keys.size;
	}

	/** From now on the Secret is written from this source; `undefined`: no pod asks for it. */
	set(key: Key, source: Source | undefined): void {
		const id = source && idOf(source);
		const before = this.#sources.get(key);
		if (id === before) {
			return;
		}

		if (before !== undefined) {
			this.#remove(before, key);
		}

		if (id === undefined) {
			this.#sources.delete(key);
		} else {
			this.#sources.set(key, id);
			this.#add(id, key);
		}
	}

	/** Their paths can differ from this one in upper and lower case. */
	keysOf(source: Source): readonly Key[] {
		const entry = this.#keys.get(idOf(source));
		return entry instanceof Set ? [...entry] : entry === undefined ? [] : [entry];
	}

	#add(id: string, key: Key): void {
		const entry = this.#keys.get(id);
		if (entry === undefined) {
			this.#keys.set(id, key);
		} else if (entry instanceof Set) {
			entry.add(key);
		} else {
			this.#keys.set(id, new Set([entry, key]));
		}
	}

	#remove(id: string, key: Key): void {
		const entry = this.#keys.get(id);
		if (entry instanceof Set) {
			entry.delete(key);
			if (entry.size === 1) {
				this.#keys.set(id, [...entry][0]!);
			}
		} else if (entry === key) {
			this.#keys.delete(id);
		}
	}
}

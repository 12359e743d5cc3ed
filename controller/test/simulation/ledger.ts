// Who asked for what and when, kept beside the controller so that every single write can be accounted for.
import { ANNOTATION_KEY, parseAnnotation, type SecretSync } from '../../src/annotation.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { HistoryEntry, Meta, World } from './world.ts';

/** What a pod's annotation asks for; nothing where it is refused. */
export function syncsOf({ annotations }: Pick<Meta, 'annotations'>): readonly SecretSync[] {
	const text = annotations?.[ANNOTATION_KEY];
	try {
		return text === undefined ? [] : parseAnnotation(text);
	} catch {
		return [];
	}
}

type Ask = { readonly sync: SecretSync; readonly since: number };

type Asking = { readonly meta: Meta; readonly text: string; readonly asks: readonly Ask[] };

const sameAsk = (a: SecretSync, b: SecretSync) => a.secretName === b.secretName && a.spec === b.spec;

export class Ledger {
	readonly #clock: Clock;
	readonly #asking = new Map<string, Asking>();
	/** `key path` -> monotonic milliseconds at which the last pod stopped asking. */
	readonly #askedUntil = new Map<string, number>();
	readonly #touches = new Map<string, number>();

	constructor(world: World, clock: Clock) {
		this.#clock = clock;
		world.onChange(entry => this.#note(entry));
	}

	/** Monotonic milliseconds since which this pod asks for this Secret in the way it does now. */
	since(uid: string, secretName: string): number {
		const ask = this.#asking.get(uid)?.asks.find(({ sync }) => sync.secretName === secretName);
		return ask?.since ?? Number.NEGATIVE_INFINITY;
	}

	/** Changes since the beginning after which this Secret may be written once. */
	touches(key: string): number {
		return this.#touches.get(key) ?? 0;
	}

	/** Whether a live pod asks for this Secret from this path, or did so at `since`. */
	asked(key: string, path: string, since: number): boolean {
		const asksNow = [...this.#asking.values()].some(({ meta, asks }) =>
			asks.some(({ sync }) => sync.path === path && `${meta.namespace}/${sync.secretName}` === key),
		);
		return asksNow || (this.#askedUntil.get(`${key} ${path}`) ?? Number.NEGATIVE_INFINITY) >= since;
	}

	#note({ collection, type, meta }: HistoryEntry): void {
		if (collection === 'secrets') {
			// Our own writes touch too: they are told apart by their manager.
			if (type === 'DELETED' || meta.managedFields?.[0]?.manager !== 'jasm') {
				this.#touch(`${meta.namespace}/${meta.name}`);
			}

			return;
		}

		const before = this.#asking.get(meta.uid);
		const text = type === 'DELETED' ? undefined : meta.annotations?.[ANNOTATION_KEY];
		if (before !== undefined && before.text === text) {
			return;
		}

		const at = this.#clock.monotonic();
		const old = before?.asks ?? [];
		for (const { sync } of old) {
			this.#askedUntil.set(`${meta.namespace}/${sync.secretName} ${sync.path}`, at);
		}

		const asks = (type === 'DELETED' ? [] : syncsOf(meta)).map(sync => ({
			sync,
			since: old.find(ask => sameAsk(ask.sync, sync))?.since ?? at,
		}));
		if (text === undefined) {
			this.#asking.delete(meta.uid);
		} else {
			this.#asking.set(meta.uid, { meta, text, asks });
		}

		const others = [...this.#asking.values()].filter(
			other => other.meta.uid !== meta.uid && other.meta.namespace === meta.namespace,
		);
		// Who leaves hands a Secret over only to somebody who wants it otherwise.
		const left = old.filter(({ sync: { secretName, spec } }) =>
			others.some(other =>
				other.asks.some(({ sync }) => sync.secretName === secretName && sync.spec !== spec),
			),
		);
		for (const secretName of new Set([...left, ...asks].map(({ sync }) => sync.secretName))) {
			this.#touch(`${meta.namespace}/${secretName}`);
		}
	}

	#touch(key: string): void {
		this.#touches.set(key, this.touches(key) + 1);
	}
}

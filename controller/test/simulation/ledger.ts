// Which pod asked for what and when, kept beside the controller so that every write can be accounted for.
import { ANNOTATION_KEY, parseAnnotation, type SecretSync } from '../../src/requests/annotation.ts';
import { START_KEY } from '../../src/requests/start-annotation.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { HistoryEntry, Meta, SimulatedCluster } from './simulated-cluster.ts';

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

type Asking = {
	readonly meta: Meta;
	readonly text: string;
	readonly start: string | undefined;
	readonly asks: readonly Ask[];
};

const sameAsk = (a: SecretSync, b: SecretSync) => a.secretName === b.secretName && a.spec === b.spec;

export class Ledger {
	readonly #clock: Clock;
	readonly #asking = new Map<string, Asking>();
	/** `key path` -> monotonic milliseconds at which the last pod stopped asking. */
	readonly #askedUntil = new Map<string, number>();
	readonly #touches = new Map<string, number>();
	/** `uid secretName path` -> monotonic milliseconds at which this pod first asked for this. */
	readonly #firstAskedAt = new Map<string, number>();
	/** `uid text` -> the version in which this pod first had this annotation. */
	readonly #firstVersions = new Map<string, number>();

	constructor(cluster: SimulatedCluster, clock: Clock) {
		this.#clock = clock;
		cluster.onChange(entry => this.#note(entry));
	}

	/** Monotonic milliseconds since which this pod asks for this Secret in the way it does now. */
	since(uid: string, secretName: string): number {
		const ask = this.#asking.get(uid)?.asks.find(({ sync }) => sync.secretName === secretName);
		return ask?.since ?? Number.NEGATIVE_INFINITY;
	}

	/** When this pod first asked for this Secret from this path. What it hears may be about an earlier annotation. */
	firstAskedAt(uid: string, secretName: string, path: string): number {
		return this.#firstAskedAt.get(`${uid} ${secretName} ${path}`) ?? Number.POSITIVE_INFINITY;
	}

	/** The version in which this pod first had the annotation that it has now. */
	firstVersion({ uid, annotations }: Pick<Meta, 'uid' | 'annotations'>): number {
		return this.#firstVersions.get(`${uid} ${annotations?.[ANNOTATION_KEY]}`)!;
	}

	/** Changes since the beginning after which this Secret may be written once. */
	touches(key: string): number {
		return this.#touches.get(key) ?? 0;
	}

	/** JASM restarts: every Secret that is asked for may be written once more. */
	restarted(): void {
		for (const { meta, asks } of this.#asking.values()) {
			for (const { sync } of asks) {
				this.#touch(`${meta.namespace}/${sync.secretName}`);
			}
		}
	}

	/** JASM hears that the path changed: every Secret that is asked for from it may be written once more. */
	told(path: string): void {
		for (const { meta, asks } of this.#asking.values()) {
			for (const { sync } of asks.filter(ask => ask.sync.path === path)) {
				this.#touch(`${meta.namespace}/${sync.secretName}`);
			}
		}
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
			// Writes of JASM are changes, too; their manager is another one.
			if (type === 'DELETED' || meta.managedFields?.[0]?.manager !== 'jasm') {
				this.#touch(`${meta.namespace}/${meta.name}`);
			}

			return;
		}

		const before = this.#asking.get(meta.uid);
		const text = type === 'DELETED' ? undefined : meta.annotations?.[ANNOTATION_KEY];
		const seen = `${meta.uid} ${text}`;
		if (text !== undefined && !this.#firstVersions.has(seen)) {
			this.#firstVersions.set(seen, Number(meta.resourceVersion));
		}

		const start = meta.annotations?.[START_KEY];
		if (before !== undefined && before.text === text) {
			this.#startChanged(before, start);
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
		for (const { sync } of asks) {
			const ask = `${meta.uid} ${sync.secretName} ${sync.path}`;
			this.#firstAskedAt.set(ask, this.#firstAskedAt.get(ask) ?? at);
		}

		if (text === undefined) {
			this.#asking.delete(meta.uid);
		} else {
			this.#asking.set(meta.uid, { meta, text, start, asks });
		}

		const others = [...this.#asking.values()].filter(
			other => other.meta.uid !== meta.uid && other.meta.namespace === meta.namespace,
		);
		// A pod that leaves changes a Secret only where another pod asks for it differently.
		const left = old.filter(({ sync: { secretName, spec } }) =>
			others.some(other =>
				other.asks.some(({ sync }) => sync.secretName === secretName && sync.spec !== spec),
			),
		);
		for (const secretName of new Set([...left, ...asks].map(({ sync }) => sync.secretName))) {
			this.#touch(`${meta.namespace}/${secretName}`);
		}
	}

	/** A pod that begins to wait, or waits in another way, needs a newer reading. */
	#startChanged(before: Asking, start: string | undefined): void {
		if (before.start === start) {
			return;
		}

		this.#asking.set(before.meta.uid, { ...before, start });
		if (start !== undefined && start !== 'at-once') {
			for (const { sync } of before.asks) {
				this.#touch(`${before.meta.namespace}/${sync.secretName}`);
			}
		}
	}

	#touch(key: string): void {
		this.#touches.set(key, this.touches(key) + 1);
	}
}

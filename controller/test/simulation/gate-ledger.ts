// The start gate, kept beside the controller: since when each pod waits and for what, and which release was sent.
import { ANNOTATION_KEY, type SecretSync } from '../../src/requests/annotation.ts';
import { GATE, START_KEY } from '../../src/requests/start-annotation.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { isSelection } from './invariants.ts';
import { syncsOf } from './ledger.ts';
import type { HistoryEntry, Meta, SimulatedCluster, StoredObject } from './simulated-cluster.ts';
import type { Source } from './source.ts';
import type { Write } from './writes.ts';

/** A read in flight may be shared for a quarter of a second. */
const SHARED_READ_MS = 250;

/** A release that a person asked for is under way, or its retry is, within this many milliseconds. */
const UNDER_WAY_MS = 60_000;

/** One pair of annotations of a pod and the time, in monotonic milliseconds, in which the pod had it. */
type Version = {
	readonly meta: Meta;
	readonly annotation: string | undefined;
	readonly start: string | undefined;
	readonly since: number;
	until: number;
};

/** Monotonic milliseconds in which no controller led that had seen the pods before. */
export type Absence = { readonly from: number; readonly to: number };

export type GateLedgerOptions = {
	readonly cluster: SimulatedCluster;
	readonly source: Source;
	readonly clock: Clock;
	/** The writes of JASM so far. */
	readonly writes: () => readonly Write[];
	/** How old the controller's view of a pod may be, in milliseconds; Infinity where streams break. */
	readonly staleMs: number;
};

export const waits = (start: string | undefined) => start !== undefined && start !== 'at-once';

/** Wall-clock milliseconds at which the pod may start whatever is missing. */
export function deadlineOf({ creationTimestamp }: Meta, start: string | undefined): number {
	const seconds = /^after-sync, *([1-9][0-9]{0,4})s$/.exec(start ?? '')?.[1];
	return seconds === undefined
		? Number.POSITIVE_INFINITY
		: Date.parse(creationTimestamp) + Number(seconds) * 1_000;
}

export class GateLedger {
	readonly #options: GateLedgerOptions;
	readonly #versions = new Map<string, Version[]>();
	readonly absences: Absence[] = [];
	/** What was sent that should not have been, in words. */
	readonly faults: string[] = [];
	/** Requests that release a pod, as far as they reached the API server. */
	releases = 0;

	constructor(options: GateLedgerOptions) {
		this.#options = options;
		options.cluster.onChange(entry => this.#note(entry));
	}

	/** A release arrived at the API server, which has not acted on it yet. */
	patched(pod: StoredObject): void {
		const { clock, staleMs } = this.#options;
		const { meta, gates = [] } = pod;
		const [now, name] = [clock.monotonic(), `${meta.namespace}/${meta.name}`];
		this.releases++;
		const seen = this.#versions.get(meta.uid)!.filter(({ until }) => until >= now - staleMs);
		if (!seen.some(({ start }) => waits(start)) && !gates.includes(GATE)) {
			this.faults.push(`${name}: a release was sent, but the pod does not wait`);
			return;
		}

		// A request that changes nothing starts nothing: the answer to the one before was lost.
		if (!gates.includes(GATE)) return;
		if (!seen.some(version => this.#mayStart(version, now))) {
			this.faults.push(`${name}: released before each of its Secrets was fresh`);
		}
	}

	/** Whether a person freed this pod in a way that the controller could not see. */
	freedUnseen({ uid }: Meta): boolean {
		const versions = this.#versions.get(uid)!;
		const freed = versions.at(-1)!;
		const waited = versions.findLast(({ start }) => waits(start));
		const { staleMs } = this.#options;
		const blind = staleMs === Number.POSITIVE_INFINITY;
		return (
			waited === undefined ||
			// A stream that broke showed the pod only after it was freed.
			(blind && freed.since - waited.since < UNDER_WAY_MS * 5) ||
			this.absences.some(
				({ from, to }) => waited.until <= to + UNDER_WAY_MS && (blind || waited.until >= from - UNDER_WAY_MS),
			)
		);
	}

	#mayStart({ meta, annotation, start, since }: Version, now: number): boolean {
		if (!waits(start)) return true;
		if (this.#options.clock.now() >= deadlineOf(meta, start)) return true;
		const syncs = syncsOf({ annotations: annotation === undefined ? {} : { [ANNOTATION_KEY]: annotation } });
		return syncs.length > 0 && syncs.every(sync => this.#isFresh(meta.namespace, sync, since, now));
	}

	/** Some write took its value from a read that began after the pod asked, and no other source came after it. */
	#isFresh(namespace: string, sync: SecretSync, since: number, now: number): boolean {
		const { source, writes } = this.#options;
		const own = writes().filter(({ key }) => key === `${namespace}/${sync.secretName}`);
		const good = own.findLastIndex(write => {
			const { annotations = {} } = write.meta;
			const id = annotations['jasm.codnod.io/source-version'];
			const version = source.version(sync.path, id);
			return (
				annotations['jasm.codnod.io/source-path'] === sync.path &&
				version !== undefined &&
				isSelection(version, sync, write.data) &&
				source.reads.some(
					({ path, versionId, startedAt, endedAt }) =>
						path === sync.path &&
						versionId === id &&
						startedAt >= since - SHARED_READ_MS &&
						endedAt <= write.at,
				)
			);
		});
		const other = own.find(
			({ meta }, index) => index > good && meta.annotations?.['jasm.codnod.io/source-path'] !== sync.path,
		);
		return good >= 0 && (other === undefined || other.at >= now - this.#options.staleMs);
	}

	#note({ collection, type, meta }: HistoryEntry): void {
		if (collection !== 'pods' || type === 'DELETED') return;
		const versions = this.#versions.get(meta.uid) ?? [];
		this.#versions.set(meta.uid, versions);
		const { [ANNOTATION_KEY]: annotation, [START_KEY]: start } = meta.annotations ?? {};
		const last = versions.at(-1);
		if (last !== undefined && last.annotation === annotation && last.start === start) return;
		const now = this.#options.clock.monotonic();
		if (last !== undefined) last.until = now;
		versions.push({ meta, annotation, start, since: now, until: Number.POSITIVE_INFINITY });
	}
}

// What must hold once everything is at rest; the rules are written here again, not taken from the code under test.
import type { SecretSync } from '../../src/requests/annotation.ts';
import { type Ledger, syncsOf } from './ledger.ts';
import { MANAGED, type SimulatedCluster, type StoredObject } from './simulated-cluster.ts';
import type { Source, Version } from './source.ts';
import type { Write } from './writes.ts';

export type Outcome = {
	readonly cluster: SimulatedCluster;
	readonly source: Source;
	readonly ledger: Ledger;
	readonly writes: readonly Write[];
	/** Then every write can be accounted for. */
	readonly faultless: boolean;
	/** When a pod last heard that the Secret is being deleted, in monotonic milliseconds, by key. */
	readonly deletionHeardAt: ReadonlyMap<string, number>;
	/** How much older than its pod a value may be, in milliseconds. */
	readonly toleranceMs: number;
	/** Whether JASM was told of this version, the newest of the path, by a notice that was not lost. */
	readonly wasTold: (path: string, version: string) => boolean;
};

export type Ask = { readonly pod: StoredObject; readonly sync: SecretSync };

/** Every invariant that does not hold, in words. */
export function violations(outcome: Outcome): string[] {
	const { cluster, source, ledger, writes, faultless } = outcome;
	const found: string[] = [];
	for (const [key, asks] of asksOf(cluster)) {
		const violation = violationOfAny(key, newestOf(asks, ledger), outcome);
		if (violation !== undefined) {
			found.push(`${key}: ${violation}`);
		}
	}

	for (const { key, meta, data } of writes) {
		const path = meta.annotations?.['jasm.codnod.io/source-path'] ?? '';
		if (!isAllowed(meta.namespace, path)) {
			found.push(`${key}: written from ${path}, which no rule allows`);
		}

		const version = source.version(path, meta.annotations?.['jasm.codnod.io/source-version']);
		if (!version || !isTakenFrom(version, data)) {
			found.push(`${key}: written with what no version of ${path} ever held`);
		}
	}

	if (faultless) {
		found.push(...unaccounted(writes, ledger));
	}

	for (const { meta, data } of cluster.all('secrets')) {
		if (meta.labels?.[MANAGED] !== 'jasm' && data?.['foreign'] !== 'untouched') {
			found.push(`${meta.namespace}/${meta.name}: not JASM's, and changed`);
		}
	}

	if (source.reads.some(({ path }) => !NAMESPACES.some(namespace => isAllowed(namespace, path)))) {
		found.push('a path was read that no rule allows');
	}

	return found;
}

/** At most one write per change. */
function unaccounted(writes: readonly Write[], ledger: Ledger): string[] {
	const counts = new Map<string, number>();
	for (const { key } of writes) {
		counts.set(key, (counts.get(key) ?? 0) + 1);
	}

	return [...counts]
		.filter(([key, count]) => count > ledger.touches(key))
		.map(([key, count]) => `${key}: ${count} writes for ${ledger.touches(key)} changes`);
}

const NAMESPACES = ['team-a', 'team-b'];

export const isAllowed = (namespace: string, path: string) =>
	path.startsWith(`/prod/${namespace}/`) || path.startsWith('/shared/');

export function asksOf(cluster: SimulatedCluster): Map<string, Ask[]> {
	const asks = new Map<string, Ask[]>();
	for (const pod of cluster.livePods) {
		for (const sync of syncsOf(pod.meta)) {
			const key = `${pod.meta.namespace}/${sync.secretName}`;
			asks.set(key, [...(asks.get(key) ?? []), { pod, sync }]);
		}
	}

	return asks;
}

/** Where the order of pods of one second is not known, the Secret of any of them is right. */
function violationOfAny(key: string, asks: readonly Ask[], outcome: Outcome): string | undefined {
	const found = asks.map(ask => violationOf(key, ask, outcome));
	return found.includes(undefined) ? undefined : found[0];
}

function violationOf(key: string, { sync, pod }: Ask, outcome: Outcome): string | undefined {
	const { cluster, source, ledger, toleranceMs } = outcome;
	const [namespace, name] = key.split('/') as [string, string];
	const secret = cluster.get('secrets', { namespace, name });
	if (!isAllowed(namespace, sync.path) || (secret && secret.meta.labels?.[MANAGED] !== 'jasm')) {
		return undefined;
	}

	const current = source.current(sync.path);
	if (current === undefined) {
		return undefined;
	}

	if (!secret) {
		return unknownToJasm(key, outcome) ? undefined : 'missed';
	}

	if (secret.data?.['edited'] !== undefined) {
		return unknownToJasm(key, outcome) ? undefined : 'an edit by hand was kept';
	}

	const { annotations = {} } = secret.meta;
	if (annotations['jasm.codnod.io/source-path'] !== sync.path) {
		return `holds ${annotations['jasm.codnod.io/source-path']}, the newest pod asks for ${sync.path}`;
	}

	const version = source.version(sync.path, annotations['jasm.codnod.io/source-version']);
	if (!version || !isSelection(version, sync, secret.data ?? {})) {
		return 'holds something else than its version';
	}

	if (version.id !== current.id && outcome.wasTold(sync.path, current.id)) {
		return 'a change that JASM was told of did not arrive';
	}

	return version.until < ledger.since(pod.meta.uid, name) - toleranceMs
		? 'was read before its newest pod appeared'
		: undefined;
}

/** In profile write-only JASM does not see what people do to a Secret, unless the answer to a write shows it. */
const unknownToJasm = (key: string, { cluster, deletionHeardAt }: Outcome) =>
	cluster.profile === 'write-only' &&
	(cluster.handledAt.get(key) ?? Number.NEGATIVE_INFINITY) >
		(deletionHeardAt.get(key) ?? Number.NEGATIVE_INFINITY);

/**
 * The asks of the newest pods. Of pods created in the same second one is older than another if all that JASM can
 * have seen of it is older: its latest version comes before the other's first version with this annotation.
 */
export function newestOf(asks: readonly Ask[], ledger: Ledger): readonly Ask[] {
	const latest = Math.max(...asks.map(({ pod }) => Date.parse(pod.meta.creationTimestamp)));
	const newest = asks.filter(({ pod }) => Date.parse(pod.meta.creationTimestamp) === latest);
	const first = Math.max(...newest.map(({ pod }) => ledger.firstVersion(pod.meta)));
	return newest.filter(({ pod }) => Number(pod.meta.resourceVersion) >= first);
}

const encode = (text: string) => Buffer.from(text).toString('base64');

export function isSelection(
	{ members }: Version,
	{ keys }: SecretSync,
	data: Readonly<Record<string, string>>,
): boolean {
	const wanted = keys
		? [...keys].map(([to, from]) => [to, encode(members[from]!)])
		: Object.entries(members).map(([name, value]) => [name, encode(value)]);
	return JSON.stringify(Object.entries(data).sort()) === JSON.stringify(wanted.sort());
}

const isTakenFrom = ({ members }: Version, data: Readonly<Record<string, string>>) => {
	const values = new Set(Object.values(members).map(encode));
	return Object.values(data).every(value => values.has(value));
};

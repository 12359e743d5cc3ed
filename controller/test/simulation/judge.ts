// What must be true once everything has come to rest; knows the rules by itself, not from the code under test.
import type { SecretSync } from '../../src/annotation.ts';
import { type Ledger, syncsOf } from './ledger.ts';
import type { Source, Version } from './source.ts';
import { MANAGED, type StoredObject, type World } from './world.ts';
import type { Write } from './writes.ts';

export type Rest = {
	readonly world: World;
	readonly source: Source;
	readonly ledger: Ledger;
	readonly writes: readonly Write[];
	/** No fault was injected: then every write can be accounted for. */
	readonly calm: boolean;
};

type Ask = { readonly pod: StoredObject; readonly sync: SecretSync };

/** Every way in which the world is not as it should be, in words. */
export function judge({ world, source, ledger, writes, calm }: Rest): string[] {
	const faults: string[] = [];
	for (const [key, asks] of asksOf(world)) {
		const fault = faultOf(key, asks, world, source, ledger);
		if (fault !== undefined) {
			faults.push(`${key}: ${fault}`);
		}
	}

	for (const { key, meta, data } of writes) {
		const path = meta.annotations?.['jasm.codnod.io/source-path'] ?? '';
		if (!isAllowed(meta.namespace, path)) {
			faults.push(`${key}: written from ${path}, which no rule allows`);
		}

		const version = source.version(path, meta.annotations?.['jasm.codnod.io/source-version']);
		if (!version || !isTakenFrom(version, data)) {
			faults.push(`${key}: written with what no version of ${path} ever held`);
		}
	}

	if (calm) {
		faults.push(...unaccounted(writes, ledger));
	}

	for (const { meta, data } of world.all('secrets')) {
		if (meta.labels?.[MANAGED] !== 'jasm' && data?.['foreign'] !== 'untouched') {
			faults.push(`${meta.namespace}/${meta.name}: not JASM's, and changed`);
		}
	}

	if (source.reads.some(({ path }) => !NAMESPACES.some(namespace => isAllowed(namespace, path)))) {
		faults.push('a path was read that no rule allows');
	}

	return faults;
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

const isAllowed = (namespace: string, path: string) =>
	path.startsWith(`/prod/${namespace}/`) || path.startsWith('/shared/');

function asksOf(world: World): Map<string, Ask[]> {
	const asks = new Map<string, Ask[]>();
	for (const pod of world.livePods) {
		for (const sync of syncsOf(pod.meta)) {
			const key = `${pod.meta.namespace}/${sync.secretName}`;
			asks.set(key, [...(asks.get(key) ?? []), { pod, sync }]);
		}
	}

	return asks;
}

function faultOf(
	key: string,
	asks: readonly Ask[],
	world: World,
	source: Source,
	ledger: Ledger,
): string | undefined {
	const [namespace, name] = key.split('/') as [string, string];
	const { sync, pod } = asks.reduce((best, ask) => (isNewer(ask.pod, best.pod) ? ask : best));
	const secret = world.get('secrets', { namespace, name });
	if (!isAllowed(namespace, sync.path) || (secret && secret.meta.labels?.[MANAGED] !== 'jasm')) {
		return undefined;
	}

	const current = source.current(sync.path);
	if (current === undefined) {
		return undefined;
	}

	if (!secret) {
		return deletedByHand(key, world) ? undefined : 'missed';
	}

	if (secret.data?.['edited'] !== undefined) {
		return editedByHand(key, world) ? undefined : 'an edit by hand was kept';
	}

	const { annotations = {} } = secret.meta;
	if (annotations['jasm.codnod.io/source-path'] !== sync.path) {
		return `holds ${annotations['jasm.codnod.io/source-path']}, the newest pod asks for ${sync.path}`;
	}

	const version = source.version(sync.path, annotations['jasm.codnod.io/source-version']);
	if (!version || !isSelection(version, sync, secret.data ?? {})) {
		return 'holds something else than its version';
	}

	// A read in flight may be shared for a quarter of a second.
	return version.until < ledger.since(pod.meta.uid, name) - 250
		? 'was read before its newest pod appeared'
		: undefined;
}

/** In profile write-only nobody hears of what is done to a Secret. */
const deletedByHand = (key: string, world: World) => world.profile === 'write-only' && world.handled.has(key);
const editedByHand = deletedByHand;

const isNewer = (a: StoredObject, b: StoredObject) => {
	const [at, bt] = [Date.parse(a.meta.creationTimestamp), Date.parse(b.meta.creationTimestamp)];
	return at === bt ? a.meta.uid > b.meta.uid : at > bt;
};

const encode = (text: string) => Buffer.from(text).toString('base64');

function isSelection(
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

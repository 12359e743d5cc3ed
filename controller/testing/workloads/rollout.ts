// What a Deployment wants of its ReplicaSets at this moment, by the rules of the real Deployment controller; pure.
import { createHash } from 'node:crypto';
import { isRecord, type KubeObject, numberAt, sameJson, textAt } from '../api-server/objects/object.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const HASH = 'pod-template-hash';

export type Plan = {
	/** Replicas of the ReplicaSet of the present template, which is to be created where it does not exist. */
	readonly current: { readonly name: string; readonly exists: boolean; readonly replicas: number };
	/** ReplicaSets whose number of replicas changes: name -> replicas. */
	readonly scale: ReadonlyMap<string, number>;
	/** Old ReplicaSets beyond the revisions that are kept. */
	readonly remove: readonly string[];
};

/** The template without the label that the controller itself adds. */
const templateOf = (object: KubeObject): Record<string, unknown> => {
	const template =
		isRecord(object['spec']) && isRecord(object['spec']['template']) ? object['spec']['template'] : {};
	const metadata = isRecord(template['metadata']) ? template['metadata'] : {};
	const { [HASH]: _, ...labels } = isRecord(metadata['labels']) ? metadata['labels'] : {};
	return { ...template, metadata: { ...metadata, labels } };
};

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A short name for a template: equal templates have equal hashes. */
export const templateHash = (deployment: KubeObject): string =>
	[
		...createHash('sha256')
			.update(canonical(templateOf(deployment)))
			.digest()
			.subarray(0, 10),
	]
		.map(byte => ALPHABET[byte % ALPHABET.length])
		.join('');

/** JSON in which the order of keys does not matter. */
const canonical = (value: unknown): string =>
	JSON.stringify(value, (_, inner: unknown) =>
		isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
	);

/** A count or a percentage of the replicas. */
const share = (value: unknown, replicas: number, round: (x: number) => number): number => {
	const text = String(value ?? '0');
	return text.endsWith('%') ? round((Number(text.slice(0, -1)) * replicas) / 100) : Number(text);
};

/** How many pods may be missing or too many during a rollout; never both none. */
export const tolerances = (
	deployment: KubeObject,
): { readonly surge: number; readonly unavailable: number } => {
	const replicas = numberAt(deployment, 'spec', 'replicas');
	const surge = share(
		textAt(deployment, 'spec', 'strategy', 'rollingUpdate', 'maxSurge'),
		replicas,
		Math.ceil,
	);
	const unavailable = share(
		textAt(deployment, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable'),
		replicas,
		Math.floor,
	);
	return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
};

const wanted = (set: KubeObject): number => numberAt(set, 'spec', 'replicas');
const available = (set: KubeObject): number => numberAt(set, 'status', 'availableReplicas');
const sum = (sets: readonly KubeObject[], of: (set: KubeObject) => number): number =>
	sets.reduce((total, set) => total + of(set), 0);
export const revisionOf = (object: KubeObject): number =>
	Number(object.metadata.annotations?.[REVISION] ?? 0);

/** The ReplicaSet of the present template, where it exists. */
export const currentSet = (deployment: KubeObject, sets: readonly KubeObject[]): KubeObject | undefined =>
	sets.find(set => sameJson(templateOf(set), templateOf(deployment)));

/** The next step of a Deployment; `sets` are the ReplicaSets that it owns. */
export const planRollout = (deployment: KubeObject, sets: readonly KubeObject[]): Plan => {
	const replicas = numberAt(deployment, 'spec', 'replicas');
	const present = currentSet(deployment, sets);
	const old = sets.filter(set => set !== present).sort((a, b) => revisionOf(a) - revisionOf(b));
	const scale = new Map<string, number>();
	const scaleOld = (set: KubeObject, to: number): void => void scale.set(set.metadata.name ?? '', to);
	const recreate = textAt(deployment, 'spec', 'strategy', 'type') === 'Recreate';
	const now = present ? wanted(present) : 0;
	let next: number;
	if (recreate) {
		for (const set of old.filter(set => wanted(set) > 0)) {
			scaleOld(set, 0);
		}
		next = sum(old, set => numberAt(set, 'status', 'replicas')) + sum(old, wanted) === 0 ? replicas : now;
	} else {
		const { surge, unavailable } = tolerances(deployment);
		const room = replicas + surge - sum(old, wanted) - now;
		next = now >= replicas ? replicas : now + Math.max(0, Math.min(room, replicas - now));
		shrink(old, present, { least: replicas - unavailable, total: sum(old, wanted) + now }, scaleOld);
	}
	if (present && next !== now) {
		scale.set(present.metadata.name ?? '', next);
	}
	const idle = old.filter(set => wanted(set) === 0 && numberAt(set, 'status', 'replicas') === 0);
	const kept = numberAt(deployment, 'spec', 'revisionHistoryLimit');
	return {
		current: {
			name: present?.metadata.name ?? `${deployment.metadata.name}-${templateHash(deployment)}`,
			exists: present !== undefined,
			replicas: next,
		},
		scale,
		remove: idle.slice(0, Math.max(0, idle.length - kept)).map(set => set.metadata.name ?? ''),
	};
};

/** Takes old pods away: first those that are not available, then as many as the new ones replace. */
const shrink = (
	old: readonly KubeObject[],
	present: KubeObject | undefined,
	{ least, total }: { readonly least: number; readonly total: number },
	scaleTo: (set: KubeObject, replicas: number) => void,
): void => {
	const missing = present ? wanted(present) - available(present) : 0;
	let surplus = total - least - missing;
	const left = new Map(old.map(set => [set, wanted(set)]));
	const take = (set: KubeObject, most: number): void => {
		const taken = Math.max(0, Math.min(most, surplus));
		surplus -= taken;
		left.set(set, left.get(set)! - taken);
	};
	for (const set of old) {
		take(set, wanted(set) - available(set));
	}
	surplus = Math.min(surplus, sum(old, available) + (present ? available(present) : 0) - least);
	for (const set of old) {
		take(set, left.get(set)!);
	}
	for (const [set, replicas] of left) {
		if (replicas !== wanted(set)) {
			scaleTo(set, replicas);
		}
	}
};

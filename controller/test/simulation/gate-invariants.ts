// What must hold for the pods behind the start gate once everything is at rest.
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import { GATE, START_KEY } from '../../src/requests/start-annotation.ts';
import { deadlineOf, type GateLedger, waits } from './gate-ledger.ts';
import { asksOf, isAllowed, newestOf, type Outcome } from './invariants.ts';
import { syncsOf } from './ledger.ts';
import { MANAGED, type StoredObject } from './simulated-cluster.ts';

type Facts = Outcome & {
	readonly gateLedger: GateLedger;
	/** Wall-clock milliseconds. */
	readonly now: number;
	/** The gauge of waiting pods. */
	readonly gauge: number;
};

const startOf = ({ meta }: StoredObject) => meta.annotations?.[START_KEY];

/** Every invariant of the gate that does not hold, in words. */
export function gateViolations(facts: Facts): string[] {
	const { cluster, gateLedger, gauge } = facts;
	const found = [...gateLedger.faults];
	const held = cluster.livePods.filter(({ meta }) => meta.annotations?.[ANNOTATION_KEY] !== undefined);
	const waiting = held.filter(pod => waits(startOf(pod)));
	if (gauge !== waiting.length) {
		found.push(`the gauge shows ${gauge} waiting pods of ${waiting.length}`);
	}

	for (const pod of held) {
		const reason = waits(startOf(pod)) ? couldGo(pod, facts) : freedByHand(pod, gateLedger);
		if (reason !== undefined) {
			found.push(`${pod.meta.namespace}/${pod.meta.name}: stays gated, but ${reason}`);
		}
	}

	return found;
}

const freedByHand = ({ meta, gates = [] }: StoredObject, ledger: GateLedger) =>
	gates.includes(GATE) && !ledger.freedUnseen(meta) ? 'a person freed it' : undefined;

/** Why the waiting pod should have started; undefined where it is right that it waits. */
function couldGo(pod: StoredObject, { cluster, source, ledger, now }: Facts): string | undefined {
	const { meta } = pod;
	if (now >= deadlineOf(meta, startOf(pod))) {
		return 'its deadline passed';
	}

	const asks = asksOf(cluster);
	const syncs = syncsOf(meta);
	const blocked = syncs.some(sync => {
		const key = `${meta.namespace}/${sync.secretName}`;
		const target = cluster.get('secrets', { namespace: meta.namespace, name: sync.secretName });
		return (
			!isAllowed(meta.namespace, sync.path) ||
			source.current(sync.path) === undefined ||
			(target !== undefined && target.meta.labels?.[MANAGED] !== 'jasm') ||
			newestOf(asks.get(key)!, ledger).some(other => other.sync.spec !== sync.spec)
		);
	});
	return syncs.length === 0 || blocked ? undefined : 'each of its Secrets can be written';
}

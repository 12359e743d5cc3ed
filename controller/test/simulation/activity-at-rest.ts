// With nothing wrong and nothing new JASM reads, writes and releases nothing.
import { syncsOf } from './ledger.ts';
import { MANAGED, type SimulatedCluster } from './simulated-cluster.ts';
import type { Source } from './source.ts';

export type Counts = { readonly writes: number; readonly reads: number; readonly releases: number };

/** With nothing wrong and nothing new, nothing is read and nothing is written. */
export function activityAtRest(
	before: Counts,
	after: Counts,
	source: Source,
	cluster: SimulatedCluster,
): string[] {
	const failing = cluster.livePods.some(({ meta }) =>
		syncsOf(meta).some(sync => {
			const target = cluster.get('secrets', { namespace: meta.namespace, name: sync.secretName });
			return source.current(sync.path) === undefined || (target && target.meta.labels?.[MANAGED] !== 'jasm');
		}),
	);
	return [
		...(!failing && after.reads > before.reads ? [`${after.reads - before.reads} reads at rest`] : []),
		...(!failing && after.writes > before.writes ? [`${after.writes - before.writes} writes at rest`] : []),
		...(after.releases > before.releases ? [`${after.releases - before.releases} releases at rest`] : []),
	];
}

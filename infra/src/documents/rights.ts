// The rights of the controller as data: exactly the verbs that it uses, by profile; pure.
import { LEASE, type Profile, RESTART_SENTINEL } from './contract.ts';

/** One rule of a Role or ClusterRole. */
export type Rule = {
	readonly apiGroups: string[];
	readonly resources: string[];
	readonly resourceNames?: string[];
	readonly verbs: string[];
};

/**
 * Rights in the whole cluster. Never `patch` on Secrets: the answer to a PATCH carries the object, and
 * even a refused JSON Patch can be made to quote a value, so `patch` is a right to read. `release` gives `patch` on
 * pods, only together with the policy of release-guard.ts: without it, `patch` on pods is the whole cluster.
 */
export function clusterRules(profile: Profile, { release = false }: { release?: boolean } = {}): Rule[] {
	const secrets =
		profile === 'self-heal' ? ['create', 'get', 'list', 'update', 'watch'] : ['create', 'update'];
	return [
		{ apiGroups: [''], resources: ['pods'], verbs: release ? ['list', 'patch', 'watch'] : ['list', 'watch'] },
		{ apiGroups: [''], resources: ['secrets'], verbs: secrets },
		{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
	];
}

/** Rights in JASM's own namespace; `create` cannot be narrowed by name, so it stands alone. */
export function leaseRules(): Rule[] {
	const lease = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
	return [
		{ ...lease, verbs: ['create'] },
		{ ...lease, resourceNames: [LEASE], verbs: ['get', 'update'] },
	];
}

/**
 * The right to restart workloads, for a ClusterRole that is bound in each listed namespace and never in the whole
 * cluster. `patch` reads: with it, JASM's token sees the pod templates of these namespaces. Only together with the
 * policy of restart-guard.ts.
 */
export function restartRules(): Rule[] {
	return [
		{ apiGroups: ['apps'], resources: ['daemonsets', 'deployments', 'statefulsets'], verbs: ['patch'] },
	];
}

/** The right to try a restart of the sentinel, in JASM's own namespace: no other workload there is in reach. */
export function sentinelRules(): Rule[] {
	return [
		{ apiGroups: ['apps'], resources: ['deployments'], resourceNames: [RESTART_SENTINEL], verbs: ['patch'] },
	];
}

// Names the workload that a pod belongs to, from the pod's metadata alone. Pure.
import type { ObjectMeta } from '../kubernetes/types.ts';

/** The workloads whose pod template can be restarted. */
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

export type Workload = { readonly kind: WorkloadKind; readonly namespace: string; readonly name: string };

export const workloadKeyOf = ({ kind, namespace, name }: Workload): string => `${kind}/${namespace}/${name}`;

/** The workload in words, such as `Deployment 'api'`. */
export const nameOfWorkload = ({ kind, name }: Workload): string => `${kind} '${name}'`;

/** Owner and labels as a pod carries them. Both can be forged by the right to create pods, within its namespace only. */
export type PodMeta = Pick<ObjectMeta, 'namespace' | 'ownerReferences'> & {
	readonly labels?: Readonly<Record<string, string>>;
};

/** The workload of the pod; undefined where none can be restarted: a Job, a bare pod, an unknown owner. */
export function workloadOf({ namespace, labels, ownerReferences }: PodMeta): Workload | undefined {
	const owner = ownerReferences?.find(isController);
	if (
		owner === undefined ||
		namespace === undefined ||
		namespace === '' ||
		group(owner.apiVersion) !== 'apps'
	) {
		return undefined;
	}

	switch (owner.kind) {
		case 'StatefulSet':
		case 'DaemonSet':
			return { kind: owner.kind, namespace, name: owner.name };
		case 'ReplicaSet':
			return deploymentOf(owner.name, namespace, labels?.['pod-template-hash']);
		default:
			return undefined;
	}
}

/** A Deployment names its ReplicaSets after itself and the hash: reading the ReplicaSet would show pod templates. */
function deploymentOf(replicaSet: string, namespace: string, hash: string | undefined): Workload | undefined {
	const suffix = `-${hash}`;
	if (!hash || !replicaSet.endsWith(suffix) || replicaSet.length === suffix.length) {
		return undefined;
	}

	return { kind: 'Deployment', namespace, name: replicaSet.slice(0, -suffix.length) };
}

type Owner = { readonly apiVersion: string; readonly kind: string; readonly name: string };

function isController(reference: unknown): reference is Owner {
	const { apiVersion, kind, name, controller } = (reference ?? {}) as Partial<Record<string, unknown>>;
	return (
		controller === true &&
		typeof apiVersion === 'string' &&
		typeof kind === 'string' &&
		typeof name === 'string' &&
		name !== ''
	);
}

const group = (apiVersion: string): string => apiVersion.split('/', 1)[0] ?? '';

// The scale of Deployments, ReplicaSets and StatefulSets: their replicas under a shape that all workloads share.
import type { Kind, View } from './kinds.ts';
import { isRecord, type KubeObject, numberAt, textAt } from './object.ts';
import { invalid, invalidValue } from './status.ts';

export const isScalable = ({ kind }: Kind): boolean =>
	kind === 'Deployment' || kind === 'ReplicaSet' || kind === 'StatefulSet';

/** `autoscaling/v1` Scale of a workload. */
export const scaleOf = (object: KubeObject): Record<string, unknown> => {
	const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
	const labels =
		isRecord(object['spec']) && isRecord(object['spec']['selector'])
			? object['spec']['selector']['matchLabels']
			: undefined;
	return {
		kind: 'Scale',
		apiVersion: 'autoscaling/v1',
		metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
		spec: { replicas: numberAt(object, 'spec', 'replicas') },
		status: {
			replicas: numberAt(object, 'status', 'replicas'),
			selector: Object.entries(isRecord(labels) ? labels : {})
				.map(([key, value]) => `${key}=${value}`)
				.sort()
				.join(','),
		},
	};
};

/** The workload with the replicas of a Scale; its version is the precondition where the Scale carries one. Throws 422. */
export const scaledObject = (object: KubeObject, view: View, scale: unknown): KubeObject => {
	const replicas = numberAt(scale, 'spec', 'replicas');
	if (replicas < 0) {
		throw invalid({ group: 'autoscaling', plural: 'Scale' }, object.metadata.name ?? '', [
			invalidValue('spec.replicas', String(replicas), 'must be greater than or equal to 0'),
		]);
	}
	const resourceVersion = textAt(scale, 'metadata', 'resourceVersion');
	return {
		...object,
		kind: view.kind,
		apiVersion: view.apiVersion,
		metadata: { ...object.metadata, resourceVersion },
		spec: { ...(isRecord(object['spec']) ? object['spec'] : {}), replicas },
	};
};

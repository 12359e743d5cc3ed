// What the server fills in where a writer left it out.
import { defaultEvent } from './event-views.ts';
import { isRecord, type KubeObject } from './object.ts';

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** `latest`, named or implied, is pulled always. */
const pullPolicy = (image: unknown): string =>
	/:[^/]+$/.test(String(image)) && !String(image).endsWith(':latest') ? 'IfNotPresent' : 'Always';

const container = (given: unknown): unknown => {
	const { ports, ...rest } = recordOf(given);
	return {
		...rest,
		...(Array.isArray(ports) ? { ports: ports.map(port => ({ protocol: 'TCP', ...recordOf(port) })) } : {}),
		resources: rest['resources'] ?? {},
		terminationMessagePath: rest['terminationMessagePath'] ?? '/dev/termination-log',
		terminationMessagePolicy: rest['terminationMessagePolicy'] ?? 'File',
		imagePullPolicy: rest['imagePullPolicy'] ?? pullPolicy(rest['image']),
	};
};

const containersIn = (spec: Record<string, unknown>): Record<string, unknown> =>
	Object.fromEntries(
		['containers', 'initContainers']
			.filter(field => Array.isArray(spec[field]))
			.map(field => [field, (spec[field] as unknown[]).map(container)]),
	);

const podSpec = (spec: unknown): Record<string, unknown> => ({
	restartPolicy: 'Always',
	terminationGracePeriodSeconds: 30,
	dnsPolicy: 'ClusterFirst',
	securityContext: {},
	schedulerName: 'default-scheduler',
	...recordOf(spec),
	...containersIn(recordOf(spec)),
});

const defaultPod = (object: KubeObject): void => {
	object['spec'] = { serviceAccountName: 'default', ...podSpec(object['spec']) };
};

const defaultRole = (object: KubeObject): void => {
	const ref = object['roleRef'];
	if (isRecord(ref)) {
		object['roleRef'] = { apiGroup: 'rbac.authorization.k8s.io', ...ref };
	}
};

/** A workload's replicas and the pod of its template. */
const workloadSpec = (object: KubeObject): Record<string, unknown> => {
	const spec = recordOf(object['spec']);
	const template = recordOf(spec['template']);
	const { creationTimestamp: _, ...metadata } = recordOf(template['metadata']);
	return { replicas: 1, ...spec, template: { ...template, metadata, spec: podSpec(template['spec']) } };
};

const defaultReplicaSet = (object: KubeObject): void => {
	object['spec'] = workloadSpec(object);
};

const defaultDeployment = (object: KubeObject): void => {
	const spec = workloadSpec(object);
	const strategy = { type: 'RollingUpdate', ...recordOf(spec['strategy']) } as Record<string, unknown>;
	if (strategy['type'] === 'RollingUpdate') {
		strategy['rollingUpdate'] = {
			maxUnavailable: '25%',
			maxSurge: '25%',
			...recordOf(strategy['rollingUpdate']),
		};
	}
	object['spec'] = { revisionHistoryLimit: 10, progressDeadlineSeconds: 600, ...spec, strategy };
};

const updateStrategy = (spec: Record<string, unknown>, rolling: object): Record<string, unknown> => {
	const strategy = { type: 'RollingUpdate', ...recordOf(spec['updateStrategy']) } as Record<string, unknown>;
	return strategy['type'] === 'RollingUpdate'
		? { ...strategy, rollingUpdate: { ...rolling, ...recordOf(strategy['rollingUpdate']) } }
		: strategy;
};

const defaultStatefulSet = (object: KubeObject): void => {
	const spec = workloadSpec(object);
	object['spec'] = {
		podManagementPolicy: 'OrderedReady',
		revisionHistoryLimit: 10,
		persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
		...spec,
		updateStrategy: updateStrategy(spec, { partition: 0, maxUnavailable: 1 }),
	};
};

const defaultDaemonSet = (object: KubeObject): void => {
	const { replicas: _, ...spec } = workloadSpec(object);
	object['spec'] = {
		revisionHistoryLimit: 10,
		...spec,
		updateStrategy: updateStrategy(spec, { maxUnavailable: 1, maxSurge: 0 }),
	};
};

const byKind: Readonly<Record<string, (object: KubeObject) => void>> = {
	Event: defaultEvent,
	Pod: defaultPod,
	Deployment: defaultDeployment,
	ReplicaSet: defaultReplicaSet,
	StatefulSet: defaultStatefulSet,
	DaemonSet: defaultDaemonSet,
	RoleBinding: defaultRole,
	ClusterRoleBinding: defaultRole,
};

/** Fills the defaults of an object that is about to be written, in place. */
export const fillDefaults = (kind: string, object: KubeObject): void => byKind[kind]?.(object);

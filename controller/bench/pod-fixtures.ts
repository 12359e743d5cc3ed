// Pods as a Deployment makes them: some 13 kB whole, half of that metadata with the fields of two managers.
import type { KubeObject } from '../testing/index.ts';

/** A pod of the benchmark. By default, a pod that asks for a Secret asks for one of its own name. */
export type Pod = {
	readonly namespace: string;
	readonly name: string;
	/** The Secret it asks for; none: an ordinary pod. */
	readonly secretName?: string;
	/** Waits behind the start gate. */
	readonly gated?: boolean;
	/** Default: the benchmark's provider, and a path that follows from the Secret. */
	readonly source?: { readonly provider: string; readonly path: string };
};

export const ANNOTATION = 'jasm.codnod.io/secret-sync';
const START = 'jasm.codnod.io/start';
const GATE = 'jasm.codnod.io/secret';
export const PROVIDER = 'aws-secretsmanager';
/** Every namespace of a benchmark begins so. */
export const PREFIX = 'bench-';

/** Where the value of a Secret lives in the provider. */
export const pathOf = (namespace: string, secretName: string): string => `/bench/${namespace}/${secretName}`;

/** `count` pods spread over namespaces, every `every`th of them asks for a Secret of its own. */
export function podsOf(options: {
	readonly count: number;
	readonly namespaces: number;
	/** Part of the names, so that sets of pods do not meet. */
	readonly set: string;
	/** 1: all ask for a Secret, 0: none. */
	readonly every: number;
}): Pod[] {
	const { count, namespaces, set, every } = options;
	return Array.from({ length: count }, (_, index) => {
		const name = `web-7c9f6d5b8d-${set}-${index}`;
		return {
			namespace: `${PREFIX}${set}-${index % namespaces}`,
			name,
			...(every > 0 && index % every === 0 && { secretName: name }),
		};
	});
}

/** The pod's manifest as it is created: without status, versions and managers. */
export function manifestOf({ namespace, name, secretName, source, gated = false }: Pod): KubeObject {
	const { provider, path } = source ?? { provider: PROVIDER, path: pathOf(namespace, secretName ?? '') };
	const annotation =
		secretName === undefined
			? {}
			: {
					[ANNOTATION]: `provider: ${provider}\npath: ${path}\nsecretName: ${secretName}\n`,
				};
	return {
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: {
			name,
			namespace,
			labels: {
				'app.kubernetes.io/name': 'web',
				'app.kubernetes.io/part-of': 'shop',
				'pod-template-hash': '7c9f6d5b8d',
			},
			annotations: {
				'prometheus.io/scrape': 'true',
				'prometheus.io/port': '9090',
				...annotation,
				...(gated && { [START]: 'after-sync' }),
			},
		},
		spec: gated ? { ...SPEC, schedulingGates: [{ name: GATE }] } : SPEC,
	};
}

/** The status that a kubelet would write; `round` makes it differ from the last one. */
export const statusOf = (round: number): Record<string, unknown> => ({
	phase: 'Running',
	conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(type => ({
		type,
		status: 'True',
		lastProbeTime: null,
		lastTransitionTime: '2026-01-02T03:04:05Z',
	})),
	hostIP: '10.0.0.7',
	podIP: `10.1.${(round >> 8) & 255}.${round & 255}`,
	message: `round ${round}`,
});

const container = (name: string) => ({
	name,
	image: `registry.example.com/shop/${name}:1.42.0`,
	imagePullPolicy: 'IfNotPresent',
	env: Array.from({ length: 13 }, (_, index) => ({
		name: `SHOP_SETTING_NUMBER_${index}`,
		value: `value-of-the-setting-${index}`,
	})),
	ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
	resources: { limits: { memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
	...Object.fromEntries(
		['livenessProbe', 'readinessProbe'].map(probe => [
			probe,
			{
				httpGet: { path: '/health', port: 8080, scheme: 'HTTP' },
				periodSeconds: 10,
				timeoutSeconds: 1,
				successThreshold: 1,
				failureThreshold: 3,
			},
		]),
	),
	terminationMessagePath: '/dev/termination-log',
	terminationMessagePolicy: 'File',
});

const SPEC = {
	containers: [container('web'), container('sidecar')],
	restartPolicy: 'Always',
	terminationGracePeriodSeconds: 30,
	dnsPolicy: 'ClusterFirst',
	// No scheduler has this name: the pods cost the cluster nothing after their creation.
	schedulerName: 'none',
	enableServiceLinks: true,
};

/** Ownership of fields as the API server tracks it: lists by the name of their items. */
function ownedFields(value: unknown): Record<string, unknown> {
	if (Array.isArray(value)) {
		return Object.fromEntries(
			value.map(item => [
				`k:${JSON.stringify(nameOf(item))}`,
				{ '.': {}, ...ownedFields(item as Record<string, unknown>) },
			]),
		);
	}

	if (typeof value !== 'object' || value === null) {
		return {};
	}

	return Object.fromEntries(Object.entries(value).map(([key, field]) => [`f:${key}`, ownedFields(field)]));
}

function nameOf(item: Record<string, unknown>): Record<string, unknown> {
	const key = ['containerPort', 'type', 'name'].find(field => field in item)!;
	return { [key]: item[key] };
}

/** What a real API server would have added to a pod that runs. */
export function storedForm(pod: Pod, { uid, round }: { uid: string; round: number }): KubeObject {
	const { metadata, ...manifest } = manifestOf(pod);
	return {
		...manifest,
		metadata: {
			...metadata,
			uid,
			managedFields: [
				{
					manager: 'kube-controller-manager',
					operation: 'Update',
					apiVersion: 'v1',
					time: '2026-01-02T03:04:05Z',
					fieldsType: 'FieldsV1',
					fieldsV1: SPEC_OWNERSHIP,
				},
				{
					manager: 'kubelet',
					operation: 'Update',
					apiVersion: 'v1',
					time: '2026-01-02T03:04:06Z',
					fieldsType: 'FieldsV1',
					fieldsV1: STATUS_OWNERSHIP,
					subresource: 'status',
				},
			],
		},
		status: pod.gated ? { phase: 'Pending' } : statusOf(round),
	};
}

const SPEC_OWNERSHIP = {
	'f:metadata': {
		'f:annotations': { '.': {}, 'f:prometheus.io/port': {}, 'f:prometheus.io/scrape': {} },
		'f:labels': { '.': {}, 'f:app.kubernetes.io/name': {}, 'f:pod-template-hash': {} },
	},
	'f:spec': ownedFields(SPEC),
};
const STATUS_OWNERSHIP = { 'f:status': ownedFields(statusOf(0)) };

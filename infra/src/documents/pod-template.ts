// The controller's pod as data: probes, limits, hardening, files, environment; pure.
import type * as k8s from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { CONFIG_FILE, PORTS, PROBES } from './contract.ts';
import { labels, SELECTOR } from './labels.ts';
import { CONFINED_CONTAINER, confinedPod, type Ids } from './pod-security.ts';
import type { Requirements } from './requirements.ts';

type Input<T> = pulumi.Input<T>;
type List<T> = Input<Input<T>[]>;
type Texts = Input<Record<string, Input<string>>>;
type PodTemplateSpec = k8s.types.input.core.v1.PodTemplateSpec;

/** Secret of JASM's namespace with credentials for development; a person makes it, an installation never does. */
export const DEVELOPMENT_ENVIRONMENT = 'jasm-development-environment';

/** What a cluster or a team may want different in the pod. The lists come in addition to those of the installation. */
export type PodSettings = {
	/** `requests` and `limits`: the one that is given replaces the default as a whole. */
	readonly resources?: Input<k8s.types.input.core.v1.ResourceRequirements> | undefined;
	readonly nodeSelector?: Texts | undefined;
	readonly tolerations?: List<k8s.types.input.core.v1.Toleration> | undefined;
	/** In place of the preference for different nodes. */
	readonly affinity?: Input<k8s.types.input.core.v1.Affinity> | undefined;
	readonly topologySpreadConstraints?: List<k8s.types.input.core.v1.TopologySpreadConstraint> | undefined;
	/** Names of Secrets of JASM's namespace. */
	readonly imagePullSecrets?: List<string> | undefined;
	/** Default `IfNotPresent`. */
	readonly imagePullPolicy?: Input<string> | undefined;
	readonly labels?: Texts | undefined;
	readonly annotations?: Texts | undefined;
	readonly env?: List<k8s.types.input.core.v1.EnvVar> | undefined;
	readonly envFrom?: List<k8s.types.input.core.v1.EnvFromSource> | undefined;
	readonly volumes?: List<k8s.types.input.core.v1.Volume> | undefined;
	readonly volumeMounts?: List<k8s.types.input.core.v1.VolumeMount> | undefined;
	/** Who gives the pod its user and group ids. Default: the image, on OpenShift the platform. */
	readonly ids?: Ids | undefined;
};

/** The parts of the pod that follow from the configuration; the lists are complete. */
export type PodParts = Required<Pick<PodSettings, 'env' | 'envFrom' | 'volumes' | 'volumeMounts'>>;

export type PodTemplate = PodParts & {
	readonly image: Input<string>;
	readonly ports: List<ContainerPort>;
	readonly serviceAccount: Input<string>;
	readonly args: List<string>;
	readonly resources: Input<k8s.types.input.core.v1.ResourceRequirements>;
	readonly labels: Texts;
	readonly annotations: Texts;
	readonly imagePullSecrets: List<k8s.types.input.core.v1.LocalObjectReference> | undefined;
	readonly priorityClass: Input<string> | undefined;
	readonly ids: Ids;
	readonly settings: PodSettings;
};

/** Enough for 10,000 pods. */
export const RESOURCES = { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1', memory: '100Mi' } };

/** Builds the pod template. */
export function podTemplate(pod: PodTemplate): PodTemplateSpec {
	const { settings } = pod;
	return {
		metadata: { labels: pod.labels, annotations: pod.annotations },
		spec: {
			serviceAccountName: pod.serviceAccount,
			enableServiceLinks: false,
			...present({
				priorityClassName: pod.priorityClass,
				nodeSelector: settings.nodeSelector,
				tolerations: settings.tolerations,
				topologySpreadConstraints: settings.topologySpreadConstraints,
				imagePullSecrets: pod.imagePullSecrets,
			}),
			// The controller needs at most 25 s to finish its writes and to release the Lease.
			terminationGracePeriodSeconds: 30,
			securityContext: confinedPod(pod.ids),
			affinity: settings.affinity ?? APART,
			containers: [
				{
					name: 'controller',
					image: pod.image,
					imagePullPolicy: settings.imagePullPolicy ?? 'IfNotPresent',
					args: pod.args,
					env: pod.env,
					envFrom: pod.envFrom,
					ports: pod.ports,
					startupProbe: { ...probe(PROBES.startup), periodSeconds: 1, failureThreshold: 60 },
					livenessProbe: { ...probe(PROBES.live), periodSeconds: 20, failureThreshold: 3 },
					readinessProbe: { ...probe(PROBES.ready), periodSeconds: 5, failureThreshold: 3 },
					resources: pod.resources,
					securityContext: CONFINED_CONTAINER,
					// The last lines of the log, where `kubectl describe pod` shows why the controller ended.
					terminationMessagePolicy: 'FallbackToLogsOnError',
					volumeMounts: pod.volumeMounts,
				},
			],
			volumes: pod.volumes,
		},
	};
}

/** Labels that the Deployment and the Service select by win over those of the settings. */
export const OWN_LABELS = { ...SELECTOR, ...labels('controller') };

/** Environment variables that every pod gets, with the values that only a pod has. */
export const POD_VARIABLES = [
	{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
	{ name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
];

export const DEVELOPMENT_VARIABLES = [{ secretRef: { name: DEVELOPMENT_ENVIRONMENT, optional: true } }];

type ContainerPort = { readonly name: string; readonly containerPort: number; readonly protocol: 'TCP' };

/** The ports of metrics and probes, and those to which senders of change notices post. */
export function containerPorts(listeners: Requirements['listeners']): ContainerPort[] {
	const own = Object.entries(PORTS).map(([name, port]) => ({ name, port }));
	return [...own, ...listeners].map(({ name, port }) => ({ name, containerPort: port, protocol: 'TCP' }));
}

/** The controller's flags. */
export function flags(leaderElection: boolean, logLevel: string | undefined): string[] {
	return [
		...['--config', CONFIG_FILE, `--leader-elect=${leaderElection}`],
		...(logLevel === undefined ? [] : [`--zap-log-level=${logLevel}`]),
	];
}

/** Replicas on different nodes, in clusters with several. */
const APART = {
	podAntiAffinity: {
		preferredDuringSchedulingIgnoredDuringExecution: [
			{
				weight: 100,
				podAffinityTerm: { labelSelector: { matchLabels: SELECTOR }, topologyKey: 'kubernetes.io/hostname' },
			},
		],
	},
};

function probe(path: string) {
	return { httpGet: { path, port: 'health' }, timeoutSeconds: 2 };
}

/** The fields that have a value. */
function present<T extends object>(fields: T): { [Field in keyof T]?: NonNullable<T[Field]> } {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

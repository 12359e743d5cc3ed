// The controller's pod as data: probes, limits, hardening, files, identity in AWS; pure.
import { AWS_TOKEN_DIRECTORY, CONFIG_FILE, PORTS, PROBES } from './contract.ts';
import { labels, SELECTOR } from './labels.ts';
import type { PodFiles } from './pod-files.ts';

/** The user of distroless images; a token file is readable for it through the same group. */
const USER = 65_532;

/** What every container of the installation is confined to. */
export const CONFINED = {
	allowPrivilegeEscalation: false,
	capabilities: { drop: ['ALL'] },
	privileged: false,
	readOnlyRootFilesystem: true,
};

/** What every pod of the installation is confined to. */
export const UNPRIVILEGED = {
	fsGroup: USER,
	runAsGroup: USER,
	runAsNonRoot: true,
	runAsUser: USER,
	seccompProfile: { type: 'RuntimeDefault' },
};

/** Secret of JASM's namespace with credentials for development; a person makes it, an installation never does. */
export const DEVELOPMENT_ENVIRONMENT = 'jasm-development-environment';

export type PodTemplate<T> = {
	readonly image: T;
	readonly serviceAccount: T;
	readonly configHash: string;
	readonly leaderElection: boolean;
	readonly replicas: number;
	readonly priorityClass: string | undefined;
	/** The controller's AWS identity; undefined where no provider of the installation is AWS. */
	readonly aws: { readonly region: string; readonly roleArn: T } | undefined;
	/** The config file, and what stores other than AWS need. */
	readonly files: Pick<PodFiles, 'env' | 'volumes' | 'mounts'>;
	/** Reads credentials for development from a Secret that a person made. */
	readonly developmentEnvironment: boolean;
};

/** Builds the pod template; values of type T may still be unknown to the caller. */
export function podTemplate<T>(pod: PodTemplate<T>) {
	const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
	return {
		metadata: {
			labels: { ...SELECTOR, ...labels('controller') },
			// A change of the config file rolls the pods.
			annotations: { 'jasm.codnod.io/config-hash': pod.configHash },
		},
		spec: {
			serviceAccountName: pod.serviceAccount,
			enableServiceLinks: false,
			...(pod.priorityClass === undefined ? {} : { priorityClassName: pod.priorityClass }),
			// Released lease, finished writes: the controller needs no more than 25 s.
			terminationGracePeriodSeconds: 30,
			securityContext: UNPRIVILEGED,
			...(pod.replicas > 1 ? { affinity: apart() } : {}),
			containers: [
				{
					name: 'controller',
					image: pod.image,
					imagePullPolicy: 'IfNotPresent',
					args: ['--config', CONFIG_FILE, `--leader-elect=${pod.leaderElection}`],
					env: [
						field('POD_NAME', 'metadata.name'),
						field('POD_NAMESPACE', 'metadata.namespace'),
						// The node's own role is never a fallback.
						{ name: 'AWS_EC2_METADATA_DISABLED', value: 'true' },
						...(pod.aws === undefined ? [] : awsEnvironment(pod.aws)),
						...pod.files.env,
					],
					...(pod.developmentEnvironment
						? { envFrom: [{ secretRef: { name: DEVELOPMENT_ENVIRONMENT, optional: true } }] }
						: {}),
					ports: [
						{ name: 'metrics', containerPort: PORTS.metrics, protocol: 'TCP' },
						{ name: 'health', containerPort: PORTS.health, protocol: 'TCP' },
					],
					startupProbe: { ...probe(PROBES.startup), periodSeconds: 1, failureThreshold: 60 },
					livenessProbe: { ...probe(PROBES.live), periodSeconds: 20, failureThreshold: 3 },
					readinessProbe: { ...probe(PROBES.ready), periodSeconds: 5, failureThreshold: 3 },
					resources: {
						requests: { cpu: '50m', memory: '64Mi' },
						limits: { cpu: '1', memory: '100Mi' },
					},
					securityContext: CONFINED,
					volumeMounts: [
						...pod.files.mounts,
						...(pod.aws === undefined
							? []
							: [{ name: TOKEN, mountPath: AWS_TOKEN_DIRECTORY, readOnly: true }]),
					],
				},
			],
			volumes: [...pod.files.volumes, ...(pod.aws === undefined ? [] : [tokenVolume()])],
		},
	};
}

/** The EKS webhook's name for this volume: finding it, the webhook leaves the pod as it is. */
const TOKEN = 'aws-iam-token';

function tokenVolume() {
	const serviceAccountToken = { audience: 'sts.amazonaws.com', expirationSeconds: 3600, path: 'token' };
	return { name: TOKEN, projected: { sources: [{ serviceAccountToken }] } };
}

function awsEnvironment<T>({ region, roleArn }: { region: string; roleArn: T }) {
	return [
		{ name: 'AWS_REGION', value: region },
		{ name: 'AWS_ROLE_ARN', value: roleArn },
		{ name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${AWS_TOKEN_DIRECTORY}/token` },
		{ name: 'AWS_STS_REGIONAL_ENDPOINTS', value: 'regional' },
	];
}

/** Replicas on different nodes where there are several. */
function apart() {
	const podAffinityTerm = { labelSelector: { matchLabels: SELECTOR }, topologyKey: 'kubernetes.io/hostname' };
	return {
		podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
	};
}

function probe(path: string) {
	return { httpGet: { path, port: 'health' }, timeoutSeconds: 2 };
}

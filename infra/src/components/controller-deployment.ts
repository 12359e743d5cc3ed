// Component: the running controller: config file, Deployment, Services, disruption budget, monitor.
import { createHash } from 'node:crypto';
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { CONFIG_FILE, NAME, PORTS, type Profile } from '../documents/contract.ts';
import { type ControllerConfig, configFile } from '../documents/controller-config.ts';
import { labels, SELECTOR } from '../documents/labels.ts';
import type { PodFiles } from '../documents/pod-files.ts';
import type { Ids } from '../documents/pod-security.ts';
import {
	containerPorts,
	DEVELOPMENT_VARIABLES,
	flags,
	OWN_LABELS,
	POD_VARIABLES,
	type PodParts,
	type PodSettings,
	podTemplate,
	RESOURCES,
} from '../documents/pod-template.ts';
import type { Requirements } from '../documents/requirements.ts';
import { WEBHOOK } from '../documents/webhooks.ts';

export type ControllerDeploymentArgs = {
	readonly namespace: pulumi.Input<string>;
	readonly serviceAccountName: pulumi.Input<string>;
	readonly image: pulumi.Input<string>;
	readonly profile: Profile;
	/** The checked configuration, and what follows from it. */
	readonly controller: pulumi.Output<ControllerConfig>;
	readonly requirements: pulumi.Output<Requirements>;
	readonly files: pulumi.Output<PodFiles>;
	readonly replicas: pulumi.Input<number>;
	/** Declares the disruption budget, which a single replica does not need. */
	readonly several: boolean;
	/** Declares the Service to which senders post change notices. */
	readonly listens: boolean;
	readonly aws?: AwsArgs | undefined;
	readonly logLevel?: pulumi.Input<string> | undefined;
	readonly priorityClass?: pulumi.Input<string> | undefined;
	readonly pod: PodSettings;
	readonly ids: Ids;
	/** Declares a ServiceMonitor of the Prometheus operator, whose types must be installed. */
	readonly serviceMonitor: boolean;
};

/** What the controller is given of AWS. */
export type AwsArgs = {
	/** The region of providers that name none, and of STS. */
	readonly region?: pulumi.Input<string> | undefined;
	/** The role that the controller takes by its ServiceAccount token; none with EKS Pod Identity. */
	readonly roleArn?: pulumi.Input<string> | undefined;
};

export class ControllerDeployment extends pulumi.ComponentResource {
	readonly deploymentName: pulumi.Output<string>;

	constructor(name: string, args: ControllerDeploymentArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerDeployment', name, {}, options);
		const child = { parent: this };
		const metadata = { name: NAME, namespace: args.namespace, labels: labels('controller') };
		const file = args.controller.apply(config => configFile(config, args.profile));
		const config = new k8s.core.v1.ConfigMap(
			`${name}-config`,
			{ metadata, data: { [CONFIG_FILE.slice(CONFIG_FILE.lastIndexOf('/') + 1)]: file } },
			{ ...child, deleteBeforeReplace: true },
		);
		const deployment = new k8s.apps.v1.Deployment(
			name,
			{
				metadata,
				spec: {
					replicas: args.replicas,
					revisionHistoryLimit: 3,
					selector: { matchLabels: SELECTOR },
					strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
					template: this.#template(args, file),
				},
			},
			{ ...child, dependsOn: config, customTimeouts: { create: '2m', update: '2m' } },
		);
		new k8s.core.v1.Service(
			`${name}-metrics`,
			{
				metadata: { ...metadata, name: `${NAME}-metrics` },
				spec: {
					type: 'ClusterIP',
					selector: SELECTOR,
					ports: [{ name: 'metrics', port: PORTS.metrics, targetPort: 'metrics', protocol: 'TCP' }],
				},
			},
			// Endpoints exist once pods are ready; waiting for them would only repeat the Deployment's wait.
			{ ...child, dependsOn: deployment },
		);
		if (args.listens) {
			const ports = args.requirements.apply(({ listeners }) =>
				listeners.map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
			);
			new k8s.core.v1.Service(
				`${name}-webhook`,
				{
					metadata: { ...metadata, name: WEBHOOK },
					spec: { type: 'ClusterIP', selector: SELECTOR, ports },
				},
				{ ...child, dependsOn: deployment },
			);
		}
		if (args.several) {
			new k8s.policy.v1.PodDisruptionBudget(
				name,
				// Never blocks the drain of a node, whatever the number of replicas.
				{ metadata, spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } } },
				child,
			);
		}
		if (args.serviceMonitor) {
			new k8s.apiextensions.CustomResource(
				`${name}-monitor`,
				{
					apiVersion: 'monitoring.coreos.com/v1',
					kind: 'ServiceMonitor',
					metadata,
					spec: {
						selector: { matchLabels: labels('controller') },
						endpoints: [{ port: 'metrics', interval: '30s' }],
					},
				},
				child,
			);
		}
		this.deploymentName = deployment.metadata.name;
		this.registerOutputs({ deploymentName: this.deploymentName });
	}

	#template(args: ControllerDeploymentArgs, file: pulumi.Output<string>) {
		const { pod, replicas, logLevel } = args;
		// A change of the config file rolls the pods.
		const configHash = file.apply(text => createHash('sha256').update(text).digest('hex').slice(0, 16));
		const pullSecrets = pod.imagePullSecrets && pulumi.output(pod.imagePullSecrets);
		return podTemplate({
			...partsOf(args),
			image: args.image,
			ports: args.requirements.apply(({ listeners }) => containerPorts(listeners)),
			serviceAccount: args.serviceAccountName,
			args: pulumi
				.all([replicas, logLevel])
				.apply(([count, level]) => flags(args.several && count > 1, level || undefined)),
			resources: pulumi.output(pod.resources).apply(given => ({ ...RESOURCES, ...given })),
			labels: pulumi.output(pod.labels).apply(extra => ({ ...extra, ...OWN_LABELS })),
			annotations: pulumi
				.all([pod.annotations, configHash])
				.apply(([extra, hash]) => ({ ...extra, 'jasm.codnod.io/config-hash': hash })),
			imagePullSecrets: pullSecrets?.apply(names => names.map(secret => ({ name: secret }))),
			priorityClass: args.priorityClass,
			ids: args.ids,
			settings: pod,
		});
	}
}

/** The lists of the pod: those of the installation, then those of the settings. */
function partsOf({ requirements, files, aws, pod }: ControllerDeploymentArgs): PodParts {
	const variables = Object.entries({ AWS_REGION: aws?.region, AWS_ROLE_ARN: aws?.roleArn })
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => ({ name, value }));
	const derived = requirements.apply(({ env }) =>
		Object.entries(env).map(([name, value]) => ({ name, value })),
	);
	const development = requirements.apply(needs =>
		needs.developmentEnvironment ? DEVELOPMENT_VARIABLES : [],
	);
	return {
		env: joined(POD_VARIABLES, variables, derived, pod.env),
		envFrom: joined(development, pod.envFrom),
		volumes: joined(
			files.apply(({ volumes }) => volumes),
			pod.volumes,
		),
		volumeMounts: joined(
			files.apply(({ mounts }) => mounts),
			pod.volumeMounts,
		),
	};
}

/**
 * One list of several that may still be unknown. Empty rather than absent: a secret value without content, which an
 * absent list would be where the configuration has a secret, is no valid input of a resource.
 */
function joined<T extends object>(...lists: (pulumi.Input<pulumi.Input<T>[]> | undefined)[]) {
	return pulumi.all(lists.map(list => pulumi.output(list ?? []))).apply(all => all.flat() as T[]);
}

// Component: the running controller: config file, Deployment, metrics Service, disruption budget, monitor.
import { createHash } from 'node:crypto';
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { CONFIG_FILE, NAME, PORTS, type Profile } from './contract.ts';
import { type ControllerConfig, configFile } from './controller-config.ts';
import { labels, SELECTOR } from './labels.ts';
import { podFiles } from './pod-files.ts';
import { podTemplate } from './pod-template.ts';

export type ControllerDeploymentArgs = {
	readonly namespace: pulumi.Input<string>;
	readonly serviceAccountName: pulumi.Input<string>;
	readonly image: pulumi.Input<string>;
	readonly profile: Profile;
	readonly controller: ControllerConfig;
	readonly replicas: number;
	readonly leaderElection: boolean;
	readonly aws?: { readonly region: string; readonly roleArn: pulumi.Input<string> } | undefined;
	readonly priorityClass?: string | undefined;
	/** ConfigMap with the authorities that `caFile` names. */
	readonly authorities?: string | undefined;
	/** Declares a ServiceMonitor of the Prometheus operator, whose types must be installed. */
	readonly serviceMonitor: boolean;
};

export class ControllerDeployment extends pulumi.ComponentResource {
	readonly deploymentName: pulumi.Output<string>;

	constructor(name: string, args: ControllerDeploymentArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerDeployment', name, {}, options);
		const child = { parent: this };
		const metadata = { name: NAME, namespace: args.namespace, labels: labels('controller') };
		const file = configFile(args.controller, args.profile);
		const { faults, ...files } = podFiles(args.controller, args.authorities);
		if (faults.length > 0) throw new pulumi.RunError(faults.join('; '));
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
					template: podTemplate<pulumi.Input<string>>({
						...args,
						serviceAccount: args.serviceAccountName,
						configHash: createHash('sha256').update(file).digest('hex').slice(0, 16),
						aws: args.aws,
						files,
						priorityClass: args.priorityClass,
						developmentEnvironment: Object.values(args.controller.providers).some(
							({ credentials }) => credentials === 'environment' || credentials === 'client-secret',
						),
					}),
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
		if (args.replicas > 1) {
			new k8s.policy.v1.PodDisruptionBudget(
				name,
				{ metadata, spec: { minAvailable: 1, selector: { matchLabels: SELECTOR } } },
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
}

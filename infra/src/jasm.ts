// An installation of JASM in one cluster, for any Pulumi program: namespace, rights, guard, controller.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { AdmissionPolicies } from './admission-policies.ts';
import { NAME, type Profile } from './contract.ts';
import type { ControllerConfig } from './controller-config.ts';
import { ControllerDeployment } from './controller-deployment.ts';
import { ControllerRbac } from './controller-rbac.ts';
import { labels } from './labels.ts';
import { ControllerNetworkPolicy, egressPorts } from './network-policy.ts';

export type { ControllerConfig, PolicyRule, ProviderConfig } from './controller-config.ts';
export { IrsaRole, type IrsaRoleArgs } from './irsa-role.ts';
export { IssuerBucket, type IssuerBucketArgs } from './issuer-bucket.ts';

export type JasmArgs = {
	/** Reference of the controller's image. */
	readonly image: pulumi.Input<string>;
	/** Providers and policy: the controller's config file. */
	readonly controller: ControllerConfig;
	/** Name of JASM's own namespace; default `jasm`. */
	readonly namespace?: string | undefined;
	/** Default `write-only`: it cannot read a Secret. */
	readonly profile?: Profile | undefined;
	/** Default true, which needs Kubernetes 1.30; `write-only` refuses to run without it. */
	readonly admissionPolicy?: boolean | undefined;
	/** Default 1; from 2 on with leader election and a disruption budget. */
	readonly replicas?: number | undefined;
	/** The role that the controller takes; undefined where no provider is AWS. */
	readonly aws?: { readonly region: string; readonly roleArn: pulumi.Input<string> } | undefined;
	/** ConfigMap of JASM's namespace with the files below /etc/jasm that `caFile` names; default `jasm-authorities`. */
	readonly authorities?: string | undefined;
	/** Default true. */
	readonly networkPolicy?: boolean | undefined;
	/** Default false. */
	readonly serviceMonitor?: boolean | undefined;
	/** Default `system-cluster-critical`: other pods wait for what this one writes. Empty: none. */
	readonly priorityClass?: string | undefined;
};

export class Jasm extends pulumi.ComponentResource {
	readonly namespace: pulumi.Output<string>;
	readonly serviceAccount: pulumi.Output<string>;

	constructor(name: string, args: JasmArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Jasm', name, {}, options);
		const { profile = 'write-only', admissionPolicy = true, replicas = 1, aws, controller } = args;
		const namespaceName = args.namespace ?? NAME;
		const leaderElection = replicas > 1;

		const namespace = new k8s.core.v1.Namespace(
			name,
			{
				metadata: {
					name: namespaceName,
					labels: { ...labels('namespace'), 'pod-security.kubernetes.io/enforce': 'restricted' },
				},
			},
			{ parent: this },
		);
		const within = { parent: this, dependsOn: namespace };
		const own = { namespace: namespace.metadata.name };
		const rbac = new ControllerRbac(
			`${name}-rbac`,
			{
				...own,
				profile,
				leaderElection,
				serviceAccountAnnotations: aws && { 'eks.amazonaws.com/role-arn': aws.roleArn },
			},
			within,
		);
		const guards = admissionPolicy
			? [
					new AdmissionPolicies(
						`${name}-guard`,
						{ namespace: namespaceName, serviceAccountName: NAME },
						within,
					),
				]
			: [];
		if (args.networkPolicy ?? true) {
			new ControllerNetworkPolicy(
				`${name}-network`,
				{ ...own, egressPorts: egressPorts(controller) },
				within,
			);
		}
		new ControllerDeployment(
			`${name}-controller`,
			{
				...own,
				serviceAccountName: rbac.serviceAccountName,
				image: args.image,
				profile,
				controller,
				replicas,
				leaderElection,
				aws,
				authorities: args.authorities,
				priorityClass: (args.priorityClass ?? 'system-cluster-critical') || undefined,
				serviceMonitor: args.serviceMonitor ?? false,
			},
			// Right and guard first: without them the controller refuses to start.
			{ parent: this, dependsOn: [namespace, rbac, ...guards] },
		);
		this.namespace = namespace.metadata.name;
		this.serviceAccount = rbac.serviceAccountName;
		this.registerOutputs({ namespace: this.namespace, serviceAccount: this.serviceAccount });
	}
}

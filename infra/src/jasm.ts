// An installation of JASM in one cluster, for any Pulumi program: namespace, rights, guard, controller.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { AdmissionPolicies } from './admission-policies.ts';
import { NAME, type Profile } from './contract.ts';
import { ControllerRbac } from './controller-rbac.ts';
import { labels } from './labels.ts';

export type JasmArgs = {
	/** Name of JASM's own namespace; default `jasm`. */
	readonly namespace?: string;
	readonly profile: Profile;
	/** Installs the admission policy (Kubernetes 1.30+); `write-only` refuses to run without it. */
	readonly admissionPolicy: boolean;
	readonly replicas: number;
};

export class Jasm extends pulumi.ComponentResource {
	readonly namespace: pulumi.Output<string>;

	constructor(name: string, args: JasmArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Jasm', name, {}, options);
		const child = { parent: this };
		const namespaceName = args.namespace ?? NAME;
		const namespace = new k8s.core.v1.Namespace(
			name,
			{
				metadata: {
					name: namespaceName,
					labels: { ...labels('namespace'), 'pod-security.kubernetes.io/enforce': 'restricted' },
				},
			},
			child,
		);
		const within = { ...child, dependsOn: namespace };
		const rbac = new ControllerRbac(
			`${name}-rbac`,
			{
				namespace: namespace.metadata.name,
				profile: args.profile,
				leaderElection: args.replicas > 1,
			},
			within,
		);
		if (args.admissionPolicy) {
			new AdmissionPolicies(`${name}-guard`, { namespace: namespaceName, serviceAccountName: NAME }, within);
		}
		this.namespace = namespace.metadata.name;
		this.registerOutputs({ namespace: this.namespace, serviceAccount: rbac.serviceAccountName });
	}
}

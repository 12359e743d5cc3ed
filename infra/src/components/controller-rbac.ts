// Component: the ServiceAccount of the controller and exactly the rights that its profile needs.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { NAME, type Profile } from '../documents/contract.ts';
import { labels } from '../documents/labels.ts';
import { clusterRules, leaseRules } from '../documents/rights.ts';

export type ControllerRbacArgs = {
	/** Name of JASM's own namespace. */
	readonly namespace: pulumi.Input<string>;
	readonly profile: Profile;
	/** Grants `patch` on pods; only together with the policy that holds JASM to a release. */
	readonly release?: boolean | undefined;
	/** Grants the Lease of leader election. */
	readonly leaderElection: boolean;
	/** Labels and annotations of the ServiceAccount: a cloud identity such as `eks.amazonaws.com/role-arn`. */
	readonly serviceAccount?: Metadata | undefined;
};

export type Metadata = {
	readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
	readonly annotations?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
};

export class ControllerRbac extends pulumi.ComponentResource {
	readonly serviceAccountName: pulumi.Output<string>;

	constructor(name: string, args: ControllerRbacArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerRbac', name, {}, options);
		const child = { parent: this };
		const own = { name: NAME, namespace: args.namespace, labels: labels('controller') };
		const cluster = { name: NAME, labels: labels('controller') };
		const { annotations, labels: further } = args.serviceAccount ?? {};

		const account = new k8s.core.v1.ServiceAccount(
			`${name}-account`,
			{
				metadata: {
					...own,
					labels: pulumi.output(further).apply(extra => ({ ...extra, ...own.labels })),
					...(annotations && { annotations }),
				},
			},
			child,
		);
		const subjects = [{ kind: 'ServiceAccount', name: account.metadata.name, namespace: args.namespace }];
		const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: NAME });

		const clusterRole = new k8s.rbac.v1.ClusterRole(
			`${name}-cluster`,
			{ metadata: cluster, rules: clusterRules(args.profile, { release: args.release ?? false }) },
			child,
		);
		new k8s.rbac.v1.ClusterRoleBinding(
			`${name}-cluster`,
			{ metadata: cluster, roleRef: roleRef('ClusterRole'), subjects },
			{ ...child, dependsOn: clusterRole },
		);
		if (args.leaderElection) {
			const role = new k8s.rbac.v1.Role(`${name}-lease`, { metadata: own, rules: leaseRules() }, child);
			new k8s.rbac.v1.RoleBinding(
				`${name}-lease`,
				{ metadata: own, roleRef: roleRef('Role'), subjects },
				{ ...child, dependsOn: role },
			);
		}
		this.serviceAccountName = account.metadata.name;
		this.registerOutputs({ serviceAccountName: this.serviceAccountName });
	}
}

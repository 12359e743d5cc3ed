// Component: EKS Pod Identity for the controller: a role, and its association with the controller's ServiceAccount.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { podIdentityTrustPolicy } from '../documents/policy-documents.ts';
import { type Readable, type RoleNaming, secretsRole } from './secrets-role.ts';

/** The cluster and ServiceAccount that get the identity, and what it may read. */
export type PodIdentityArgs = Readable &
	RoleNaming & {
		/** Name of the EKS cluster, which needs the Pod Identity Agent. */
		readonly clusterName: pulumi.Input<string>;
		/** The namespace of JASM. */
		readonly namespace: pulumi.Input<string>;
		readonly serviceAccount: pulumi.Input<string>;
		/** A role that exists, in place of one that is made. */
		readonly roleArn?: pulumi.Input<string> | undefined;
	};

/**
 * An identity for the controller by EKS Pod Identity: a role, and its association with the controller's ServiceAccount.
 * The providers of the configuration need `credentials: container`. Pods that start before the association lack it.
 *
 * @example
 * ```ts
 * import { PodIdentity } from '@jasm/infra';
 *
 * const { roleArn } = new PodIdentity('jasm', {
 * 	clusterName: 'platform',
 * 	namespace: 'jasm',
 * 	serviceAccount: 'jasm',
 * 	accountId: '111122223333',
 * 	region: 'eu-west-1',
 * 	controller: {
 * 		providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager', credentials: 'container' } },
 * 		policy: [{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/**'] }],
 * 	},
 * });
 * ```
 */
export class PodIdentity extends pulumi.ComponentResource {
	/** Known only when the association exists, so pods that wait for it get the identity. */
	readonly roleArn: pulumi.Output<string>;

	/** Throws a RunError where the policy rules would open more than named secrets. */
	constructor(name: string, args: PodIdentityArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:PodIdentity', name, {}, options);
		const { clusterName, namespace, serviceAccount, accountId, region, tags } = args;
		const trust = pulumi
			.output({ clusterName, namespace, serviceAccount, accountId, region })
			.apply(podIdentityTrustPolicy);
		const roleArn = args.roleArn ?? secretsRole(this, name, args, trust);
		const association = new aws.eks.PodIdentityAssociation(
			name,
			{ clusterName, namespace, serviceAccount, roleArn, ...(tags !== undefined && { tags }) },
			{ parent: this },
		);
		this.roleArn = pulumi.all([roleArn, association.id]).apply(([arn]) => arn);
		this.registerOutputs({ roleArn: this.roleArn });
	}
}

// Component: the AWS role that only the controller's ServiceAccount may take, by a token of its cluster (IRSA).
import * as pulumi from '@pulumi/pulumi';
import { trustPolicy } from '../documents/policy-documents.ts';
import { type Readable, type RoleNaming, secretsRole } from './secrets-role.ts';

/** The cluster and ServiceAccount that assume the role, and what it may read. */
export type IrsaRoleArgs = Readable &
	RoleNaming & {
		/** ARN of the IAM OIDC provider of the cluster: EKS brings one, `IssuerBucket` makes one. */
		readonly providerArn: pulumi.Input<string>;
		/** Issuer of the cluster's tokens: https, without trailing slash. */
		readonly issuer: pulumi.Input<string>;
		/** The namespace of JASM. */
		readonly namespace: pulumi.Input<string>;
		readonly serviceAccount: pulumi.Input<string>;
	};

/**
 * An AWS role that only the controller's ServiceAccount may assume, by a token of its cluster (IRSA).
 *
 * @example
 * ```ts
 * import { IrsaRole } from '@jasm/infra';
 *
 * const { roleArn } = new IrsaRole('jasm', {
 * 	providerArn: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A',
 * 	issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/A',
 * 	namespace: 'jasm',
 * 	serviceAccount: 'jasm',
 * 	accountId: '111122223333',
 * 	region: 'eu-west-1',
 * 	controller: {
 * 		providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager' } },
 * 		policy: [{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/**'] }],
 * 	},
 * });
 * ```
 */
export class IrsaRole extends pulumi.ComponentResource {
	readonly roleArn: pulumi.Output<string>;

	/** Throws a RunError where the policy rules would open more than named secrets. */
	constructor(name: string, args: IrsaRoleArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:IrsaRole', name, {}, options);
		const { providerArn, issuer, namespace, serviceAccount } = args;
		const trust = pulumi.output({ providerArn, issuer, namespace, serviceAccount }).apply(trustPolicy);
		this.roleArn = secretsRole(this, name, args, trust);
		this.registerOutputs({ roleArn: this.roleArn });
	}
}

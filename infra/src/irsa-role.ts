// Component: the AWS role that only the controller's ServiceAccount may take, least-privileged by the policy.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { ControllerConfig } from './controller-config.ts';
import { permissionFaults, permissionPolicy, trustPolicy } from './policy-documents.ts';

export type IrsaRoleArgs = {
	/** ARN of the IAM OIDC provider of the cluster: EKS brings one, `IssuerBucket` makes one. */
	readonly providerArn: pulumi.Input<string>;
	/** Issuer of the cluster's tokens: https, without trailing slash. */
	readonly issuer: string;
	readonly namespace: string;
	readonly serviceAccount: string;
	/** What the role may read follows from the policy rules of this configuration. */
	readonly controller: ControllerConfig;
	readonly accountId: string;
	readonly region: string;
	/** Name of the role; default: the component's. */
	readonly roleName?: string;
};

export class IrsaRole extends pulumi.ComponentResource {
	readonly roleArn: pulumi.Output<string>;

	/** Throws a RunError where the policy rules would open more than named secrets. */
	constructor(name: string, args: IrsaRoleArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:IrsaRole', name, {}, options);
		const { controller, ...account } = args;
		const faults = permissionFaults(controller, account);
		if (faults.length > 0)
			throw new pulumi.RunError(`building the role of ${name}:\n  - ${faults.join('\n  - ')}`);

		const role = new aws.iam.Role(
			name,
			{
				name: args.roleName ?? name,
				description: 'Lets JASM read the secrets of its policy',
				assumeRolePolicy: pulumi.jsonStringify(
					pulumi.output(args.providerArn).apply(providerArn => trustPolicy({ ...args, providerArn })),
				),
			},
			{ parent: this },
		);
		const policy = new aws.iam.RolePolicy(
			name,
			{ role: role.id, name: 'read-secrets', policy: JSON.stringify(permissionPolicy(controller, account)) },
			{ parent: this },
		);
		// Known only when the policy is attached: who waits for the ARN can use it.
		this.roleArn = pulumi.all([role.arn, policy.id]).apply(([arn]) => arn);
		this.registerOutputs({ roleArn: this.roleArn });
	}
}

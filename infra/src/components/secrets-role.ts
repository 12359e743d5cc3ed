// An AWS role that may read the secrets of the policy; its trust policy names who assumes it. No component.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { ControllerConfig } from '../documents/controller-config.ts';
import { type Document, permissionFaults, permissionPolicy } from '../documents/policy-documents.ts';
import { checked, type Inputs } from '../inputs.ts';

/** What decides which secrets a role may read. */
export type Readable = {
	/** The role may read what the policy rules of this configuration allow, and nothing else. */
	readonly controller: Inputs<ControllerConfig>;
	readonly accountId: pulumi.Input<string>;
	/** Region of providers that name none. */
	readonly region: pulumi.Input<string>;
	/** The queue of change notices from which the role may receive. */
	readonly queueArn?: pulumi.Input<string> | undefined;
};

export type RoleNaming = {
	/** Name of the role. Default: a name that Pulumi makes unique, so that clusters can share an account. */
	readonly roleName?: pulumi.Input<string> | undefined;
	readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
};

/** The ARN is known only when the permissions are attached, so a controller that has it can use it. */
export function secretsRole(
	parent: pulumi.Resource,
	name: string,
	{ controller, accountId, region, queueArn, roleName, tags }: Readable & RoleNaming,
	trust: pulumi.Output<Document>,
): pulumi.Output<string> {
	type Facts = { config: ControllerConfig; accountId: string; region: string };
	const readable = checked<Facts>(
		`the role of ${name} cannot be built`,
		{ config: controller, accountId, region } as unknown as Inputs<Facts>,
		({ config, ...account }, complete) => (complete ? permissionFaults(config, account) : []),
	);
	const role = new aws.iam.Role(
		name,
		{
			...(roleName !== undefined && { name: roleName }),
			...(tags !== undefined && { tags }),
			description: 'Lets JASM read the secrets of its policy',
			assumeRolePolicy: pulumi.jsonStringify(trust),
		},
		{ parent },
	);
	const policy = new aws.iam.RolePolicy(
		name,
		{
			role: role.id,
			name: 'read-secrets',
			policy: pulumi.jsonStringify(
				pulumi
					.all([readable, queueArn])
					.apply(([{ config, ...account }, queue]) => permissionPolicy(config, account, queue)),
			),
		},
		{ parent },
	);
	return pulumi.all([role.arn, policy.id]).apply(([arn]) => arn);
}

// Component: the admission policy that holds JASM's ServiceAccount to its own Secrets (Kubernetes 1.30+).
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { GUARD, SENTINEL } from './contract.ts';
import { matchConditions, validations } from './guard-policy.ts';
import { labels } from './labels.ts';

export type AdmissionPoliciesArgs = {
	/** Name of JASM's own namespace; part of the policy's text, so it must be known. */
	readonly namespace: string;
	readonly serviceAccountName: string;
};

export class AdmissionPolicies extends pulumi.ComponentResource {
	/** The binding: what runs under the guard waits for it, since a policy without a binding does nothing. */
	readonly binding: pulumi.Resource;

	constructor(name: string, args: AdmissionPoliciesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:AdmissionPolicies', name, {}, options);
		const metadata = { name: GUARD, labels: labels('guard') };
		const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
			`${name}-secrets`,
			{
				metadata,
				spec: {
					failurePolicy: 'Fail',
					matchConstraints: {
						matchPolicy: 'Equivalent',
						resourceRules: [
							{
								apiGroups: [''],
								apiVersions: ['v1'],
								operations: ['CREATE', 'UPDATE', 'DELETE'],
								resources: ['secrets'],
								scope: 'Namespaced',
							},
						],
					},
					matchConditions: matchConditions(args.namespace, args.serviceAccountName),
					validations: validations(args.namespace),
				},
			},
			{ parent: this },
		);
		this.binding = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
			`${name}-secrets`,
			{ metadata, spec: { policyName: GUARD, validationActions: ['Deny'] } },
			{ parent: this, dependsOn: policy },
		);
		// No label: that is what the guard must object to. No content: there is nothing to protect in it.
		new k8s.core.v1.Secret(
			`${name}-sentinel`,
			{ metadata: { name: SENTINEL, namespace: args.namespace }, type: 'Opaque' },
			{ parent: this },
		);
		this.registerOutputs({});
	}
}

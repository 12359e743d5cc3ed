// Declares one admission policy that holds JASM's ServiceAccount, with the binding that puts it into force.
import * as k8s from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { matchConditions } from '../documents/guard-policy.ts';
import { type Component, labels } from '../documents/labels.ts';

export type GuardArgs = {
	readonly policyName: string;
	readonly component: Component;
	readonly serviceAccountName: string;
	/** The requests that are judged. */
	readonly rule: {
		readonly apiGroups: string[];
		readonly apiVersions: string[];
		readonly operations: string[];
		readonly resources: string[];
		readonly scope: string;
	};
	readonly validations: pulumi.Input<{ expression: string; message: string }[]>;
};

/** Answers the binding: what runs under the guard waits for it, since a policy without a binding does nothing. */
export function declareGuard(
	name: string,
	{ policyName, component, serviceAccountName, rule, validations }: GuardArgs,
	options: pulumi.CustomResourceOptions,
): k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding {
	const metadata = { name: policyName, labels: labels(component) };
	const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
		name,
		{
			metadata,
			spec: {
				failurePolicy: 'Fail',
				matchConstraints: { matchPolicy: 'Equivalent', resourceRules: [rule] },
				matchConditions: matchConditions(serviceAccountName),
				validations,
			},
		},
		options,
	);
	return new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
		name,
		{ metadata, spec: { policyName, validationActions: ['Deny'] } },
		{ ...options, dependsOn: policy },
	);
}

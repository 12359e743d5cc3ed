// Component: the admission policy that holds JASM's ServiceAccount to its own Secrets (Kubernetes 1.30+).
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { GUARD, RELEASE_GUARD, SENTINEL } from '../documents/contract.ts';
import { matchConditions, validations } from '../documents/guard-policy.ts';
import { labels } from '../documents/labels.ts';
import { releaseValidations } from '../documents/release-guard.ts';

export type AdmissionPoliciesArgs = {
	/** Name of JASM's own namespace. */
	readonly namespace: pulumi.Input<string>;
	readonly serviceAccountName: string;
	/** Patterns that begin with `kube-`, of the controller's rules. Default: no such namespace is written to. */
	readonly systemNamespaces?: pulumi.Input<readonly string[]> | undefined;
	/** Adds the policy that holds JASM to releasing pods. */
	readonly release?: boolean | undefined;
};

type PolicyArgs = {
	readonly policyName: string;
	readonly serviceAccountName: string;
	/** The requests that are judged. */
	readonly rule: {
		readonly apiVersions: string[];
		readonly operations: string[];
		readonly resources: string[];
		readonly scope: string;
	};
	readonly validations: pulumi.Input<{ expression: string; message: string }[]>;
};

export class AdmissionPolicies extends pulumi.ComponentResource {
	/** The binding: what runs under the guard waits for it, since a policy without a binding does nothing. */
	readonly binding: pulumi.Resource;

	constructor(name: string, args: AdmissionPoliciesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:AdmissionPolicies', name, {}, options);
		const { serviceAccountName } = args;
		this.binding = this.#declarePolicy(`${name}-secrets`, {
			policyName: GUARD,
			serviceAccountName,
			rule: {
				apiVersions: ['v1'],
				operations: ['CREATE', 'UPDATE', 'DELETE'],
				resources: ['secrets'],
				scope: 'Namespaced',
			},
			validations: pulumi
				.output(args.systemNamespaces)
				.apply(patterns => validations(serviceAccountName, patterns)),
		});
		if (args.release ?? false) {
			// Every request about a pod is judged, so that no verb and no subresource is left to RBAC alone.
			this.#declarePolicy(`${name}-pods`, {
				policyName: RELEASE_GUARD,
				serviceAccountName,
				rule: {
					apiVersions: ['*'],
					operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
					resources: ['pods', 'pods/*'],
					scope: '*',
				},
				validations: releaseValidations(serviceAccountName),
			});
		}
		// No label: that is what the guard must object to. No content: there is nothing to protect in it.
		new k8s.core.v1.Secret(
			`${name}-sentinel`,
			{ metadata: { name: SENTINEL, namespace: args.namespace }, type: 'Opaque' },
			{ parent: this },
		);
		this.registerOutputs({});
	}

	/** Declares a policy for requests of JASM's ServiceAccount, and the binding that puts it into force. */
	#declarePolicy(
		name: string,
		args: PolicyArgs,
	): k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding {
		const { policyName, serviceAccountName, rule, validations } = args;
		const metadata = { name: policyName, labels: labels('guard') };
		const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
			name,
			{
				metadata,
				spec: {
					failurePolicy: 'Fail',
					matchConstraints: {
						matchPolicy: 'Equivalent',
						resourceRules: [{ apiGroups: [''], ...rule }],
					},
					matchConditions: matchConditions(serviceAccountName),
					validations,
				},
			},
			{ parent: this },
		);
		return new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
			name,
			{ metadata, spec: { policyName, validationActions: ['Deny'] } },
			{ parent: this, dependsOn: policy },
		);
	}
}

// Component: the admission policy that holds JASM's ServiceAccount to its own Secrets (Kubernetes 1.30+).
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { GUARD, RELEASE_GUARD, SENTINEL } from '../documents/contract.ts';
import { validations } from '../documents/guard-policy.ts';
import { releaseValidations } from '../documents/release-guard.ts';
import { declareGuard } from './guard.ts';

export type AdmissionPoliciesArgs = {
	/** Name of JASM's own namespace. */
	readonly namespace: pulumi.Input<string>;
	readonly serviceAccountName: string;
	/** Patterns that begin with `kube-`, of the controller's rules. Default: no such namespace is written to. */
	readonly systemNamespaces?: pulumi.Input<readonly string[]> | undefined;
	/** Adds the policy that holds JASM to releasing pods. */
	readonly release?: boolean | undefined;
};

export class AdmissionPolicies extends pulumi.ComponentResource {
	/** The binding: what runs under the guard waits for it, since a policy without a binding does nothing. */
	readonly binding: pulumi.Resource;

	constructor(name: string, args: AdmissionPoliciesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:AdmissionPolicies', name, {}, options);
		const { serviceAccountName } = args;
		const common = { component: 'guard', serviceAccountName } as const;
		this.binding = declareGuard(
			`${name}-secrets`,
			{
				...{ ...common, policyName: GUARD },
				rule: {
					apiGroups: [''],
					apiVersions: ['v1'],
					operations: ['CREATE', 'UPDATE', 'DELETE'],
					resources: ['secrets'],
					scope: 'Namespaced',
				},
				validations: pulumi
					.output(args.systemNamespaces)
					.apply(patterns => validations(serviceAccountName, patterns)),
			},
			{ parent: this },
		);
		if (args.release ?? false) {
			// Every request about a pod is judged, so that no verb and no subresource is left to RBAC alone.
			declareGuard(
				`${name}-pods`,
				{
					...{ ...common, policyName: RELEASE_GUARD },
					rule: {
						apiGroups: [''],
						apiVersions: ['*'],
						operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
						resources: ['pods', 'pods/*'],
						scope: '*',
					},
					validations: releaseValidations(serviceAccountName),
				},
				{ parent: this },
			);
		}
		// No label: that is what the guard must object to. No content: there is nothing to protect in it.
		new k8s.core.v1.Secret(
			`${name}-sentinel`,
			{ metadata: { name: SENTINEL, namespace: args.namespace }, type: 'Opaque' },
			{ parent: this },
		);
		this.registerOutputs({});
	}
}

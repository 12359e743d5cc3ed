// Component: the policies that make pods wait for their Secrets, and the check of how pods ask for it.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { START_POLICY } from '../documents/contract.ts';
import { labels } from '../documents/labels.ts';
import {
	CHECK_CONDITIONS,
	CHECK_VARIABLES,
	checkValidations,
	exemptNamespaces,
	holdConditions,
	holdMutation,
} from '../documents/start-policies.ts';

export type StartPoliciesArgs = {
	/** Name of JASM's own namespace, which is part of the policies' text. */
	readonly namespace: pulumi.Input<string>;
	/**
	 * Which pods wait: those that ask for it (`annotated`), or every pod that asks for secrets and does not say
	 * `at-once` (`all`). `checked`: pods write the gate themselves, for Kubernetes 1.30 to 1.35.
	 */
	readonly wait: 'annotated' | 'all' | 'checked';
	/** With `all`: seconds after its creation at which a pod starts in any case. */
	readonly deadlineSeconds: number;
	/** Namespaces whose pods never wait: what JASM itself depends on. */
	readonly exempt: readonly string[];
};

const NEW_PODS = {
	apiGroups: [''],
	apiVersions: ['v1'],
	operations: ['CREATE'],
	resources: ['pods'],
	scope: 'Namespaced',
};

export class StartPolicies extends pulumi.ComponentResource {
	constructor(name: string, args: StartPoliciesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:StartPolicies', name, {}, options);
		const within = { parent: this };
		const metadata = (policy: string) => ({ name: policy, labels: labels('start') });
		const check = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
			`${name}-check`,
			{
				metadata: metadata(START_POLICY),
				spec: {
					failurePolicy: 'Ignore',
					matchConstraints: { resourceRules: [NEW_PODS] },
					matchConditions: [...CHECK_CONDITIONS],
					variables: [...CHECK_VARIABLES],
					validations: pulumi.output(args.namespace).apply(checkValidations),
				},
			},
			within,
		);
		const checked = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
			`${name}-check`,
			{ metadata: metadata(START_POLICY), spec: { policyName: START_POLICY, validationActions: ['Deny'] } },
			{ ...within, dependsOn: check },
		);
		if (args.wait !== 'checked') this.#declareHold(name, START_POLICY, 'annotated', args, checked);
		if (args.wait === 'all') this.#declareHold(`${name}-all`, `${START_POLICY}-all`, 'all', args, checked);
		this.registerOutputs({});
	}

	/** After the check: a hold that fails then leaves a refused pod, never one that starts early. */
	#declareHold(
		name: string,
		policyName: string,
		mode: 'annotated' | 'all',
		{ namespace, deadlineSeconds, exempt }: StartPoliciesArgs,
		after: pulumi.Resource,
	): void {
		const metadata = { name: policyName, labels: labels('start') };
		const policy = new k8s.admissionregistration.v1.MutatingAdmissionPolicy(
			`${name}-hold`,
			{
				metadata,
				spec: {
					failurePolicy: 'Ignore',
					reinvocationPolicy: 'IfNeeded',
					matchConstraints: {
						namespaceSelector: {
							matchExpressions: [
								{
									key: 'kubernetes.io/metadata.name',
									operator: 'NotIn',
									values: pulumi.output(namespace).apply(own => exemptNamespaces(own, exempt)),
								},
							],
						},
						resourceRules: [NEW_PODS],
					},
					matchConditions: holdConditions(mode),
					mutations: [
						{
							patchType: 'ApplyConfiguration',
							applyConfiguration: {
								expression: holdMutation(mode === 'all' ? deadlineSeconds : undefined),
							},
						},
					],
				},
			},
			{ parent: this, dependsOn: after },
		);
		new k8s.admissionregistration.v1.MutatingAdmissionPolicyBinding(
			`${name}-hold`,
			{ metadata, spec: { policyName } },
			{ parent: this, dependsOn: policy },
		);
	}
}

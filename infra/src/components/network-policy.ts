// Component: the controller's NetworkPolicy: in for metrics and probes, out for what the configuration needs.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { NAME, PORTS } from '../documents/contract.ts';
import type { EgressRule } from '../documents/egress.ts';
import { labels, SELECTOR } from '../documents/labels.ts';

export type ControllerNetworkPolicyArgs = {
	readonly namespace: pulumi.Input<string>;
	/** The connections that the controller may open. */
	readonly egress: pulumi.Input<EgressRule[]>;
};

export class ControllerNetworkPolicy extends pulumi.ComponentResource {
	constructor(name: string, args: ControllerNetworkPolicyArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerNetworkPolicy', name, {}, options);
		const ports = [PORTS.metrics, PORTS.health].map(port => ({ port, protocol: 'TCP' }));
		new k8s.networking.v1.NetworkPolicy(
			name,
			{
				metadata: { name: NAME, namespace: args.namespace, labels: labels('controller') },
				spec: {
					podSelector: { matchLabels: SELECTOR },
					policyTypes: ['Ingress', 'Egress'],
					ingress: [{ ports }],
					egress: args.egress,
				},
			},
			{ parent: this },
		);
		this.registerOutputs({});
	}
}

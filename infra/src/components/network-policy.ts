// Component: the controller's NetworkPolicy: in for metrics, probes and change notices, out for what the configuration needs.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { NAME, PORTS } from '../documents/contract.ts';
import type { EgressRule } from '../documents/egress.ts';
import { labels, SELECTOR } from '../documents/labels.ts';
import type { Listener, Peer } from '../documents/webhooks.ts';

export type ControllerNetworkPolicyArgs = {
	readonly namespace: pulumi.Input<string>;
	/** The connections that the controller may open. */
	readonly egress: pulumi.Input<EgressRule[]>;
	/** The ports to which senders post change notices, and who they are. */
	readonly senders: pulumi.Output<{
		readonly listeners: readonly Listener[];
		readonly from: readonly Peer[];
	}>;
};

export class ControllerNetworkPolicy extends pulumi.ComponentResource {
	constructor(name: string, args: ControllerNetworkPolicyArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerNetworkPolicy', name, {}, options);
		const open = Object.values(PORTS).map(port => ({ port, protocol: 'TCP' }));
		const ingress = args.senders.apply(({ listeners, from }) => [
			{ ports: open },
			...(listeners.length === 0
				? []
				: [{ ports: listeners.map(({ port }) => ({ port, protocol: 'TCP' })), from: [...from] }]),
		]);
		new k8s.networking.v1.NetworkPolicy(
			name,
			{
				metadata: { name: NAME, namespace: args.namespace, labels: labels('controller') },
				spec: {
					podSelector: { matchLabels: SELECTOR },
					policyTypes: ['Ingress', 'Egress'],
					ingress: ingress as pulumi.Output<k8s.types.input.networking.v1.NetworkPolicyIngressRule[]>,
					egress: args.egress,
				},
			},
			{ parent: this },
		);
		this.registerOutputs({});
	}
}

// Component: the controller's NetworkPolicy: in for metrics and probes, out for DNS, API server, providers.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { NAME, PORTS } from './contract.ts';
import type { ControllerConfig } from './controller-config.ts';
import { labels, SELECTOR } from './labels.ts';

export type ControllerNetworkPolicyArgs = {
	readonly namespace: pulumi.Input<string>;
	/** TCP ports that the controller may connect to besides DNS. */
	readonly egressPorts: readonly number[];
};

export class ControllerNetworkPolicy extends pulumi.ComponentResource {
	constructor(name: string, args: ControllerNetworkPolicyArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerNetworkPolicy', name, {}, options);
		const tcp = (port: number) => ({ port, protocol: 'TCP' });
		new k8s.networking.v1.NetworkPolicy(
			name,
			{
				metadata: { name: NAME, namespace: args.namespace, labels: labels('controller') },
				spec: {
					podSelector: { matchLabels: SELECTOR },
					policyTypes: ['Ingress', 'Egress'],
					ingress: [{ ports: [tcp(PORTS.metrics), tcp(PORTS.health)] }],
					// By port and not by address: providers have names, not addresses, and what stands for the API
					// server differs by network plugin. The nodes' metadata service, on port 80, stays out of reach.
					egress: [{ ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] }, { ports: args.egressPorts.map(tcp) }],
				},
			},
			{ parent: this },
		);
		this.registerOutputs({});
	}
}

/** Ports of the API server in common clusters, of AWS, and of every address in the providers' configuration. */
export function egressPorts({ providers }: ControllerConfig): number[] {
	const ports = new Set([443, 6443, 8443]);
	for (const value of Object.values(providers).flatMap(provider => Object.values(provider))) {
		if (typeof value !== 'string' || !URL.canParse(value)) continue;
		const { port, protocol } = new URL(value);
		if (protocol === 'https:' || protocol === 'http:')
			ports.add(Number(port || (protocol === 'http:' ? 80 : 443)));
	}
	return [...ports].sort((a, b) => a - b);
}

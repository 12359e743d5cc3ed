// Component: the controller's NetworkPolicy: in for metrics and probes, out for DNS, API server, providers.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { NAME, PORTS } from './contract.ts';
import type { ControllerConfig, ProviderConfig } from './controller-config.ts';
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

/** The fields of providers that name whom they connect to. */
const ADDRESSES = ['address', 'authorityHost', 'endpoint', 'stsEndpoint', 'vaultUrl'];

/** Ports of the API server in common clusters, of AWS, and of every address in the providers' configuration. */
export function egressPorts({ providers }: ControllerConfig): number[] {
	const ports = new Set([443, 6443, 8443]);
	for (const provider of Object.values(providers)) {
		for (const url of addressesOf(provider)) ports.add(portOf(url));
	}
	return [...ports].sort((a, b) => a - b);
}

function addressesOf(provider: ProviderConfig): URL[] {
	const urls = ADDRESSES.flatMap(field => URL.parse(String(provider[field] ?? '')) ?? []);
	// Redirects stay with the scheme of the address.
	const hosts = Array.isArray(provider['redirectHosts']) ? provider['redirectHosts'] : [];
	const scheme = URL.parse(String(provider['address'] ?? ''))?.protocol ?? 'https:';
	return [...urls, ...hosts.flatMap(host => URL.parse(`${scheme}//${host}`) ?? [])];
}

function portOf({ port, protocol }: URL): number {
	return Number(port || (protocol === 'http:' ? 80 : 443));
}

// The connections that the controller's NetworkPolicy allows, from what the controller needs; pure.
import { isIP } from 'node:net';
import { networkOf, type PlatformSettings } from './platform.ts';
import type { Requirements } from './requirements.ts';

type Port = { readonly port: number; readonly protocol: 'TCP' | 'UDP' };

/** One rule of a NetworkPolicy; without `to` it is for every address. */
export type EgressRule = {
	readonly ports: Port[];
	readonly to?: { readonly ipBlock: { readonly cidr: string } }[];
};

const tcp = (port: number): Port => ({ port, protocol: 'TCP' });

/**
 * By port, not by address: providers have names, not addresses, and the address of the API server differs by network
 * plugin. Agents on the node are the exception. They share an address range and a port with the metadata service,
 * which serves the role of the node to everything that reaches it.
 */
export function egressRules(
	{ hosts }: Pick<Requirements, 'hosts'>,
	settings: PlatformSettings,
): EgressRule[] {
	const { apiServerPorts, dnsPorts, egress } = networkOf(settings);
	const ports = hosts.filter(({ host }) => !isNodeAgent(host)).map(({ port }) => port);
	const agents = hosts.filter(({ host }) => isNodeAgent(host));
	return [
		{ ports: sorted(dnsPorts).flatMap(port => [{ port, protocol: 'UDP' as const }, tcp(port)]) },
		{ ports: sorted([...apiServerPorts, ...ports]).map(tcp) },
		...sorted(agents.map(({ port }) => port)).map(port => ({
			ports: [tcp(port)],
			to: agents
				.filter(agent => agent.port === port)
				.map(({ host }) => ({ ipBlock: { cidr: blockOf(host) } })),
		})),
		...egress.map(({ ports: further, cidr }) => ({
			ports: sorted(further).map(tcp),
			...(cidr !== undefined && { to: [{ ipBlock: { cidr } }] }),
		})),
	];
}

const isNodeAgent = (host: string) => /^(169\.254\.|fd00:ec2::)/.test(host);
const blockOf = (host: string) => `${host}/${isIP(host) === 6 ? 128 : 32}`;
const sorted = (ports: readonly number[]) => [...new Set(ports)].sort((a, b) => a - b);

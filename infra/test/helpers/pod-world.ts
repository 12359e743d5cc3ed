// What a cluster does with a pod: which connections a NetworkPolicy lets through, which files volumes bring.
import { BlockList, isIP } from 'node:net';
import type { EgressRule } from '../../src/documents/egress.ts';
import type { PodFiles } from '../../src/documents/pod-files.ts';

/** Whether a policy with these rules allows the connection; a name stands for some address outside every block. */
export function allows(
	rules: readonly EgressRule[],
	host: string,
	port: number,
	protocol: 'TCP' | 'UDP',
): boolean {
	return rules.some(
		rule =>
			rule.ports.some(each => each.port === port && each.protocol === protocol) &&
			(rule.to === undefined || rule.to.some(({ ipBlock }) => isWithin(host, ipBlock.cidr))),
	);
}

function isWithin(host: string, cidr: string): boolean {
	const [network = '', prefix] = cidr.split('/');
	const family = isIP(host);
	if (family === 0 || family !== isIP(network)) return false;
	const type = family === 6 ? 'ipv6' : 'ipv4';
	const block = new BlockList();
	block.addSubnet(network, Number(prefix), type);
	return block.check(host, type);
}

/** Every file in the pod, with where it comes from: the audience of a token, the name of a ConfigMap or a Secret. */
export function filesIn({ volumes, mounts }: Pick<PodFiles, 'volumes' | 'mounts'>): Map<string, string> {
	const files = new Map<string, string>();
	for (const { name, mountPath } of mounts) {
		const volume = volumes.find(each => each.name === name);
		if (volume !== undefined && 'secret' in volume) {
			const { secretName, items } = volume.secret;
			for (const { path } of items) files.set(`${mountPath}/${path}`, secretName);
		}
		for (const source of volume !== undefined && 'projected' in volume ? volume.projected.sources : []) {
			if ('serviceAccountToken' in source) {
				const { path, audience } = source.serviceAccountToken;
				files.set(`${mountPath}/${path}`, audience);
			} else {
				for (const { path } of source.configMap.items ?? [])
					files.set(`${mountPath}/${path}`, source.configMap.name);
			}
		}
	}
	return files;
}

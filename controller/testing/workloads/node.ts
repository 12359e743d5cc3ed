// The one node of the embedded cluster: ready, without a machine behind it.
import { hostname } from 'node:os';
import type { ApiServer } from '../api-server/server.ts';

const VERSION = 'v1.37.2';

/** Creates the node. */
export const createNode = (server: ApiServer, name: string): void => {
	if (server.find('Node', '', name)) {
		return;
	}
	server.create({ kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} });
	server.update('Node', '', name, node => {
		node['status'] = {
			capacity: { cpu: '2', memory: '4Gi', pods: '1000' },
			allocatable: { cpu: '2', memory: '4Gi', pods: '1000' },
			conditions: [
				{
					type: 'Ready',
					status: 'True',
					reason: 'KubeletReady',
					message: 'pods are reported as running; no container runs',
					lastHeartbeatTime: node.metadata.creationTimestamp,
					lastTransitionTime: node.metadata.creationTimestamp,
				},
			],
			addresses: [
				{ type: 'InternalIP', address: '127.0.0.1' },
				{ type: 'Hostname', address: hostname() },
			],
			nodeInfo: {
				kubeletVersion: VERSION,
				osImage: 'embedded',
				kernelVersion: 'none',
				containerRuntimeVersion: 'none://0',
				architecture: process.arch,
				operatingSystem: process.platform,
			},
		};
	});
};

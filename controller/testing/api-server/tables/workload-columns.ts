// The columns of what runs pods: nodes and workloads.
import { isRecord, type KubeObject, listAt, numberAt, textAt } from '../objects/object.ts';
import { ageColumn, type Column, column, nameColumn, orNone, selectorText, wide } from './column.ts';

const containersOf = (object: KubeObject, field: 'name' | 'image'): string =>
	listAt(object, 'spec', 'template', 'spec', 'containers')
		.map(container => textAt(container, field))
		.join(',');

const templateColumns = [
	wide('Containers', object => containersOf(object, 'name')),
	wide('Images', object => containersOf(object, 'image')),
	wide('Selector', object =>
		isRecord(object['spec']) ? selectorText(object['spec']['selector']) : '<none>',
	),
];

const integer = { type: 'integer' } as const;

const nodeStatus = (node: KubeObject): string => {
	const ready = listAt(node, 'status', 'conditions').find(({ type }) => type === 'Ready')?.['status'];
	const cordoned = textAt(node, 'spec', 'unschedulable') === 'true' ? ',SchedulingDisabled' : '';
	return `${ready === 'True' ? 'Ready' : ready === undefined ? 'Unknown' : 'NotReady'}${cordoned}`;
};

const rolesOf = ({ metadata }: KubeObject): string =>
	orNone(
		Object.keys(metadata.labels ?? {})
			.filter(key => key.startsWith('node-role.kubernetes.io/'))
			.map(key => key.slice('node-role.kubernetes.io/'.length))
			.sort()
			.join(','),
	);

const addressOf = (node: KubeObject, type: string): string =>
	orNone(
		textAt(
			listAt(node, 'status', 'addresses').find(address => address['type'] === type),
			'address',
		),
	);

export const workloadColumns: Readonly<Record<string, readonly Column[]>> = {
	Node: [
		nameColumn,
		column('Status', nodeStatus),
		column('Roles', rolesOf),
		ageColumn,
		column('Version', node => textAt(node, 'status', 'nodeInfo', 'kubeletVersion')),
		wide('Internal-IP', node => addressOf(node, 'InternalIP')),
		wide('External-IP', node => addressOf(node, 'ExternalIP')),
		wide('OS-Image', node => textAt(node, 'status', 'nodeInfo', 'osImage') || '<unknown>'),
		wide('Kernel-Version', node => textAt(node, 'status', 'nodeInfo', 'kernelVersion') || '<unknown>'),
		wide(
			'Container-Runtime',
			node => textAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion') || '<unknown>',
		),
	],
	Deployment: [
		nameColumn,
		column(
			'Ready',
			object => `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`,
		),
		column('Up-to-date', object => numberAt(object, 'status', 'updatedReplicas')),
		column('Available', object => numberAt(object, 'status', 'availableReplicas')),
		ageColumn,
		...templateColumns,
	],
	StatefulSet: [
		nameColumn,
		column(
			'Ready',
			object => `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`,
		),
		ageColumn,
		...templateColumns.slice(0, 2),
	],
	DaemonSet: [
		nameColumn,
		column('Desired', object => numberAt(object, 'status', 'desiredNumberScheduled'), integer),
		column('Current', object => numberAt(object, 'status', 'currentNumberScheduled'), integer),
		column('Ready', object => numberAt(object, 'status', 'numberReady'), integer),
		column('Up-to-date', object => numberAt(object, 'status', 'updatedNumberScheduled'), integer),
		column('Available', object => numberAt(object, 'status', 'numberAvailable'), integer),
		column('Node Selector', () => '<none>'),
		ageColumn,
		...templateColumns,
	],
	ReplicaSet: [
		nameColumn,
		column('Desired', object => numberAt(object, 'spec', 'replicas'), integer),
		column('Current', object => numberAt(object, 'status', 'replicas'), integer),
		column('Ready', object => numberAt(object, 'status', 'readyReplicas'), integer),
		ageColumn,
		...templateColumns,
	],
};

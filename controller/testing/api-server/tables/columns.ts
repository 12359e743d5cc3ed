// The columns of `kubectl get` for each kind, as the real server prints them.
import { isRecord, type KubeObject, listAt, numberAt, textAt } from '../objects/object.ts';
import { ageColumn, type Column, column, nameColumn, orNone, selectorText, wide } from './column.ts';
import { eventColumns } from './event-columns.ts';
import { podColumns } from './pod-columns.ts';
import { workloadColumns } from './workload-columns.ts';

const count = (value: unknown): number => (isRecord(value) ? Object.keys(value).length : 0);
const integer = { type: 'integer' } as const;

const subjectsOf = (object: KubeObject, kind: string): string =>
	listAt(object, 'subjects')
		.filter(subject => subject['kind'] === kind)
		.map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : `${name}`))
		.join(', ');

const roleColumns = [
	nameColumn,
	column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>', { type: 'date' }),
];

const bindingColumns = [
	nameColumn,
	column('Role', object => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`),
	ageColumn,
	wide('Users', object => subjectsOf(object, 'User')),
	wide('Groups', object => subjectsOf(object, 'Group')),
	wide('ServiceAccounts', object => subjectsOf(object, 'ServiceAccount')),
];

const portsOf = (service: KubeObject): string =>
	orNone(
		listAt(service, 'spec', 'ports')
			.map(({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`)
			.join(','),
	);

const columnsByKind: Readonly<Record<string, readonly Column[]>> = {
	Namespace: [nameColumn, column('Status', object => textAt(object, 'status', 'phase')), ageColumn],
	...workloadColumns,
	Pod: podColumns,
	Event: eventColumns,
	Secret: [
		nameColumn,
		column('Type', object => textAt(object, 'type')),
		column('Data', object => count(object['data'])),
		ageColumn,
	],
	ConfigMap: [
		nameColumn,
		column('Data', object => count(object['data']) + count(object['binaryData'])),
		ageColumn,
	],
	Lease: [nameColumn, column('Holder', object => textAt(object, 'spec', 'holderIdentity')), ageColumn],
	Service: [
		nameColumn,
		column('Type', object => textAt(object, 'spec', 'type') || 'ClusterIP'),
		column('Cluster-IP', object => orNone(textAt(object, 'spec', 'clusterIP'))),
		column('External-IP', () => '<none>'),
		column('Port(s)', portsOf),
		ageColumn,
		wide('Selector', object =>
			selectorText({ matchLabels: isRecord(object['spec']) ? object['spec']['selector'] : {} }),
		),
	],
	NetworkPolicy: [
		nameColumn,
		column('Pod-Selector', object =>
			selectorText(isRecord(object['spec']) ? object['spec']['podSelector'] : {}),
		),
		ageColumn,
	],
	PodDisruptionBudget: [
		nameColumn,
		column('Min Available', object => textAt(object, 'spec', 'minAvailable') || 'N/A'),
		column('Max Unavailable', object => textAt(object, 'spec', 'maxUnavailable') || 'N/A'),
		column('Allowed Disruptions', object => numberAt(object, 'status', 'disruptionsAllowed'), integer),
		ageColumn,
	],
	Role: roleColumns,
	ClusterRole: roleColumns,
	RoleBinding: bindingColumns,
	ClusterRoleBinding: bindingColumns,
	ValidatingAdmissionPolicy: [
		nameColumn,
		column('Validations', object => listAt(object, 'spec', 'validations').length, integer),
		column('ParamKind', object => textAt(object, 'spec', 'paramKind', 'kind') || '<unset>'),
		ageColumn,
	],
	ValidatingAdmissionPolicyBinding: [
		nameColumn,
		column('PolicyName', object => textAt(object, 'spec', 'policyName')),
		column('ParamRef', object => textAt(object, 'spec', 'paramRef', 'name') || '<unset>'),
		ageColumn,
	],
};

/** The columns of a kind; name and age for a kind that has none of its own. */
export const columnsOf = (kind: string): readonly Column[] => columnsByKind[kind] ?? [nameColumn, ageColumn];

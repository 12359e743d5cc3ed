// The table of kinds: what each resource is called, which fields it has and how it differs from the rest.
import { coreFields, eventsFields, fromCoreEvent, toCoreEvent } from './event-views.ts';
import { type KubeObject, textAt } from './object.ts';

/** One API group's face of a kind. `toStorage`/`fromStorage` convert where the stored form is another one. */
export type View = {
	readonly kind: string;
	readonly group: string;
	readonly version: string;
	readonly apiVersion: string;
	/** Top-level fields beside kind, apiVersion and metadata, in the order of the real encoder. */
	readonly fields: readonly string[];
	/** Accepted on input, never stored. */
	readonly inputFields?: readonly string[];
	readonly fromStorage?: (object: KubeObject) => KubeObject;
	readonly toStorage?: (object: KubeObject) => KubeObject;
};

export type Kind = {
	readonly kind: string;
	readonly plural: string;
	readonly singular: string;
	readonly shortNames: readonly string[];
	readonly namespaced: boolean;
	/** The first one is what is stored. */
	readonly views: readonly [View, ...View[]];
	/** Has a `status` that plain writes cannot touch, and a status subresource. */
	readonly status: boolean;
	/** Counts changes of its spec in `metadata.generation`. */
	readonly generation: boolean;
	/** PUT without a resourceVersion is allowed. */
	readonly unconditional: boolean;
	/** PUT on a missing name creates. */
	readonly createOnUpdate: boolean;
	/** DELETE answers the object instead of a Status. */
	readonly answersDeleted: boolean;
	/** Names are DNS labels, DNS subdomains, or path segments. */
	readonly names: 'label' | 'subdomain' | 'path';
	/** What field selectors may name beside metadata.name and metadata.namespace. */
	readonly selectable: (object: KubeObject) => Record<string, string>;
	readonly selectableNames: readonly string[];
	readonly emptyFields: Record<string, unknown>;
};

const nothing = (): Record<string, string> => ({});

const select =
	(names: Readonly<Record<string, readonly string[]>>) =>
	(object: KubeObject): Record<string, string> =>
		Object.fromEntries(Object.entries(names).map(([name, path]) => [name, textAt(object, ...path)]));

type Entry = Pick<Kind, 'kind' | 'plural'> & { group: string; fields: string[] } & Partial<Kind> &
	Partial<Pick<View, 'inputFields'>> & { select?: Record<string, readonly string[]> };

const define = ({ group, fields, inputFields, select: selectors, ...entry }: Entry): Kind => ({
	singular: entry.kind.toLowerCase(),
	shortNames: [],
	namespaced: true,
	status: false,
	generation: false,
	unconditional: true,
	createOnUpdate: false,
	answersDeleted: false,
	names: 'subdomain',
	selectable: selectors ? select(selectors) : nothing,
	selectableNames: Object.keys(selectors ?? {}),
	emptyFields: {},
	views: [
		{
			kind: entry.kind,
			group,
			version: 'v1',
			apiVersion: group === '' ? 'v1' : `${group}/v1`,
			fields,
			...(inputFields ? { inputFields } : {}),
		},
	],
	...entry,
});

const rbac = 'rbac.authorization.k8s.io';
const admission = 'admissionregistration.k8s.io';
const involved = (name: string): [string, readonly string[]] => [
	`involvedObject.${name}`,
	['involvedObject', name],
];

const event = define({
	kind: 'Event',
	plural: 'events',
	group: '',
	fields: coreFields,
	shortNames: ['ev'],
	createOnUpdate: true,
	names: 'path',
	select: {
		...Object.fromEntries(['kind', 'namespace', 'name', 'uid', 'apiVersion'].map(involved)),
		reason: ['reason'],
		type: ['type'],
		source: ['source', 'component'],
		reportingComponent: ['reportingComponent'],
	},
	emptyFields: { involvedObject: {}, source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null },
});

/** Every kind that the server stores; events have two views of one storage. */
export const kinds: readonly Kind[] = [
	define({
		kind: 'Namespace',
		plural: 'namespaces',
		group: '',
		fields: ['spec', 'status'],
		shortNames: ['ns'],
		namespaced: false,
		status: true,
		answersDeleted: true,
		names: 'label',
		select: { 'status.phase': ['status', 'phase'] },
		emptyFields: { spec: {}, status: {} },
	}),
	define({
		kind: 'Pod',
		plural: 'pods',
		group: '',
		fields: ['spec', 'status'],
		shortNames: ['po'],
		status: true,
		generation: true,
		answersDeleted: true,
		select: {
			'status.phase': ['status', 'phase'],
			'status.podIP': ['status', 'podIP'],
			'spec.nodeName': ['spec', 'nodeName'],
			'spec.restartPolicy': ['spec', 'restartPolicy'],
			'spec.schedulerName': ['spec', 'schedulerName'],
			'spec.serviceAccountName': ['spec', 'serviceAccountName'],
		},
		emptyFields: { spec: { containers: null }, status: {} },
	}),
	define({
		kind: 'Secret',
		plural: 'secrets',
		group: '',
		fields: ['immutable', 'data', 'type'],
		inputFields: ['stringData'],
		select: { type: ['type'] },
	}),
	define({
		kind: 'ConfigMap',
		plural: 'configmaps',
		group: '',
		fields: ['immutable', 'data', 'binaryData'],
		shortNames: ['cm'],
	}),
	define({
		kind: 'ServiceAccount',
		plural: 'serviceaccounts',
		group: '',
		fields: ['secrets', 'imagePullSecrets', 'automountServiceAccountToken'],
		shortNames: ['sa'],
		unconditional: false,
		answersDeleted: true,
	}),
	{
		...event,
		views: [
			event.views[0],
			{
				kind: 'Event',
				group: 'events.k8s.io',
				version: 'v1',
				apiVersion: 'events.k8s.io/v1',
				fields: eventsFields,
				fromStorage: fromCoreEvent,
				toStorage: toCoreEvent,
			},
		],
	},
	define({
		kind: 'Lease',
		plural: 'leases',
		group: 'coordination.k8s.io',
		fields: ['spec'],
		unconditional: false,
		createOnUpdate: true,
		emptyFields: { spec: {} },
	}),
	...(
		[
			['Deployment', 'deployments', 'deploy'],
			['ReplicaSet', 'replicasets', 'rs'],
			['StatefulSet', 'statefulsets', 'sts'],
			['DaemonSet', 'daemonsets', 'ds'],
		] as const
	).map(([kind, plural, short]) =>
		define({
			kind,
			plural,
			group: 'apps',
			fields: ['spec', 'status'],
			shortNames: [short],
			status: true,
			generation: true,
			emptyFields: { spec: {}, status: {} },
		}),
	),
	define({
		kind: 'Node',
		plural: 'nodes',
		group: '',
		fields: ['spec', 'status'],
		shortNames: ['no'],
		namespaced: false,
		status: true,
		select: { 'spec.unschedulable': ['spec', 'unschedulable'] },
		emptyFields: { spec: {}, status: {} },
	}),
	...(['Role', 'ClusterRole'] as const).map(kind =>
		define({
			kind,
			plural: `${kind.toLowerCase()}s`,
			group: rbac,
			fields: ['aggregationRule', 'rules'],
			namespaced: kind === 'Role',
			createOnUpdate: true,
			names: 'path',
			emptyFields: { rules: null },
		}),
	),
	...(['RoleBinding', 'ClusterRoleBinding'] as const).map(kind =>
		define({
			kind,
			plural: `${kind.toLowerCase()}s`,
			group: rbac,
			fields: ['subjects', 'roleRef'],
			namespaced: kind === 'RoleBinding',
			createOnUpdate: true,
			names: 'path',
		}),
	),
	...['ValidatingAdmissionPolicy', 'MutatingAdmissionPolicy'].flatMap(policy =>
		[policy, `${policy}Binding`].map(kind =>
			define({
				kind,
				plural: `${kind.toLowerCase()}s`.replace(/policys$/, 'policies'),
				group: admission,
				fields: ['spec', 'status'],
				namespaced: false,
				unconditional: false,
				generation: true,
				emptyFields: { spec: {} },
			}),
		),
	),
	// Parts of an installation that nothing here acts on.
	...(
		[
			['Service', 'services', 'svc', ''],
			['NetworkPolicy', 'networkpolicies', 'netpol', 'networking.k8s.io'],
			['PodDisruptionBudget', 'poddisruptionbudgets', 'pdb', 'policy'],
		] as const
	).map(([kind, plural, short, group]) =>
		define({ kind, plural, group, shortNames: [short], fields: ['spec', 'status'] }),
	),
];

/** Finds a kind by group and plural, as a URL names it, with the view of that group. */
export const resourceOf = (
	group: string,
	version: string,
	plural: string,
): { kind: Kind; view: View } | undefined => {
	for (const kind of kinds) {
		if (kind.plural !== plural) continue;
		const view = kind.views.find(candidate => candidate.group === group && candidate.version === version);
		if (view) return { kind, view };
	}
	return undefined;
};

/** Finds a kind by its kind, plural or singular: `Secret`, `secrets`, `secret`; throws a TypeError otherwise. */
export const kindNamed = (name: string): Kind => {
	const wanted = name.toLowerCase();
	const found = kinds.find(
		kind =>
			kind.plural === wanted || kind.singular === wanted || kind.shortNames.some(short => short === wanted),
	);
	if (!found) throw new TypeError(`the embedded API server does not store "${name}"`);
	return found;
};

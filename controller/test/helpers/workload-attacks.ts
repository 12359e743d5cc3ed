// What a person with the controller's token would try on a workload: each field, each kind of patch, each verb.
import type { RawRequest } from './servers/raw-request.ts';

export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const APPLY = 'application/apply-patch+yaml';

export const KINDS = {
	Deployment: 'deployments',
	StatefulSet: 'statefulsets',
	DaemonSet: 'daemonsets',
} as const;
export type Kind = keyof typeof KINDS;

export const RESTARTED_FOR = 'jasm.codnod.io/restarted-for';
const POINTER = '/spec/template/metadata/annotations/jasm.codnod.io~1restarted-for';

/** The one thing that the token may do to a workload that asks for it. */
export const restart = (value = '0123456789abcdef') =>
	template({ metadata: { annotations: { [RESTARTED_FOR]: value } } });

/** A restart in each kind of patch; every further query joins with `&`. */
export const RESTARTS: readonly {
	readonly how: string;
	readonly type: string;
	readonly query: string;
	body(kind: Kind, name: string, value?: string): unknown;
}[] = [
	{ how: 'merge patch', type: MERGE, query: '?fieldManager=x', body: (_, __, value) => restart(value) },
	{
		how: 'strategic merge patch',
		type: STRATEGIC,
		query: '?fieldManager=x',
		body: (_, __, value) => restart(value),
	},
	{
		how: 'JSON Patch',
		type: JSON_PATCH,
		query: '?fieldManager=x',
		body: (_, __, value = '0123456789abcdef') => [{ op: 'add', path: POINTER, value }],
	},
	{
		how: 'apply',
		type: APPLY,
		query: '?fieldManager=x&force=true',
		body: (kind, name, value) => ({ apiVersion: 'apps/v1', kind, metadata: { name }, ...restart(value) }),
	},
];

/** Values that are no hash. */
export const NO_HASHES = [
	'free text',
	'0123456789ABCDEF',
	'0123456789abcde',
	'0123456789abcdef0',
	'0123456789abcdef\n',
	'',
];

type Change = Record<string, unknown>;
type Attack = { readonly change: Change; readonly kinds?: readonly Kind[] };

function template(change: object): Change {
	return { spec: { template: change } };
}

const inTemplate = (metadata: object): Attack => ({ change: template({ metadata }) });
const pod = (spec: object): Attack => ({ change: template({ spec }) });
const container = (change: object): Attack =>
	pod({ containers: [{ name: 'app', image: 'app:1', ...change }] });
const spec = (change: object, ...kinds: Kind[]): Attack => ({
	change: { spec: change },
	...(kinds.length > 0 && { kinds }),
});
const metadata = (change: object): Attack => ({ change: { metadata: change } });

/** Merge patches, by what each would change; where `kinds` is absent, of every kind. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
	image: container({ image: 'evil:1' }),
	env: container({ env: [{ name: 'X', value: 'y' }] }),
	command: container({ command: ['sh'] }),
	resources: container({ resources: { limits: { cpu: '1' } } }),
	securityContext: container({ securityContext: { privileged: true } }),
	'a further container': pod({ containers: [{ name: 'evil', image: 'evil:1' }] }),
	'an init container': pod({ initContainers: [{ name: 'evil', image: 'evil:1' }] }),
	serviceAccountName: pod({ serviceAccountName: 'admin' }),
	hostNetwork: pod({ hostNetwork: true }),
	hostPID: pod({ hostPID: true }),
	nodeName: pod({ nodeName: 'evil' }),
	nodeSelector: pod({ nodeSelector: { x: 'y' } }),
	priorityClassName: pod({ priorityClassName: 'system-node-critical' }),
	tolerations: pod({ tolerations: [{ operator: 'Exists' }] }),
	volumes: pod({ volumes: [{ name: 'host', hostPath: { path: '/' } }] }),
	terminationGracePeriodSeconds: pod({ terminationGracePeriodSeconds: 1 }),
	'a label of the template': inTemplate({ labels: { evil: 'x' } }),
	'an annotation of the template': inTemplate({ annotations: { evil: 'x' } }),
	'an annotation of the template, changed': inTemplate({ annotations: { other: 'evil' } }),
	'an annotation of the template, removed': inTemplate({ annotations: { other: null } }),
	'the annotation that asks for secrets': inTemplate({
		annotations: { 'jasm.codnod.io/secret-sync': '{onChange: restart}' },
	}),
	'the finalizers of the template': inTemplate({ finalizers: ['example.com/evil'] }),
	replicas: spec({ replicas: 3 }, 'Deployment', 'StatefulSet'),
	paused: spec({ paused: true }, 'Deployment'),
	minReadySeconds: spec({ minReadySeconds: 9 }),
	revisionHistoryLimit: spec({ revisionHistoryLimit: 1 }),
	progressDeadlineSeconds: spec({ progressDeadlineSeconds: 601 }, 'Deployment'),
	strategy: spec({ strategy: { type: 'Recreate', rollingUpdate: null } }, 'Deployment'),
	updateStrategy: spec(
		{ updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
		'StatefulSet',
		'DaemonSet',
	),
	ordinals: spec({ ordinals: { start: 3 } }, 'StatefulSet'),
	persistentVolumeClaimRetentionPolicy: spec(
		{ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' } },
		'StatefulSet',
	),
	'a new label': metadata({ labels: { evil: 'x' } }),
	'a removed label': metadata({ labels: { team: null } }),
	'a new annotation': metadata({ annotations: { evil: 'x' } }),
	'a removed annotation': metadata({ annotations: { keep: null } }),
	"the server's own count of a DaemonSet": {
		...metadata({ annotations: { 'deprecated.daemonset.template.generation': '7' } }),
		kinds: ['Deployment', 'StatefulSet'],
	},
	finalizers: metadata({ finalizers: ['example.com/evil'] }),
	ownerReferences: metadata({
		ownerReferences: [
			{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '00000000-0000-0000-0000-000000000001' },
		],
	}),
};

export const pathOf = (kind: Kind, namespace: string, name: string) =>
	`/apis/apps/v1/namespaces/${namespace}/${KINDS[kind]}/${name}`;

/** A workload without pods. `extra` replaces fields of its spec. */
export const workload = (
	kind: Kind,
	name: string,
	annotations: Readonly<Record<string, string>>,
	extra: object = {},
) => ({
	apiVersion: 'apps/v1',
	kind,
	metadata: { name, labels: { team: 'a' }, annotations: { keep: '1' } },
	spec: {
		...(kind !== 'DaemonSet' && { replicas: 0 }),
		...(kind === 'StatefulSet' && { serviceName: 'none' }),
		selector: { matchLabels: { app: name } },
		...extra,
		template: {
			metadata: { labels: { app: name }, annotations: { other: 'x', ...annotations } },
			spec: {
				// No node of a real cluster has this label: a DaemonSet makes no pod.
				nodeSelector: { 'example.com/nowhere': 'true' },
				containers: [{ name: 'app', image: 'app:1', env: [{ name: 'TOKEN', value: CANARY }] }],
			},
		},
	},
});

/** The literal value of a variable; no label may have it, so that a refusal of such a label quotes it. */
export const CANARY = 'a literal value in env';

/** Every other verb and every subresource, on a workload that asks for restarts. */
export function OTHER_REQUESTS(kind: Kind, namespace: string, name: string): RawRequest[] {
	const all = `/apis/apps/v1/namespaces/${namespace}/${KINDS[kind]}`;
	const one = `${all}/${name}`;
	const asks = { 'jasm.codnod.io/secret-sync': '{onChange: restart}' };
	const evil = workload(kind, 'evil', asks);
	const merge = (path: string, body: object): RawRequest => ({
		method: 'PATCH',
		path,
		contentType: MERGE,
		body,
	});
	return [
		{ method: 'GET', path: one },
		{ method: 'GET', path: all },
		{ method: 'GET', path: `${all}?watch=true&timeoutSeconds=1` },
		{ method: 'POST', path: all, body: evil },
		{ method: 'POST', path: `${all}?dryRun=All`, body: evil },
		{ method: 'PUT', path: one, body: { ...evil, metadata: { name } } },
		{ method: 'DELETE', path: one },
		{ method: 'DELETE', path: `${one}?dryRun=All` },
		{ method: 'DELETE', path: all },
		...['?fieldManager=x', '?fieldManager=x&dryRun=All'].map(query => ({
			method: 'PATCH',
			path: `${all}/evil${query}`,
			contentType: APPLY,
			body: evil,
		})),
		{ method: 'GET', path: `${one}/scale` },
		merge(`${one}/scale`, { spec: { replicas: 3 } }),
		merge(`${one}/scale?dryRun=All`, { spec: { replicas: 3 } }),
		merge(`${one}/status`, { status: { observedGeneration: 9 } }),
		merge(`${one}/status`, restart()),
		merge(`/apis/apps/v1/namespaces/${namespace}/replicasets/${name}`, restart()),
		merge(`/apis/apps/v1/namespaces/${namespace}/controllerrevisions/${name}`, { revision: 2 }),
	];
}

/** One merge patch that does both; the first wins. */
export function merged(a: Change, b: Change): Change {
	const isObject = (value: unknown): value is Change =>
		typeof value === 'object' && value !== null && !Array.isArray(value);
	const out: Change = { ...a };
	for (const [key, value] of Object.entries(b)) {
		const mine = out[key];
		out[key] = isObject(mine) && isObject(value) ? merged(mine, value) : key in out ? mine : value;
	}

	return out;
}

// The requests that an attacker with the controller's token would try on a Secret that is not JASM's; pure.
import type { RawRequest } from './raw-requests.ts';

export type Attack = RawRequest & { readonly name: string };

const PATCHES = {
	json: 'application/json-patch+json',
	merge: 'application/merge-patch+json',
	strategic: 'application/strategic-merge-patch+json',
	apply: 'application/apply-patch+yaml',
} as const;

/** Media types that ask for less, for a table, or for another encoding of the object. */
const ACCEPTS = [
	'application/json',
	'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
	'application/json;as=Table;g=meta.k8s.io;v=v1',
	'application/vnd.kubernetes.protobuf',
	'application/yaml',
];

export type Target = {
	/** Namespace of the tenant whose Secret it is. */
	readonly namespace: string;
	readonly name: string;
	readonly uid: string;
	readonly resourceVersion: string;
	/** A key of the Secret. */
	readonly key: string;
};

/** Some hundred requests; none of them may be answered with a value, none may change the Secret. */
export function attacks(target: Target): Attack[] {
	const { namespace, name } = target;
	const all = `/api/v1/namespaces/${namespace}/secrets`;
	const one = `${all}/${name}`;
	return [
		...reads(all, one),
		...patches(one, target),
		...replacements(one, all, target),
		...others(namespace, name),
	];
}

function reads(all: string, one: string): Attack[] {
	const queries = ['', '?resourceVersion=0', '?pretty=true'];
	const lists = ['', '?watch=true', '?limit=1', '?labelSelector=x!=y', '?fieldSelector=type=Opaque'];
	const subresources = ['/status', '/scale', '/log', '/proxy', '/finalizers'];
	return [
		...ACCEPTS.flatMap(accept => queries.map(query => attempt('GET', one + query, { accept }))),
		...ACCEPTS.flatMap(accept => lists.map(query => attempt('GET', all + query, { accept }))),
		...['/api/v1/secrets', '/api/v1/secrets?watch=1', '/api/v1/watch/secrets'].map(path =>
			attempt('GET', path),
		),
		attempt('GET', one.replace('/api/v1/', '/api/v1/watch/')),
		...subresources.map(part => attempt('GET', one + part)),
		attempt('HEAD', one),
		attempt('OPTIONS', one),
	];
}

function patches(one: string, { key }: Target): Attack[] {
	const copy = (path: string) => [{ op: 'copy', from: `/data/${key}`, path }];
	const bodies: [keyof typeof PATCHES, unknown][] = [
		...[
			'/type',
			'/metadata/labels/x',
			'/metadata/annotations/x',
			'/metadata/name',
			'/kind',
			'/immutable',
		].map(path => ['json', copy(path)] as [keyof typeof PATCHES, unknown]),
		['json', [{ op: 'test', path: `/data/${key}`, value: 'AAAA' }]],
		['json', [{ op: 'move', from: `/data/${key}`, path: '/metadata/annotations/x' }]],
		['json', [{ op: 'add', path: '/metadata/labels', value: { 'app.kubernetes.io/managed-by': 'jasm' } }]],
		['json', [{ op: 'replace', path: '/data', value: {} }]],
		['merge', {}],
		['merge', { metadata: { labels: { 'app.kubernetes.io/managed-by': 'jasm' } } }],
		['merge', { type: 'no/such type!' }],
		['strategic', { metadata: { labels: { x: 'y' } } }],
		['strategic', { $patch: 'delete' }],
		['apply', { apiVersion: 'v1', kind: 'Secret', metadata: { labels: { x: 'y' } } }],
	];
	const queries = ['', '?dryRun=All', '?fieldValidation=Strict&pretty=true'];
	return bodies.flatMap(([kind, body]) =>
		queries.map(query => {
			const forced =
				kind === 'apply' ? `${query === '' ? '?' : `${query}&`}fieldManager=x&force=true` : query;
			return attempt('PATCH', one + forced, { type: PATCHES[kind], body });
		}),
	);
}

function replacements(one: string, all: string, { namespace, name, uid, resourceVersion }: Target): Attack[] {
	const owned = { 'app.kubernetes.io/managed-by': 'jasm' };
	const secret = (metadata: object, more: object = {}) => ({
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: { name, namespace, ...metadata },
		type: 'Opaque',
		...more,
	});
	const bodies = [
		secret({}),
		secret({ labels: owned }),
		secret({ labels: owned, uid }),
		secret({ labels: owned, resourceVersion }),
		secret({ labels: owned, resourceVersion: '1' }),
		secret({ labels: owned, uid: '00000000-0000-0000-0000-000000000000' }),
		secret({ labels: owned }, { type: 'kubernetes.io/tls' }),
		secret({ labels: { ...owned, bad: 'not a label!' } }),
		secret({ labels: owned }, { data: { key: 'not base64!' } }),
		secret({ labels: owned }, { immutable: true }),
		{ ...secret({ labels: owned }), kind: 'ConfigMap' },
		'{"apiVersion":"v1"',
	];
	const queries = ['', '?dryRun=All', '?fieldManager=kubectl'];
	return [
		...bodies.flatMap(body => queries.map(query => attempt('PUT', one + query, { body }))),
		...bodies
			.slice(0, 8)
			.flatMap(body => ['', '?dryRun=All'].map(query => attempt('POST', all + query, { body }))),
		attempt('POST', all, {
			body: secret(
				{ name: undefined, generateName: `${name}-`, labels: owned },
				{ type: 'kubernetes.io/service-account-token' },
			),
		}),
		...['', '?dryRun=All', '?propagationPolicy=Orphan'].map(query => attempt('DELETE', one + query)),
		attempt('DELETE', one, { body: { preconditions: { uid, resourceVersion } } }),
		attempt('DELETE', all),
		attempt('DELETE', `${all}?labelSelector=x!=y`),
	];
}

function others(namespace: string, name: string): Attack[] {
	const inside = `/api/v1/namespaces/${namespace}`;
	const pod = {
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: { name: 'attacker' },
		spec: { containers: [{ name: 'x', image: 'x', envFrom: [{ secretRef: { name } }] }] },
	};
	const labelled = (more: object) => ({
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: { name: 'attacker', labels: { 'app.kubernetes.io/managed-by': 'jasm' } },
		type: 'Opaque',
		...more,
	});
	return [
		attempt('POST', `${inside}/pods`, { body: pod }),
		attempt('POST', `${inside}/serviceaccounts/default/token`, { body: { spec: { audiences: ['x'] } } }),
		attempt('POST', '/api/v1/namespaces/jasm/serviceaccounts/jasm/token', { body: { spec: {} } }),
		attempt('GET', `${inside}/configmaps`),
		attempt('GET', '/api/v1/namespaces/jasm/configmaps/jasm'),
		attempt('GET', '/api/v1/namespaces/kube-system/secrets'),
		attempt('GET', '/api/v1/nodes'),
		attempt('GET', `${inside}/pods/any/log`),
		attempt('POST', `${inside}/pods/any/exec?command=sh`),
		...['kube-system', 'kube-public', 'jasm'].map(system =>
			attempt('POST', `/api/v1/namespaces/${system}/secrets`, { body: labelled({}) }),
		),
		...[
			'kubernetes.io/service-account-token',
			'bootstrap.kubernetes.io/token',
			'helm.sh/release.v1',
			'own/type',
		].map(type =>
			attempt('POST', `${inside}/secrets`, {
				body: labelled({
					type,
					metadata: {
						name: 'attacker',
						labels: { 'app.kubernetes.io/managed-by': 'jasm' },
						annotations: { 'kubernetes.io/service-account.name': 'default' },
					},
				}),
			}),
		),
		attempt('POST', `${inside}/secrets`, { body: { ...labelled({}), metadata: { name: 'attacker' } } }),
		attempt('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
			body: {
				metadata: { name: 'attacker' },
				roleRef: { kind: 'ClusterRole', name: 'cluster-admin', apiGroup: 'rbac.authorization.k8s.io' },
			},
		}),
		attempt('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/jasm-secrets'),
		attempt('PATCH', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/jasm-secrets', {
			type: PATCHES.merge,
			body: { spec: { validationActions: ['Audit'] } },
		}),
	];
}

function attempt(method: string, path: string, more: Omit<RawRequest, 'method' | 'path'> = {}): Attack {
	return { name: `${method} ${path}`, method, path, ...more };
}

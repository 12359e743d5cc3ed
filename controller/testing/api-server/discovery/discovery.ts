// Discovery, version and health.

import { type Kind, kinds } from '../objects/kinds.ts';
import { isScalable } from '../objects/scale.ts';
import type { Exchange } from '../wire/exchange.ts';
import { openApi } from './openapi.ts';

const version = {
	major: '1',
	minor: '37',
	gitVersion: 'v1.37.2',
	gitCommit: 'embedded',
	gitTreeState: 'clean',
	buildDate: '1970-01-01T00:00:00Z',
	goVersion: 'go1.26.8',
	compiler: 'gc',
	platform: 'linux/amd64',
};

type Resource = {
	name: string;
	singularName: string;
	namespaced: boolean;
	kind: string;
	verbs: string[];
	shortNames?: readonly string[];
	categories?: string[];
	group?: string;
	version?: string;
};

/** What `kubectl get all` shows. */
const IN_ALL = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']);

const itemVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const resourcesOf = (kind: Kind): Resource[] => {
	const { kind: name, plural, singular, namespaced, shortNames } = kind;
	const sub = (subresource: string, more: Partial<Resource> & Pick<Resource, 'verbs'>): Resource => ({
		name: `${plural}/${subresource}`,
		singularName: '',
		namespaced,
		kind: name,
		...more,
	});
	return [
		{
			name: plural,
			singularName: singular,
			namespaced,
			kind: name,
			verbs: ['create', ...itemVerbs.filter(verb => name !== 'Namespace' || verb !== 'deletecollection')],
			...(shortNames.length > 0 ? { shortNames } : {}),
			...(IN_ALL.has(name) ? { categories: ['all'] } : {}),
		},
		...(kind.status ? [sub('status', { verbs: ['get', 'patch', 'update'] })] : []),
		...(isScalable(kind)
			? [
					sub('scale', {
						kind: 'Scale',
						group: 'autoscaling',
						version: 'v1',
						verbs: ['get', 'patch', 'update'],
					}),
				]
			: []),
		...(name === 'ServiceAccount'
			? [
					sub('token', {
						kind: 'TokenRequest',
						group: 'authentication.k8s.io',
						version: 'v1',
						verbs: ['create'],
					}),
				]
			: []),
	];
};

const review = (name: string, kind: string): Resource => ({
	name,
	singularName: name.slice(0, -1),
	namespaced: false,
	kind,
	verbs: ['create'],
});

/** Group -> resources of its version v1; reviews are answered, never stored. */
const groups = new Map<string, Resource[]>([['', []]]);
for (const kind of kinds) {
	for (const { group } of kind.views) {
		groups.set(group, [...(groups.get(group) ?? []), ...resourcesOf(kind)]);
	}
}
groups.set('authentication.k8s.io', [
	review('tokenreviews', 'TokenReview'),
	review('selfsubjectreviews', 'SelfSubjectReview'),
]);
groups.set('authorization.k8s.io', [review('selfsubjectaccessreviews', 'SelfSubjectAccessReview')]);

/** Whether the server knows a group in a version. */
export const isGroup = (group: string, version: string): boolean => groups.has(group) && version === 'v1';

const versionOf = (group: string): string => (group === '' ? 'v1' : `${group}/v1`);
const describeGroup = (name: string): Record<string, unknown> => {
	const described = { groupVersion: versionOf(name), version: 'v1' };
	return { name, versions: [described], preferredVersion: described };
};

const prefixOf = (group: string): string => (group === '' ? 'api/v1' : `apis/${group}/v1`);

/** Answers a path that is no resource; false where there is nothing at the path. */
export const answerDiscovery = (exchange: Exchange, address: string): boolean => {
	const path = exchange.info.path.replace(/\/$/, '');
	const named = [...groups.keys()].filter(name => name !== '');
	const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
	const groupVersion = path === '/api/v1' ? '' : /^\/apis\/([^/]+)\/v1$/.exec(path)?.[1];
	const schema = path === '/openapi/v3/api/v1' ? '' : /^\/openapi\/v3\/apis\/([^/]+)\/v1$/.exec(path)?.[1];
	if (path === '/healthz' || path === '/livez' || path === '/readyz') {
		exchange.send(200, 'ok', { 'content-type': 'text/plain; charset=utf-8' });
	} else if (path === '/version') exchange.sendJson(200, version);
	else if (path === '/api') {
		const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: address }];
		exchange.sendJson(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs });
	} else if (path === '/apis') {
		exchange.sendJson(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(describeGroup) });
	} else if (group !== undefined && groups.has(group)) {
		exchange.sendJson(200, { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(group) });
	} else if (groupVersion !== undefined && groups.has(groupVersion)) {
		exchange.sendJson(200, {
			kind: 'APIResourceList',
			...(groupVersion === '' ? {} : { apiVersion: 'v1' }),
			groupVersion: versionOf(groupVersion),
			resources: groups.get(groupVersion),
		});
	} else if (path === '/openapi/v3') {
		const paths = [...groups.keys()].map(name => [
			prefixOf(name),
			{ serverRelativeURL: `/openapi/v3/${prefixOf(name)}?hash=embedded` },
		]);
		exchange.sendJson(200, { paths: Object.fromEntries(paths) });
	} else if (schema !== undefined && groups.has(schema))
		exchange.sendJson(200, openApi(schema, version.gitVersion));
	else return false;
	return true;
};

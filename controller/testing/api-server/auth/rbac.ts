// RBAC evaluation over the stored Roles and bindings, with the real server's refusal texts.
import { kindNamed } from '../objects/kinds.ts';
import { isRecord, type KubeObject } from '../objects/object.ts';
import { forbidden, StatusError } from '../objects/status.ts';
import type { Storage } from '../storage/storage.ts';
import { fullResource, type RequestInfo } from '../wire/request-info.ts';
import type { User } from './tokens.ts';

/** What a rule is asked about. */
export type Attributes = Pick<
	RequestInfo,
	'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'path' | 'isResource'
>;

type Rule = {
	verbs?: string[];
	apiGroups?: string[];
	resources?: string[];
	resourceNames?: string[];
	nonResourceURLs?: string[];
};

const [roles, clusterRoles, roleBindings, clusterRoleBindings] = [
	kindNamed('Role'),
	kindNamed('ClusterRole'),
	kindNamed('RoleBinding'),
	kindNamed('ClusterRoleBinding'),
];

// What the bootstrap roles of a real cluster give to everybody who is authenticated.
const publicPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const discoveryPaths = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...publicPaths];
const selfReviews: Rule = {
	verbs: ['create'],
	apiGroups: ['authorization.k8s.io', 'authentication.k8s.io'],
	resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'selfsubjectreviews'],
};

const matchesPath = (pattern: string, path: string): boolean =>
	pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;

const allows = (rule: Rule, attributes: Attributes): boolean => {
	const has = (list: readonly string[] | undefined, ...wanted: string[]): boolean =>
		list?.some(item => item === '*' || wanted.includes(item)) ?? false;
	if (!has(rule.verbs, attributes.verb)) return false;
	if (!attributes.isResource) {
		return rule.nonResourceURLs?.some(pattern => matchesPath(pattern, attributes.path)) ?? false;
	}
	const names = rule.resourceNames ?? [];
	return (
		has(rule.apiGroups, attributes.group) &&
		has(
			rule.resources,
			fullResource(attributes),
			...(attributes.subresource === '' ? [] : [`*/${attributes.subresource}`]),
		) &&
		(names.length === 0 || names.includes(attributes.name))
	);
};

const bindsUser = (binding: KubeObject, user: User): boolean => {
	const subjects = Array.isArray(binding['subjects']) ? binding['subjects'] : [];
	return subjects.some(subject => {
		if (!isRecord(subject)) return false;
		if (subject['kind'] === 'ServiceAccount') {
			const namespace = subject['namespace'] ?? binding.metadata.namespace;
			return user.username === `system:serviceaccount:${String(namespace)}:${String(subject['name'])}`;
		}
		if (subject['kind'] === 'Group') return user.groups.includes(String(subject['name']));
		return user.username === subject['name'];
	});
};

/** Answers "may this user do that" from what is stored at the moment. */
export class Authorizer {
	readonly #storage: Storage;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	#rulesOf(binding: KubeObject): Rule[] {
		const ref = isRecord(binding['roleRef']) ? binding['roleRef'] : {};
		const role =
			ref['kind'] === 'ClusterRole'
				? this.#storage.get(clusterRoles, '', String(ref['name']))
				: this.#storage.get(roles, binding.metadata.namespace ?? '', String(ref['name']));
		return Array.isArray(role?.object['rules']) ? (role.object['rules'] as Rule[]) : [];
	}

	allowed(user: User, attributes: Attributes): boolean {
		if (user.groups.includes('system:masters')) return true;
		if (!attributes.isResource) {
			const paths = user.groups.includes('system:authenticated') ? discoveryPaths : publicPaths;
			if (attributes.verb === 'get' && paths.some(path => matchesPath(path, attributes.path))) return true;
		} else if (user.groups.includes('system:authenticated') && allows(selfReviews, attributes)) return true;

		for (const { object } of this.#storage.list(clusterRoleBindings)) {
			if (bindsUser(object, user) && this.#rulesOf(object).some(rule => allows(rule, attributes)))
				return true;
		}
		if (!attributes.isResource || attributes.namespace === '') return false;
		for (const { object, namespace } of this.#storage.list(roleBindings)) {
			if (namespace !== attributes.namespace || !bindsUser(object, user)) continue;
			if (this.#rulesOf(object).some(rule => allows(rule, attributes))) return true;
		}
		return false;
	}

	/** Throws the 403 of the real server where `allowed` is false. */
	check(user: User, attributes: Attributes): void {
		if (this.allowed(user, attributes)) return;
		if (!attributes.isResource) {
			const message = `forbidden: User "${user.username}" cannot ${attributes.verb} path "${attributes.path}"`;
			throw new StatusError(403, 'Forbidden', message, {});
		}
		const where =
			attributes.namespace === '' ? 'at the cluster scope' : `in the namespace "${attributes.namespace}"`;
		throw forbidden(
			{ group: attributes.group, plural: attributes.resource },
			attributes.name,
			`User "${user.username}" cannot ${attributes.verb} resource "${fullResource(attributes)}" in API group "${attributes.group}" ${where}`,
		);
	}
}

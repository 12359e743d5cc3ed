// The CEL that holds JASM's ServiceAccount to Secrets of its own, of safe types, outside the system; pure.
import { MANAGED_BY, RESERVED_NAMESPACES, SECRET_TYPES, SYSTEM_NAMESPACE_REFUSED } from './contract.ts';

/** One condition that must hold, and the message for a refused caller. */
export type Validation = { readonly expression: string; readonly message: string };

/**
 * The users that are held: the ServiceAccount that the Deployment runs as, in any namespace. No expression names the
 * namespace of the installation, so that tools such as kustomize can move the installation to another one. Without
 * that, the policy would hold a user that does not exist, and JASM would run unguarded.
 */
export function matchConditions(serviceAccount: string) {
	return [
		{
			name: 'jasm-service-account',
			expression: `request.userInfo.username.matches('^system:serviceaccount:[^:]+:${serviceAccount}$')`,
		},
	];
}

/** CEL: the request is not for the namespace that its user, JASM's ServiceAccount, lives in. */
export function notOwnNamespace(serviceAccount: string): string {
	return `request.userInfo.username != 'system:serviceaccount:' + request.namespace + ':${serviceAccount}'`;
}

/**
 * CEL: the namespace is not one of the system. `patterns` are those of the controller's rules that begin with `kube-`;
 * they open a namespace only if the rules do, and never one of Kubernetes' own.
 */
export function outsideTheSystem(patterns: readonly string[] = []): string {
	const usable = patterns.filter(pattern => /^kube-[-a-z0-9*?]*$/.test(pattern));
	const closed = "!request.namespace.startsWith('kube-')";
	if (usable.length === 0) {
		return closed;
	}

	const reserved = RESERVED_NAMESPACES.map(name => `'${name}'`).join(', ');
	const opened = usable.map(pattern => pattern.replaceAll('*', '.*').replaceAll('?', '.')).join('|');
	return `(${closed} || (!(request.namespace in [${reserved}]) && request.namespace.matches('^(${opened})$')))`;
}

/**
 * All keys of `part` except `free` are equal before and after. The comparison is generic, so that fields of future
 * versions of Kubernetes are held too.
 */
export function sameExcept(part: string, free: readonly string[]): string {
	const after = part === '' ? 'dyn(object)' : `dyn(object.${part})`;
	const before = part === '' ? 'dyn(oldObject)' : `dyn(oldObject.${part})`;
	const isFree = `k in [${free.map(key => `'${key}'`).join(', ')}]`;
	return (
		`${after}.all(k, ${isFree} || (k in ${before} && ${after}[k] == ${before}[k])) && ` +
		`${before}.all(k, ${isFree} || k in ${after})`
	);
}

/**
 * The conditions of every write of a Secret by that ServiceAccount. `object` is null on DELETE and an expression that
 * touches it would be an error, so the operation guards each.
 */
export function validations(serviceAccount: string, systemNamespaces?: readonly string[]): Validation[] {
	const owned = (object: string) =>
		`has(${object}.metadata.labels) && '${MANAGED_BY.label}' in ${object}.metadata.labels && ` +
		`${object}.metadata.labels['${MANAGED_BY.label}'] == '${MANAGED_BY.value}'`;
	const types = SECRET_TYPES.map(type => `'${type}'`).join(', ');
	return [
		{ expression: "request.operation != 'DELETE'", message: 'JASM never deletes a Secret' },
		{
			expression: `${outsideTheSystem(systemNamespaces)} && ${notOwnNamespace(serviceAccount)}`,
			message: SYSTEM_NAMESPACE_REFUSED,
		},
		{
			expression: `request.operation != 'UPDATE' || (${owned('oldObject')})`,
			message: `JASM changes only Secrets that carry the label ${MANAGED_BY.label}: ${MANAGED_BY.value}`,
		},
		{
			expression: `request.operation == 'DELETE' || (${owned('object')})`,
			message: `JASM writes only Secrets that carry the label ${MANAGED_BY.label}: ${MANAGED_BY.value}`,
		},
		{
			expression: `request.operation == 'DELETE' || (has(object.type) && object.type in [${types}])`,
			message: `JASM writes only Secrets of the types ${SECRET_TYPES.join(', ')}`,
		},
	];
}

// The CEL that holds JASM's ServiceAccount to Secrets of its own, of safe types, outside the system; pure.
import { MANAGED_BY, SECRET_TYPES } from './contract.ts';

/** One condition that must hold, and what the refused caller is told. */
export type Validation = { readonly expression: string; readonly message: string };

/** Who is held: the user name of the ServiceAccount that the Deployment runs as. */
export function matchConditions(namespace: string, serviceAccount: string) {
	return [
		{
			name: 'jasm-service-account',
			expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${serviceAccount}'`,
		},
	];
}

/**
 * What must hold for every write of a Secret by that ServiceAccount. `object` is null on DELETE and an
 * expression that touches it would be an error, so each is guarded by the operation.
 */
export function validations(namespace: string): Validation[] {
	const owned = (object: string) =>
		`has(${object}.metadata.labels) && '${MANAGED_BY.label}' in ${object}.metadata.labels && ` +
		`${object}.metadata.labels['${MANAGED_BY.label}'] == '${MANAGED_BY.value}'`;
	const types = SECRET_TYPES.map(type => `'${type}'`).join(', ');
	return [
		{ expression: "request.operation != 'DELETE'", message: 'JASM never deletes a Secret' },
		{
			expression: `!request.namespace.startsWith('kube-') && request.namespace != '${namespace}'`,
			message: 'JASM never writes into a system namespace or its own',
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

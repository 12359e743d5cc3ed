// The CEL that holds JASM's ServiceAccount to one change of a workload: one annotation of a pod template that asks
// for restarts; pure.
import { ANNOTATION_KEY, type RESTART_REFUSALS, RESTARTED_KEY } from './contract.ts';
import { notOwnNamespace, sameExcept, type Validation } from './guard-policy.ts';

/** A refusal from which the controller learns what it has no right to read: it knows these texts. */
const refusal = (text: keyof typeof RESTART_REFUSALS) => text;

/**
 * Whether the annotation asks for restarts, for YAML and for JSON. A coarse net, the controller reads the annotation
 * exactly; another notation than the usual ones is refused, and told.
 */
const ASKS = `onChange["\\']?\\\\s*:\\\\s*["\\']?restart`;

/** The API server raises it itself with each change of the template. */
const DAEMONSET_GENERATION = 'deprecated.daemonset.template.generation';

/** The requests that are judged: every kind that the right covers, with all subresources. */
export const RESTART_RULE = {
	apiGroups: ['apps'],
	apiVersions: ['*'],
	operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
	resources: ['deployments', 'statefulsets', 'daemonsets', 'deployments/*', 'statefulsets/*', 'daemonsets/*'],
	scope: 'Namespaced',
};

/** The workload's own annotations are equal before and after, except for what the API server counts itself. */
function sameAnnotations(): string {
	const of = (object: string) =>
		`(has(${object}.metadata.annotations) ? ${object}.metadata.annotations : {})`;
	const [after, before] = [of('object'), of('oldObject')];
	const counted = `request.resource.resource == 'daemonsets' && k == '${DAEMONSET_GENERATION}'`;
	return (
		`${after}.all(k, (${counted} && ${after}[k].matches('^[0-9]{1,19}$')) || ` +
		`(k in ${before} && ${after}[k] == ${before}[k])) && ` +
		`${before}.all(k, (${counted}) || k in ${after})`
	);
}

/**
 * The conditions of every request about a workload by that ServiceAccount; the refused caller sees the first message.
 * The opt-in comes before the rule on JASM's own namespace: by its message the controller knows, at the sentinel there,
 * that the opt-in is demanded.
 */
export function restartValidations(serviceAccount: string): Validation[] {
	const onUpdate = (expression: string) => `request.operation != 'UPDATE' || (${expression})`;
	const template = (object: string) =>
		`(has(${object}.spec.template.metadata) && has(${object}.spec.template.metadata.annotations) ? ` +
		`${object}.spec.template.metadata.annotations : {})`;
	const [after, before] = [template('object'), template('oldObject')];
	return [
		{
			expression: "request.operation == 'UPDATE' && (!has(request.subResource) || request.subResource == '')",
			message: 'JASM only restarts workloads',
		},
		{
			expression: onUpdate(
				`'${ANNOTATION_KEY}' in ${before} && ${before}['${ANNOTATION_KEY}'].matches('${ASKS}')`,
			),
			message: refusal('the pod template does not ask for restarts'),
		},
		{
			expression: `!request.namespace.startsWith('kube-') && ${notOwnNamespace(serviceAccount)}`,
			message: 'JASM never restarts a workload of a system namespace or its own',
		},
		{
			expression: onUpdate(
				`'${RESTARTED_KEY}' in ${after} && ${after}['${RESTARTED_KEY}'].matches('^[0-9a-f]{16}$')`,
			),
			message: `the value of ${RESTARTED_KEY} is none of JASM's`,
		},
		{
			expression: onUpdate(
				`${after}.all(k, k == '${RESTARTED_KEY}' || (k in ${before} && ${after}[k] == ${before}[k])) && ` +
					`${before}.all(k, k == '${RESTARTED_KEY}' || k in ${after})`,
			),
			message: 'JASM changes one annotation of the pod template and no other',
		},
		{
			expression: onUpdate(sameExcept('spec.template', ['metadata'])),
			message: 'JASM changes nothing else of the pod template',
		},
		{
			expression: onUpdate(sameExcept('spec.template.metadata', ['annotations'])),
			message: 'JASM changes no other metadata of the pod template',
		},
		{
			expression: onUpdate(sameExcept('spec', ['template'])),
			message: 'JASM changes nothing else of the workload',
		},
		{
			expression: onUpdate('!(has(object.spec.paused) && object.spec.paused)'),
			message: refusal('the Deployment is paused'),
		},
		{
			expression: onUpdate(
				"!(has(object.spec.updateStrategy) && has(object.spec.updateStrategy.type) && object.spec.updateStrategy.type == 'OnDelete')",
			),
			message: refusal('its pods are replaced by hand (OnDelete)'),
		},
		{
			expression: onUpdate(
				sameExcept('metadata', ['annotations', 'managedFields', 'generation', 'resourceVersion']),
			),
			message: 'JASM changes no metadata of the workload',
		},
		{
			expression: onUpdate(sameAnnotations()),
			message: 'JASM changes no annotation of the workload',
		},
		{
			expression: onUpdate(sameExcept('', ['metadata', 'spec'])),
			message: 'JASM changes nothing else of the object',
		},
	];
}

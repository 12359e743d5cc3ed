// The CEL that holds JASM's ServiceAccount to one change of a pod: removing its own gate and annotation; pure.
import { GATE, START_KEY } from './contract.ts';
import { notOwnNamespace, sameExcept, type Validation } from './guard-policy.ts';

/** Whether CEL object `object` has JASM's gate. */
const gated = (object: string) =>
	`(has(${object}.spec.schedulingGates) && ${object}.spec.schedulingGates.exists(g, g.name == '${GATE}'))`;

const annotationsOf = (object: string) =>
	`(has(${object}.metadata.annotations) ? ${object}.metadata.annotations : {})`;

/** The conditions of every request about a pod by that ServiceAccount. */
export function releaseValidations(serviceAccount: string): Validation[] {
	const onUpdate = (expression: string) => `request.operation != 'UPDATE' || (${expression})`;
	const gates = (object: string) =>
		`(has(${object}.spec.schedulingGates) ? ${object}.spec.schedulingGates : [])`;
	const fields = (object: string) =>
		`(has(${object}.metadata.managedFields) ? ${object}.metadata.managedFields : [])`;
	const after = annotationsOf('object');
	const before = annotationsOf('oldObject');
	return [
		{
			expression: "request.operation == 'UPDATE' && (!has(request.subResource) || request.subResource == '')",
			message: 'JASM only releases pods',
		},
		{
			expression: `!request.namespace.startsWith('kube-') && ${notOwnNamespace(serviceAccount)}`,
			message: 'JASM never touches a pod of a system namespace or its own',
		},
		{
			expression: onUpdate(`${gates('object')} == ${gates('oldObject')}.filter(g, g.name != '${GATE}')`),
			message: 'JASM removes its own scheduling gate and no other',
		},
		{
			expression: onUpdate(sameExcept('spec', ['schedulingGates'])),
			message: "JASM changes nothing else of a pod's spec",
		},
		{
			expression: onUpdate(
				sameExcept('metadata', ['annotations', 'managedFields', 'generation', 'resourceVersion']),
			),
			message: "JASM changes nothing else of a pod's metadata",
		},
		{
			expression: onUpdate(
				`${after}.all(k, k != '${START_KEY}' && k in ${before} && ${after}[k] == ${before}[k]) && ` +
					`${before}.all(k, k == '${START_KEY}' || k in ${after})`,
			),
			message: `JASM removes its own annotation ${START_KEY} and no other`,
		},
		{
			expression: onUpdate(
				`${gated('oldObject')} || '${START_KEY}' in ${before} || ${fields('object')} == ${fields('oldObject')}`,
			),
			message: 'JASM changes nothing of a pod that does not wait for JASM',
		},
		{
			expression: onUpdate(sameExcept('', ['metadata', 'spec'])),
			message: 'JASM changes nothing else of a pod',
		},
	];
}

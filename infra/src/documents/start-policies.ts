// The CEL that makes pods wait: one policy adds the gate to pods that ask for it, one checks how they ask; pure.
import { ANNOTATION_KEY, GATE, START_KEY, START_PATTERN } from './contract.ts';
import type { Validation } from './guard-policy.ts';

/** A named CEL expression of an admission policy. */
export type Named = { readonly name: string; readonly expression: string };

const has = (key: string) => `has(object.metadata.annotations) && '${key}' in object.metadata.annotations`;
const start = `object.metadata.annotations['${START_KEY}']`;
const gated = `has(object.spec.schedulingGates) && object.spec.schedulingGates.exists(g, g.name == '${GATE}')`;

/** Pods that no policy of JASM makes wait: JASM cannot release them, or depends on them itself. */
export function exemptNamespaces(own: string, exempt: readonly string[]): string[] {
	return [...new Set(['kube-system', 'kube-public', 'kube-node-lease', own, ...exempt])];
}

/** Which new pods get the gate: those that ask to wait, or with `all` each that asks for secrets and says nothing. */
export function holdConditions(mode: 'annotated' | 'all'): Named[] {
	return [
		{ name: 'asks-for-secrets', expression: has(ANNOTATION_KEY) },
		mode === 'all'
			? { name: 'says-nothing', expression: `!('${START_KEY}' in object.metadata.annotations)` }
			: {
					name: 'waits',
					expression: `'${START_KEY}' in object.metadata.annotations && ${start}.startsWith('after-sync')`,
				},
		{ name: 'not-bound', expression: "!has(object.spec.nodeName) || object.spec.nodeName == ''" },
	];
}

/** What the hold applies; with `deadlineSeconds` it writes the annotation too. */
export function holdMutation(deadlineSeconds?: number): string {
	const spec = `spec: Object.spec{schedulingGates: [Object.spec.schedulingGates{name: '${GATE}'}]}`;
	return deadlineSeconds === undefined
		? `Object{${spec}}`
		: `Object{metadata: Object.metadata{annotations: {'${START_KEY}': 'after-sync, ${deadlineSeconds}s'}}, ${spec}}`;
}

/** Concerns pods with the gate or the annotation; mirror pods of a kubelet are left alone. */
export const CHECK_CONDITIONS: readonly Named[] = [
	{
		name: 'concerned',
		expression: `!(${has('kubernetes.io/config.mirror')}) && ` + `((${gated}) || (${has(START_KEY)}))`,
	},
];

export const CHECK_VARIABLES: readonly Named[] = [
	{ name: 'gated', expression: gated },
	{ name: 'asks', expression: has(ANNOTATION_KEY) },
	{ name: 'waits', expression: `${has(START_KEY)} && ${start}.startsWith('after-sync')` },
];

/** What must hold for every new pod that has the gate or the annotation. `namespace`: JASM's own. */
export function checkValidations(namespace: string): Validation[] {
	return [
		{
			expression: `!(${has(START_KEY)}) || ${start}.matches('${START_PATTERN}')`,
			message: `${START_KEY} is at-once, after-sync, or after-sync with a deadline: after-sync, 60s`,
		},
		{
			expression: `!variables.waits || !(request.namespace.startsWith('kube-') || request.namespace == '${namespace}')`,
			message: "pods of system namespaces and of JASM's own do not wait",
		},
		{
			expression: '!(variables.gated || variables.waits) || variables.asks',
			message: `a pod that waits for its secrets needs the annotation ${ANNOTATION_KEY}, which names them; compare its spelling, and put it on the pod template`,
		},
		{
			expression: '!variables.gated || variables.waits',
			message: `the scheduling gate ${GATE} needs the annotation ${START_KEY}: after-sync; without it JASM never removes the gate`,
		},
		{
			expression: '!variables.waits || variables.gated',
			message: `${START_KEY}: after-sync needs the scheduling gate ${GATE} in spec.schedulingGates (and no spec.nodeName): the pod would not wait`,
		},
	];
}

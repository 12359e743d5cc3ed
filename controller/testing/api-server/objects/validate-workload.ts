// Validation of what makes pods: at least one container, and a selector that matches the template's labels.
import { type Cause, isRecord, type KubeObject, listAt, numberAt, sameJson, textAt } from './object.ts';
import { forbiddenField, invalidValue, requiredValue } from './status.ts';

const checkContainers = (object: unknown, ...path: string[]): Cause[] =>
	listAt(object, ...path).length === 0 ? [requiredValue(path.join('.'))] : [];

/** Scheduling gates are set at creation and only removed later; a gated pod has no node. */
const checkGates = (spec: Record<string, unknown>, old: KubeObject | undefined): Cause[] => {
	const namesOf = (of: unknown): string[] => {
		const gates = isRecord(of) ? of['schedulingGates'] : undefined;
		return Array.isArray(gates) ? gates.map(gate => textAt(gate, 'name')) : [];
	};
	const gates = namesOf(spec);
	const causes: Cause[] = gates.flatMap((name, at) =>
		gates.indexOf(name) === at
			? []
			: [
					{
						reason: 'FieldValueDuplicate',
						message: `Duplicate value: "${name}"`,
						field: `spec.schedulingGates[${at}]`,
					},
				],
	);
	if (old) {
		const before = namesOf(old['spec']);
		const added = gates.filter(name => !before.includes(name));
		if (added.length > 0) {
			causes.push(
				forbiddenField(
					'spec.schedulingGates',
					`only deletion is allowed, but found new scheduling gate '${added[0]}'`,
				),
			);
		}
	} else if (gates.length > 0 && typeof spec['nodeName'] === 'string' && spec['nodeName'] !== '') {
		causes.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
	}
	return causes;
};

/** `old` is the version that it replaces. */
export const checkPod = (object: KubeObject, old: KubeObject | undefined): Cause[] => [
	...checkContainers(object, 'spec', 'containers'),
	...checkGates(isRecord(object['spec']) ? object['spec'] : {}, old),
];

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

const matches = (selector: Record<string, unknown>, labels: Record<string, unknown>): boolean =>
	Object.entries(recordOf(selector['matchLabels'])).every(([key, value]) => labels[key] === value) &&
	listAt(selector, 'matchExpressions').every(({ key, operator, values }) => {
		const label = labels[String(key)];
		const listed = Array.isArray(values) && values.includes(label);
		switch (operator) {
			case 'In':
				return listed;
			case 'NotIn':
				return !listed;
			case 'Exists':
				return label !== undefined;
			default:
				return label === undefined;
		}
	});

/** What makes pods of a template; `old` is the version that it replaces. */
export const checkWorkload = (object: KubeObject, old: KubeObject | undefined): Cause[] => {
	const spec = recordOf(object['spec']);
	const { selector } = spec;
	const labels = recordOf(recordOf(recordOf(spec['template'])['metadata'])['labels']);
	if (old && !sameJson(selector, recordOf(old['spec'])['selector'])) {
		return [invalidValue('spec.selector', JSON.stringify(selector), 'field is immutable')];
	}
	const causes: Cause[] = [];
	const replicas = numberAt(spec, 'replicas');
	if (replicas < 0) {
		causes.push(invalidValue('spec.replicas', String(replicas), 'must be greater than or equal to 0'));
	}
	if (!isRecord(selector)) {
		causes.push(requiredValue('spec.selector'));
	} else if (Object.keys(selector).length === 0) {
		causes.push(invalidValue('spec.selector', '{}', 'empty selector is invalid for deployment'));
	}
	if (!isRecord(selector) || !matches(selector, labels)) {
		const shown = Object.keys(labels).length === 0 ? 'null' : JSON.stringify(labels);
		causes.push(
			invalidValue('spec.template.metadata.labels', shown, '`selector` does not match template `labels`'),
		);
	}
	return [...causes, ...checkContainers(object, 'spec', 'template', 'spec', 'containers')];
};

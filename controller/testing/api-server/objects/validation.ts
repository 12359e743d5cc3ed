// Field validation with the causes and texts of the real API server.
import type { Kind } from './kinds.ts';
import { type Cause, isRecord, type KubeObject, sameJson, textAt } from './object.ts';
import { invalidValue, requiredValue } from './status.ts';
import { checkImmutable, checkKeys, checkSecret } from './validate-data.ts';
import { checkMetadata } from './validate-metadata.ts';
import { checkPod, checkWorkload } from './validate-workload.ts';

const checkEvent = (object: KubeObject, view: string): Cause[] => {
	if (view === 'v1') return [];
	const causes: Cause[] = [];
	if (object['eventTime'] === null) causes.push(requiredValue('eventTime'));
	for (const field of ['reportingComponent', 'reportingInstance', 'action', 'reason']) {
		const shown = field === 'reportingComponent' ? 'reportingController' : field;
		if (causes.length === 0 && !object[field]) causes.push(requiredValue(shown));
	}
	if (!['Normal', 'Warning'].includes(textAt(object, 'type'))) {
		causes.push(invalidValue('type', '""', `has invalid value: ${textAt(object, 'type')}`));
	}
	if (causes.length === 0 && Buffer.byteLength(textAt(object, 'message')) > 1024) {
		causes.push(invalidValue('message', '""', 'can have at most 1024 characters'));
	}
	return causes;
};

const checkLease = (object: KubeObject): Cause[] => {
	const spec = isRecord(object['spec']) ? object['spec'] : {};
	return (['leaseDurationSeconds', 'leaseTransitions'] as const).flatMap(field => {
		const value = spec[field];
		const least = field === 'leaseDurationSeconds' ? 1 : 0;
		if (typeof value !== 'number' || value >= least) return [];
		const why = least === 1 ? 'must be greater than 0' : 'must be greater than or equal to 0';
		return [invalidValue(`spec.${field}`, String(value), why)];
	});
};

/** Every fault of an object that is about to be stored; `old` is the version that it replaces. */
export const validate = (
	kind: Kind,
	apiVersion: string,
	object: KubeObject,
	old: KubeObject | undefined,
): Cause[] => {
	const causes = checkMetadata(kind, object);
	switch (kind.kind) {
		case 'Secret':
			return [...causes, ...checkSecret(object, old)];
		case 'ConfigMap':
			return [
				...causes,
				...checkKeys(isRecord(object['data']) ? object['data'] : {}),
				...(old ? checkImmutable(object, old) : []),
			];
		case 'Event':
			return [...causes, ...checkEvent(object, apiVersion)];
		case 'Lease':
			return [...causes, ...checkLease(object)];
		case 'Pod':
			return [...causes, ...checkPod(object, old)];
		case 'Deployment':
		case 'ReplicaSet':
		case 'StatefulSet':
		case 'DaemonSet':
			return [...causes, ...checkWorkload(object, old)];
		case 'RoleBinding':
		case 'ClusterRoleBinding':
			if (old && !sameJson(object['roleRef'], old['roleRef'])) {
				causes.push(invalidValue('roleRef', JSON.stringify(object['roleRef']), 'field is immutable'));
			}
			return causes;
		default:
			return causes;
	}
};

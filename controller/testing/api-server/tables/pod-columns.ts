// The columns of pods: READY, STATUS and RESTARTS out of the phase, the conditions and the states of the containers.
import { type KubeObject, listAt, numberAt, textAt } from '../objects/object.ts';
import { ageOf } from './ages.ts';
import { ageColumn, type Column, column, nameColumn, orNone, wide } from './column.ts';

type Status = Record<string, unknown>;

const statusesOf = (pod: KubeObject): readonly Status[] => listAt(pod, 'status', 'containerStatuses');
const isRunning = (status: Status): boolean => textAt(status, 'state', 'running') !== '';

/** Why one container does not run, `''` where it runs. */
const reasonOf = (status: Status): string => {
	const waiting = textAt(status, 'state', 'waiting', 'reason');
	if (waiting !== '' || textAt(status, 'state', 'terminated') === '') {
		return waiting;
	}
	const signal = textAt(status, 'state', 'terminated', 'signal');
	return (
		textAt(status, 'state', 'terminated', 'reason') ||
		(signal === '' || signal === '0'
			? `ExitCode:${textAt(status, 'state', 'terminated', 'exitCode')}`
			: `Signal:${signal}`)
	);
};

/** The STATUS of a pod: the first container that does not run names it, otherwise the pod's phase. */
export const podStatus = (pod: KubeObject): string => {
	const gated = listAt(pod, 'status', 'conditions').some(
		({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
	);
	let status = gated ? 'SchedulingGated' : textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase');
	for (const container of [...statusesOf(pod)].reverse()) {
		status = reasonOf(container) || status;
	}
	if (
		status === 'Completed' &&
		statusesOf(pod).some(container => container['ready'] === true && isRunning(container))
	) {
		status = 'Running';
	}
	return pod.metadata.deletionTimestamp === undefined ? status : 'Terminating';
};

const restarts = (pod: KubeObject, now: Date): string => {
	const statuses = statusesOf(pod);
	const total = statuses.reduce((sum, status) => sum + numberAt(status, 'restartCount'), 0);
	const ends = statuses
		.map(status => textAt(status, 'lastState', 'terminated', 'finishedAt'))
		.filter(Boolean)
		.sort();
	return total === 0 || ends.length === 0 ? String(total) : `${total} (${ageOf(ends.at(-1), now)} ago)`;
};

const readiness = (pod: KubeObject): string => {
	const ready = statusesOf(pod).filter(status => status['ready'] === true && isRunning(status));
	return `${ready.length}/${listAt(pod, 'spec', 'containers').length}`;
};

const gates = (pod: KubeObject): string => {
	const asked = listAt(pod, 'spec', 'readinessGates').map(gate => textAt(gate, 'conditionType'));
	const met = listAt(pod, 'status', 'conditions').filter(
		({ type, status }) => asked.includes(String(type)) && status === 'True',
	);
	return asked.length === 0 ? '<none>' : `${met.length}/${asked.length}`;
};

export const podColumns: readonly Column[] = [
	nameColumn,
	column('Ready', readiness),
	column('Status', podStatus),
	column('Restarts', restarts),
	ageColumn,
	wide('IP', pod => orNone(textAt(pod, 'status', 'podIP'))),
	wide('Node', pod => orNone(textAt(pod, 'spec', 'nodeName'))),
	wide('Nominated Node', pod => orNone(textAt(pod, 'status', 'nominatedNodeName'))),
	wide('Readiness Gates', gates),
];

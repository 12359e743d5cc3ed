// The scheduler: binds each pod without scheduling gates to the one node.
import { listAt, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import { timestamp } from '../api-server/storage/writer.ts';
import { setCondition } from './conditions.ts';
import type { EventWriter } from './event-writer.ts';

/** Binds a pod; true where it is on a node now. */
export const schedule = (
	server: ApiServer,
	events: EventWriter,
	namespace: string,
	name: string,
	node: string,
): boolean => {
	const pod = server.find('Pod', namespace, name);
	if (!pod || pod.metadata.deletionTimestamp !== undefined) {
		return false;
	}
	if (textAt(pod, 'spec', 'nodeName') !== '') {
		return true;
	}
	const now = timestamp(server.now());
	if (listAt(pod, 'spec', 'schedulingGates').length > 0) {
		const waiting = {
			reason: 'SchedulingGated',
			message: 'Scheduling is blocked due to non-empty scheduling gates',
		};
		server.update('Pod', namespace, name, changed =>
			setCondition(changed, 'PodScheduled', false, now, waiting),
		);
		return false;
	}
	server.update('Pod', namespace, name, changed => {
		changed['spec'] = { ...(changed['spec'] as object), nodeName: node };
		setCondition(changed, 'PodScheduled', true, now);
	});
	const message = `Successfully assigned ${namespace}/${name} to ${node}`;
	events.report(pod, { component: 'default-scheduler', type: 'Normal', reason: 'Scheduled', message });
	return true;
};

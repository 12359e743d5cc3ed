// The DaemonSet controller: one pod of the template on each node, replaced when the template changes.
import { type KubeObject, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';
import { isReady, OwnerController, REVISION_HASH, revisionOfPod } from './owner-controller.ts';
import { templateHash } from './rollout.ts';

export class DaemonSets extends OwnerController {
	constructor(server: ApiServer, events: EventWriter) {
		super({ kind: 'DaemonSet', component: 'daemonset-controller', server, events });
	}

	protected override act(set: KubeObject): void {
		// There is one node at most, so that its pod is the one that may be missing during a rollout.
		const [pod, ...surplus] = this.podsOf(set);
		const nodes = this.server.list('Node').length;
		if (pod === undefined && nodes > 0) {
			this.createPod(set, {
				generateName: `${set.metadata.name}-`,
				labels: { [REVISION_HASH]: templateHash(set) },
			});
		}
		for (const other of surplus) this.deletePod(set, other);
		const byHand = textAt(set, 'spec', 'updateStrategy', 'type') === 'OnDelete';
		if (pod !== undefined && !byHand && revisionOfPod(pod) !== templateHash(set)) this.deletePod(set, pod);
		this.#updateStatus(set, nodes);
	}

	/** Writes the status that `kubectl rollout status` reads. */
	#updateStatus(set: KubeObject, nodes: number): void {
		const { namespace = '', name = '', generation } = set.metadata;
		const pods = this.podsOf(set);
		const ready = pods.filter(isReady).length;
		this.server.update('DaemonSet', namespace, name, changed => {
			changed['status'] = {
				observedGeneration: generation,
				desiredNumberScheduled: nodes,
				currentNumberScheduled: pods.length,
				numberMisscheduled: 0,
				numberReady: ready,
				numberAvailable: ready,
				updatedNumberScheduled: pods.filter(pod => revisionOfPod(pod) === templateHash(set)).length,
			};
		});
	}
}

// The ReplicaSet controller: as many pods of the template as the ReplicaSet says.
import { type KubeObject, numberAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';
import { isReady, OwnerController } from './owner-controller.ts';

export class ReplicaSets extends OwnerController {
	constructor(server: ApiServer, events: EventWriter) {
		super({ kind: 'ReplicaSet', component: 'replicaset-controller', server, events });
	}

	protected override act(set: KubeObject): void {
		const pods = this.podsOf(set);
		const surplus = pods.length - numberAt(set, 'spec', 'replicas');
		for (let missing = -surplus; missing > 0; missing--) {
			this.createPod(set, { generateName: `${set.metadata.name}-` });
		}
		// Pods that take no traffic go first, the youngest before the others.
		const byWorth = pods.toSorted(
			(a, b) => Number(isReady(a)) - Number(isReady(b)) || versionOf(b) - versionOf(a),
		);
		for (const pod of byWorth.slice(0, Math.max(0, surplus))) {
			this.deletePod(set, pod);
		}
		this.#updateStatus(set);
	}

	#updateStatus(set: KubeObject): void {
		const { namespace = '', name = '', generation } = set.metadata;
		const pods = this.podsOf(set);
		const ready = pods.filter(isReady).length;
		this.server.update('ReplicaSet', namespace, name, changed => {
			changed['status'] = {
				replicas: pods.length,
				fullyLabeledReplicas: pods.length,
				readyReplicas: ready,
				availableReplicas: ready,
				observedGeneration: generation,
			};
		});
	}
}

const versionOf = (pod: KubeObject): number => Number(pod.metadata.resourceVersion ?? 0);

// The StatefulSet controller: numbered pods of the template, made in order and replaced one by one from the last.
import { type KubeObject, numberAt, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';
import { isReady, OwnerController, REVISION_HASH, revisionOfPod } from './owner-controller.ts';
import { templateHash } from './rollout.ts';

export class StatefulSets extends OwnerController {
	constructor(server: ApiServer, events: EventWriter) {
		super({ kind: 'StatefulSet', component: 'statefulset-controller', server, events });
	}

	protected override act(set: KubeObject): void {
		this.#step(set);
		this.#updateStatus(set);
	}

	#step(set: KubeObject): void {
		const { name: setName = '' } = set.metadata;
		const replicas = numberAt(set, 'spec', 'replicas');
		const inOrder = textAt(set, 'spec', 'podManagementPolicy') === 'OrderedReady';
		const pods = new Map(this.podsOf(set).map(pod => [pod.metadata.name ?? '', pod]));
		const wanted = Array.from({ length: replicas }, (_, ordinal) => `${setName}-${ordinal}`);
		for (const name of wanted) {
			const pod = pods.get(name);
			if (pod === undefined) {
				this.#create(set, name);
			}
			if (inOrder && (pod === undefined || !isReady(pod))) return;
		}

		const surplus = [...pods.values()].filter(({ metadata }) => !wanted.includes(metadata.name ?? ''));
		for (const pod of surplus) this.deletePod(set, pod);
		if (textAt(set, 'spec', 'updateStrategy', 'type') === 'OnDelete') return;

		const partition = numberAt(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
		for (const pod of wanted
			.slice(partition)
			.map(name => pods.get(name))
			.reverse()) {
			if (pod === undefined) return;
			if (revisionOfPod(pod) !== templateHash(set)) {
				this.deletePod(set, pod);
				return;
			}
			if (!isReady(pod)) return;
		}
	}

	#create(set: KubeObject, name: string): void {
		const labels = { [REVISION_HASH]: templateHash(set), 'statefulset.kubernetes.io/pod-name': name };
		this.createPod(set, { name, labels });
	}

	/** Writes the status that `kubectl rollout status` reads. */
	#updateStatus(set: KubeObject): void {
		const { namespace = '', name = '', generation } = set.metadata;
		const pods = this.podsOf(set);
		const updated = pods.filter(pod => revisionOfPod(pod) === templateHash(set)).length;
		const ready = pods.filter(isReady).length;
		this.server.update('StatefulSet', namespace, name, changed => {
			changed['status'] = {
				observedGeneration: generation,
				replicas: pods.length,
				readyReplicas: ready,
				availableReplicas: ready,
				updatedReplicas: updated,
				currentReplicas: pods.length - updated,
			};
		});
	}
}

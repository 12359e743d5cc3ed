// The ReplicaSet controller: as many pods of the template as the ReplicaSet says.
import { type KubeObject, listAt, numberAt, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';
import { OwnerController } from './owner-controller.ts';

/** Whether a pod takes traffic. */
export const isReady = (pod: KubeObject): boolean =>
	listAt(pod, 'status', 'conditions').some(({ type, status }) => type === 'Ready' && status === 'True');

const isOver = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));

export class ReplicaSets extends OwnerController {
	constructor(server: ApiServer, events: EventWriter) {
		super({ kind: 'ReplicaSet', component: 'replicaset-controller', server, events });
	}

	protected override act(set: KubeObject): void {
		const { namespace = '' } = set.metadata;
		const pods = this.#podsOf(set);
		const surplus = pods.length - numberAt(set, 'spec', 'replicas');
		const created = Array.from({ length: Math.max(0, -surplus) }, () => this.#create(set));
		for (const { metadata } of created) {
			this.report(set, 'SuccessfulCreate', `Created pod: ${metadata.name}`);
		}
		// Pods that take no traffic go first, the youngest before the others.
		const byWorth = pods.toSorted(
			(a, b) => Number(isReady(a)) - Number(isReady(b)) || versionOf(b) - versionOf(a),
		);
		for (const pod of byWorth.slice(0, Math.max(0, surplus))) {
			this.server.delete('Pod', namespace, pod.metadata.name ?? '');
			this.report(set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
		}
		this.#updateStatus(set);
	}

	#podsOf(set: KubeObject): KubeObject[] {
		return this.owned(set, 'Pod').filter(pod => pod.metadata.deletionTimestamp === undefined && !isOver(pod));
	}

	#create(set: KubeObject): KubeObject {
		const { name = '', namespace = '' } = set.metadata;
		const { template } = set['spec'] as { template: KubeObject };
		return this.server.create({
			...structuredClone(template),
			kind: 'Pod',
			apiVersion: 'v1',
			metadata: {
				...structuredClone(template.metadata),
				generateName: `${name}-`,
				namespace,
				ownerReferences: [this.referenceTo(set)],
			},
		});
	}

	#updateStatus(set: KubeObject): void {
		const { namespace = '', name = '', generation } = set.metadata;
		const pods = this.#podsOf(set);
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

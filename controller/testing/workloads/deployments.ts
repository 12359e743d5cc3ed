// The Deployment controller: a ReplicaSet for each template, replicas moved from the old ones to the new one.
import { isRecord, type KubeObject, numberAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import { timestamp } from '../api-server/storage/writer.ts';
import { setCondition } from './conditions.ts';
import type { EventWriter } from './event-writer.ts';
import { OwnerController } from './owner-controller.ts';
import {
	currentSet,
	type Plan,
	planRollout,
	REVISION,
	revisionOf,
	templateHash,
	tolerances,
} from './rollout.ts';

const HASH = 'pod-template-hash';

export class Deployments extends OwnerController {
	constructor(server: ApiServer, events: EventWriter) {
		super({ kind: 'Deployment', component: 'deployment-controller', server, events });
	}

	protected override act(deployment: KubeObject): void {
		const { namespace = '', name = '' } = deployment.metadata;
		const sets = this.#setsOf(deployment);
		const paused = isRecord(deployment['spec']) && deployment['spec']['paused'] === true;
		if (!paused || currentSet(deployment, sets)) {
			this.#rollOut(deployment, sets, planRollout(deployment, sets));
		}
		this.#updateStatus(this.server.get('Deployment', namespace, name), this.#setsOf(deployment));
	}

	#setsOf(deployment: KubeObject): KubeObject[] {
		return this.owned(deployment, 'ReplicaSet').map(set => structuredClone(set));
	}

	#rollOut(deployment: KubeObject, sets: readonly KubeObject[], plan: Plan): void {
		const { namespace = '' } = deployment.metadata;
		const newest = Math.max(0, ...sets.map(revisionOf));
		const present = currentSet(deployment, sets);
		if (!plan.current.exists) {
			this.server.create(this.#newSet(deployment, plan, newest + 1));
			this.#scaled(deployment, plan.current.name, 0, plan.current.replicas);
		} else if (present && revisionOf(present) < newest) {
			this.#setRevision('ReplicaSet', namespace, plan.current.name, newest + 1);
		}
		for (const [name, replicas] of plan.scale) {
			const before = numberAt(this.server.get('ReplicaSet', namespace, name), 'spec', 'replicas');
			this.server.update('ReplicaSet', namespace, name, set => {
				set['spec'] = { ...(set['spec'] as object), replicas };
			});
			this.#scaled(deployment, name, before, replicas);
		}
		for (const name of plan.remove) {
			this.server.delete('ReplicaSet', namespace, name);
		}
		const revision = revisionOf(this.server.get('ReplicaSet', namespace, plan.current.name));
		this.#setRevision('Deployment', namespace, deployment.metadata.name ?? '', revision);
	}

	#newSet(deployment: KubeObject, { current }: Plan, revision: number): KubeObject {
		const { namespace = '' } = deployment.metadata;
		const spec = deployment['spec'] as { selector: Record<string, object>; template: KubeObject };
		const hash = { [HASH]: templateHash(deployment) };
		const { labels } = spec.template.metadata;
		return {
			kind: 'ReplicaSet',
			apiVersion: 'apps/v1',
			metadata: {
				name: current.name,
				namespace,
				labels: { ...labels, ...hash },
				annotations: { [REVISION]: String(revision) },
				ownerReferences: [this.referenceTo(deployment)],
			},
			spec: {
				replicas: current.replicas,
				selector: { ...spec.selector, matchLabels: { ...spec.selector['matchLabels'], ...hash } },
				template: {
					...spec.template,
					metadata: { ...spec.template.metadata, labels: { ...labels, ...hash } },
				},
			},
		};
	}

	#setRevision(kind: string, namespace: string, name: string, revision: number): void {
		this.server.update(kind, namespace, name, object => {
			object.metadata.annotations = { ...object.metadata.annotations, [REVISION]: String(revision) };
		});
	}

	#scaled(deployment: KubeObject, name: string, from: number, to: number): void {
		if (from !== to) {
			const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
			this.report(deployment, 'ScalingReplicaSet', message);
		}
	}

	/** Writes the status that `kubectl rollout status` reads. */
	#updateStatus(deployment: KubeObject, sets: readonly KubeObject[]): void {
		const { namespace = '', name = '', generation } = deployment.metadata;
		const total = (field: string) => sets.reduce((sum, set) => sum + numberAt(set, 'status', field), 0);
		const present = currentSet(deployment, sets);
		const replicas = numberAt(deployment, 'spec', 'replicas');
		const available = total('availableReplicas');
		const updated = present ? numberAt(present, 'status', 'replicas') : 0;
		const done = updated === replicas && total('replicas') === replicas && available >= replicas;
		this.server.update('Deployment', namespace, name, changed => {
			const now = timestamp(this.server.now());
			const { conditions } = (changed['status'] ?? {}) as { conditions?: unknown };
			changed['status'] = {
				observedGeneration: generation,
				replicas: total('replicas'),
				updatedReplicas: updated,
				readyReplicas: total('readyReplicas'),
				availableReplicas: available,
				unavailableReplicas: Math.max(
					0,
					sets.reduce((sum, set) => sum + numberAt(set, 'spec', 'replicas'), 0) - available,
				),
				...(conditions === undefined ? {} : { conditions }),
			};
			const enough = available >= replicas - tolerances(deployment).unavailable;
			setCondition(changed, 'Available', enough, now, {
				reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
				message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
			});
			setCondition(changed, 'Progressing', true, now, {
				reason: done ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
				message: `ReplicaSet "${present?.metadata.name}" ${done ? 'has successfully progressed' : 'is progressing'}.`,
			});
		});
	}
}

// What the controllers of workloads share: the owner that they act on, what it owns, its pods, and its Events.
import { type KubeObject, listAt, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';

/** The label of a pod of a StatefulSet or DaemonSet that names the template that it was made of. */
export const REVISION_HASH = 'controller-revision-hash';

export const revisionOfPod = (pod: KubeObject): string => pod.metadata.labels?.[REVISION_HASH] ?? '';

/** Whether a pod takes traffic. */
export const isReady = (pod: KubeObject): boolean =>
	listAt(pod, 'status', 'conditions').some(({ type, status }) => type === 'Ready' && status === 'True');

const isOver = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));

export type OwnerControllerOptions = {
	/** Kind of the owners. */
	readonly kind: string;
	/** Name of the controller in its Events. */
	readonly component: string;
	readonly server: ApiServer;
	readonly events: EventWriter;
};

export abstract class OwnerController {
	protected readonly server: ApiServer;
	readonly #kind: string;
	readonly #component: string;
	readonly #events: EventWriter;

	constructor({ kind, component, server, events }: OwnerControllerOptions) {
		this.server = server;
		this.#kind = kind;
		this.#component = component;
		this.#events = events;
	}

	/** Acts on an owner that is there and not being deleted. */
	reconcile(namespace: string, name: string): void {
		const owner = this.server.find(this.#kind, namespace, name);
		if (owner && owner.metadata.deletionTimestamp === undefined) this.act(owner);
	}

	protected abstract act(owner: KubeObject): void;

	/** The objects of a kind in the owner's namespace that belong to it; shared, not to be changed. */
	protected owned({ metadata: { namespace = '', uid } }: KubeObject, kind: string): KubeObject[] {
		const owners = ({ metadata }: KubeObject) =>
			(metadata.ownerReferences ?? []) as readonly { readonly uid?: string }[];
		return this.server
			.list(kind, namespace)
			.filter(object => owners(object).some(owner => owner.uid === uid));
	}

	/** Its pods that are not ending. */
	protected podsOf(owner: KubeObject): KubeObject[] {
		return this.owned(owner, 'Pod').filter(
			pod => pod.metadata.deletionTimestamp === undefined && !isOver(pod),
		);
	}

	/** Creates a pod of the owner's template. `metadata` has its name or the head of one, and further labels. */
	protected createPod(owner: KubeObject, metadata: KubeObject['metadata']): KubeObject {
		const { template } = structuredClone(owner['spec']) as { template: KubeObject };
		const pod = this.server.create({
			...template,
			kind: 'Pod',
			apiVersion: 'v1',
			metadata: {
				...template.metadata,
				...metadata,
				labels: { ...template.metadata.labels, ...metadata.labels },
				namespace: owner.metadata.namespace ?? '',
				ownerReferences: [this.referenceTo(owner)],
			},
		});
		this.report(owner, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
		return pod;
	}

	protected deletePod(owner: KubeObject, { metadata: { namespace = '', name = '' } }: KubeObject): void {
		this.server.delete('Pod', namespace, name);
		this.report(owner, 'SuccessfulDelete', `Deleted pod: ${name}`);
	}

	/** How an object names the owner. */
	protected referenceTo({ metadata: { name, uid } }: KubeObject): object {
		return { apiVersion: 'apps/v1', kind: this.#kind, name, uid, controller: true, blockOwnerDeletion: true };
	}

	protected report(owner: KubeObject, reason: string, message: string): void {
		this.#events.report(owner, { component: this.#component, type: 'Normal', reason, message });
	}
}

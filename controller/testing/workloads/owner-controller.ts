// What the controllers of Deployments and ReplicaSets share: the owner that they act on, what it owns, and its Events.
import type { KubeObject } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { EventWriter } from './event-writer.ts';

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

	/** How an object names the owner. */
	protected referenceTo({ metadata: { name, uid } }: KubeObject): object {
		return { apiVersion: 'apps/v1', kind: this.#kind, name, uid, controller: true, blockOwnerDeletion: true };
	}

	protected report(owner: KubeObject, reason: string, message: string): void {
		this.#events.report(owner, { component: this.#component, type: 'Normal', reason, message });
	}
}

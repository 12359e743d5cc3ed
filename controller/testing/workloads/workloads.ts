// What runs behind the API server of a real cluster, in process: the controllers of Deployments, ReplicaSets,
// StatefulSets and DaemonSets, the garbage collector, a scheduler and one node whose kubelet reports pods as Running once what they need exists.
// No container runs. Read next: rollout.ts (what a Deployment wants), needs.ts (what a pod waits for).
import type { ApiServer } from '../api-server/server.ts';
import { DaemonSets } from './daemon-sets.ts';
import { Deployments } from './deployments.ts';
import { EventWriter } from './event-writer.ts';
import { collectGarbage } from './garbage-collector.ts';
import { Kubelet, type KubeletOptions } from './kubelet.ts';
import { createNode } from './node.ts';
import { ReplicaSets } from './replica-sets.ts';
import { schedule } from './scheduler.ts';
import { StatefulSets } from './stateful-sets.ts';
import { WorkQueue } from './work-queue.ts';

/** Every setting has a default. */
export type WorkloadsOptions = KubeletOptions & {
	/** Name of the one node; `undefined` for a cluster without nodes, where pods stay Pending. Default `embedded`. */
	readonly node?: string | undefined;
};

/** The controllers of a cluster, at work. */
export type Workloads = {
	/** Ends every controller; the objects stay as they are. */
	stop(): void;
};

/**
 * Starts the controllers of a cluster with one node beside an embedded API server.
 *
 * @example
 * ```ts
 * import { startApiServer, startWorkloads } from '@jasm/controller/testing';
 *
 * const server = await startApiServer();
 * const workloads = startWorkloads(server);
 * // Deployments that are applied now get ReplicaSets and pods, and `kubectl rollout status` works.
 * workloads.stop();
 * await server.close();
 * ```
 */
export const startWorkloads = (server: ApiServer, options: WorkloadsOptions = {}): Workloads => {
	const node = 'node' in options ? options.node : 'embedded';
	const events = new EventWriter(server);
	const kubelet = new Kubelet(server, events, options);
	const deployments = new Deployments(server, events);
	const replicaSets = new ReplicaSets(server, events);
	const statefulSets = new StatefulSets(server, events);
	const daemonSets = new DaemonSets(server, events);
	const queue = new WorkQueue(({ kind, namespace, name }) => {
		switch (kind) {
			case 'Deployment':
				return deployments.reconcile(namespace, name);
			case 'ReplicaSet':
				return replicaSets.reconcile(namespace, name);
			case 'StatefulSet':
				return statefulSets.reconcile(namespace, name);
			case 'DaemonSet':
				return daemonSets.reconcile(namespace, name);
			case 'Pod':
				if (node !== undefined && !schedule(server, events, namespace, name, node)) {
					return;
				}
				return kubelet.reconcile(namespace, name);
		}
	});
	if (node !== undefined) {
		createNode(server, node);
	}
	const unsubscribe = server.onChange((kind, { type, object: { object } }) => {
		const { namespace = '', name = '' } = object.metadata;
		queue.add({ kind, namespace, name });
		for (const owner of object.metadata.ownerReferences ?? []) {
			queue.add({ ...(owner as { kind: string; name: string }), namespace });
		}
		if (type === 'DELETED') {
			queue.run(() => collectGarbage(server, namespace, object.metadata.uid ?? ''));
		}
	});
	for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Pod']) {
		for (const { metadata } of server.list(kind)) {
			queue.add({ kind, namespace: metadata.namespace ?? '', name: metadata.name ?? '' });
		}
	}
	return {
		stop() {
			unsubscribe();
			queue.stop();
			kubelet.stop();
		},
	};
};

// The kubelet of the one node: reports each pod as Running once the Secrets and ConfigMaps that it needs exist.
import { type KubeObject, listAt, textAt } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import { timestamp } from '../api-server/storage/writer.ts';
import { setCondition } from './conditions.ts';
import type { EventWriter } from './event-writer.ts';
import { type Obstacle, obstacleOf } from './needs.ts';

export type KubeletOptions = {
	/** From the binding of a pod to the first look at what it needs: sandbox and image of a real node. Default 500. */
	readonly startMs?: number;
	/** From a failed start to the next try. Default 10,000, as a kubelet. */
	readonly retryMs?: number;
	/** Calls back after so many milliseconds. Default: in real time. */
	readonly schedule?: (ms: number, callback: () => void) => { cancel(): void };
};

const inRealTime = (ms: number, callback: () => void): { cancel(): void } => {
	const timer = setTimeout(callback, ms);
	return { cancel: () => clearTimeout(timer) };
};

export class Kubelet {
	readonly #server: ApiServer;
	readonly #events: EventWriter;
	readonly #startMs: number;
	readonly #retryMs: number;
	/** Pods that wait for their next look, by namespace and name. */
	readonly #timers = new Map<string, { cancel(): void }>();
	readonly #schedule: NonNullable<KubeletOptions['schedule']>;
	#addresses = 0;

	constructor(server: ApiServer, events: EventWriter, options: KubeletOptions) {
		const { startMs = 500, retryMs = 10_000, schedule = inRealTime } = options;
		this.#server = server;
		this.#events = events;
		this.#startMs = startMs;
		this.#retryMs = retryMs;
		this.#schedule = schedule;
	}

	/** Takes up a pod that was bound to the node. */
	reconcile(namespace: string, name: string): void {
		const key = `${namespace}/${name}`;
		const pod = this.#server.find('Pod', namespace, name);
		if (!pod) {
			this.#timers.get(key)?.cancel();
			this.#timers.delete(key);
			return;
		}
		const isNew =
			textAt(pod, 'spec', 'nodeName') !== '' && listAt(pod, 'status', 'containerStatuses').length === 0;
		if (isNew && !this.#timers.has(key)) {
			this.#waiting(pod, 'ContainerCreating');
			this.#lookAfter(key, this.#startMs);
		}
	}

	stop(): void {
		for (const timer of this.#timers.values()) {
			timer.cancel();
		}
		this.#timers.clear();
	}

	#lookAfter(key: string, milliseconds: number): void {
		this.#timers.get(key)?.cancel();
		this.#timers.set(
			key,
			this.#schedule(milliseconds, () => this.#look(key)),
		);
	}

	#look(key: string): void {
		const [namespace = '', name = ''] = key.split('/');
		const pod = this.#server.find('Pod', namespace, name);
		if (!pod || pod.metadata.deletionTimestamp !== undefined) {
			this.#timers.delete(key);
			return;
		}
		const obstacle = obstacleOf(pod, (kind, source) => this.#server.find(kind, namespace, source));
		if (obstacle) {
			this.#refuse(pod, obstacle);
			this.#lookAfter(key, this.#retryMs);
		} else {
			this.#timers.delete(key);
			this.#run(pod);
		}
	}

	#refuse(pod: KubeObject, { need, message }: Obstacle): void {
		if (need.volume === undefined) {
			this.#waiting(pod, 'CreateContainerConfigError', message);
			this.#warn(pod, 'Failed', `Error: ${message}`);
		} else {
			this.#warn(pod, 'FailedMount', `MountVolume.SetUp failed for volume "${need.volume}" : ${message}`);
		}
	}

	#warn(pod: KubeObject, reason: string, message: string): void {
		this.#events.report(pod, { component: 'kubelet', type: 'Warning', reason, message });
	}

	#waiting(pod: KubeObject, reason: string, message?: string): void {
		const waiting = { reason, ...(message === undefined ? {} : { message }) };
		this.#report(pod, 'Pending', { waiting });
	}

	#run(pod: KubeObject): void {
		this.#report(pod, 'Running', { running: { startedAt: timestamp(this.#server.now()) } });
	}

	#report({ metadata: { namespace = '', name = '' } }: KubeObject, phase: string, state: object): void {
		const now = timestamp(this.#server.now());
		const running = phase === 'Running';
		this.#server.update('Pod', namespace, name, pod => {
			const status = pod['status'] as Record<string, unknown>;
			pod['status'] = {
				...status,
				phase,
				hostIP: '127.0.0.1',
				startTime: status['startTime'] ?? now,
				...(running ? { podIP: this.#nextAddress() } : {}),
				containerStatuses: listAt(pod, 'spec', 'containers').map(container => ({
					name: container['name'],
					image: container['image'],
					imageID: '',
					state,
					lastState: {},
					ready: running,
					started: running,
					restartCount: 0,
				})),
			};
			const why = running ? {} : { reason: 'ContainersNotReady' };
			setCondition(pod, 'Initialized', true, now);
			setCondition(pod, 'ContainersReady', running, now, why);
			setCondition(pod, 'Ready', running, now, why);
		});
	}

	/** Addresses of 10.244.0.0/16, one after the other. */
	#nextAddress(): string {
		const number = ++this.#addresses;
		return `10.244.${(number >> 8) & 255}.${number & 255}`;
	}
}

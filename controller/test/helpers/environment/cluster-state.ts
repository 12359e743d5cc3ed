// What a cluster holds, as an administrator sees it: found at once, and waited for by its changes.
import {
	CoreV1Api,
	type CoreV1Event,
	type Informer,
	KubeConfig,
	type KubernetesObject,
	makeInformer,
	type V1Secret,
} from '@kubernetes/client-node';
import type { ApiServer } from '../../../testing/index.ts';
import type { Subscribe } from '../clocks/eventually.ts';

/** A Secret with its values as text. */
export type SeenSecret = {
	readonly name: string;
	readonly namespace: string;
	readonly uid: string;
	readonly resourceVersion: string;
	readonly type: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	/** Decoded as UTF-8; without a prototype. */
	readonly data: Readonly<Record<string, string>>;
	readonly bytes: ReadonlyMap<string, Buffer>;
};

/** An Event as `kubectl describe` shows it. */
export type SeenEvent = {
	readonly type: string;
	readonly reason: string;
	readonly note: string;
	readonly namespace: string;
	readonly pod: string;
	readonly podUid: string;
	/** The replica that recorded it. */
	readonly instance: string;
};

/** The Secrets and Events of a cluster. */
export type ClusterState = {
	readonly subscribe: Subscribe;
	secret(namespace: string, name: string): SeenSecret | undefined;
	secrets(namespace?: string): SeenSecret[];
	events(namespace: string): SeenEvent[];
	close(): Promise<void>;
};

export function embeddedWorld(api: ApiServer): ClusterState {
	return {
		subscribe: listener => api.onChange(listener),
		secret(namespace, name) {
			const found = api.find('Secret', namespace, name);
			return found && toSecret(found);
		},
		secrets: namespace => api.list('Secret', namespace).map(object => toSecret(object)),
		events: namespace => api.list('Event', namespace).map(object => toEvent(object)),
		close: async () => {},
	};
}

/** Follows a real cluster with the informers of the independent client. */
export async function watchedWorld(kubeconfig: string): Promise<ClusterState> {
	const config = new KubeConfig();
	config.loadFromString(kubeconfig);
	const core = config.makeApiClient(CoreV1Api);
	const listeners = new Set<() => void>();
	const changed = () => {
		for (const listener of [...listeners]) {
			listener();
		}
	};
	const secrets = makeInformer<V1Secret>(config, '/api/v1/secrets', () => core.listSecretForAllNamespaces());
	const events = makeInformer<CoreV1Event>(config, '/api/v1/events', () => core.listEventForAllNamespaces());
	let closed = false;
	const follow = async (informer: Informer<KubernetesObject>) => {
		informer.on('add', changed);
		informer.on('update', changed);
		informer.on('delete', changed);
		informer.on('error', () => void (closed || informer.start()));
		await informer.start();
	};
	await Promise.all([follow(secrets), follow(events)]);
	return {
		subscribe(listener) {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},
		secret(namespace, name) {
			const found = secrets.get(name, namespace);
			return found && toSecret(found);
		},
		secrets: namespace => secrets.list(namespace).map(toSecret),
		events: namespace => events.list(namespace).map(event => toEvent(event)),
		async close() {
			closed = true;
			await Promise.all([secrets.stop(), events.stop()]);
		},
	};
}

function toSecret(object: object): SeenSecret {
	const { metadata = {}, data = {}, type = '' } = object as V1Secret;
	const bytes = new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
	const text: Record<string, string> = Object.create(null);
	for (const [key, value] of bytes) {
		text[key] = value.toString();
	}

	return {
		name: metadata.name!,
		namespace: metadata.namespace!,
		uid: metadata.uid!,
		resourceVersion: metadata.resourceVersion!,
		type,
		labels: metadata.labels ?? {},
		annotations: metadata.annotations ?? {},
		data: text,
		bytes,
	};
}

/** Either view of an Event: core/v1 or events.k8s.io/v1. */
type AnyEvent = KubernetesObject & {
	readonly type?: string;
	readonly reason?: string;
	readonly message?: string;
	readonly note?: string;
	readonly involvedObject?: { readonly name?: string; readonly uid?: string };
	readonly regarding?: { readonly name?: string; readonly uid?: string };
	readonly reportingInstance?: string;
};

function toEvent(object: object): SeenEvent {
	const event = object as AnyEvent;
	const pod = event.regarding ?? event.involvedObject ?? {};
	return {
		type: event.type ?? '',
		reason: event.reason ?? '',
		note: event.note ?? event.message ?? '',
		namespace: event.metadata?.namespace ?? '',
		pod: pod.name ?? '',
		podUid: pod.uid ?? '',
		instance: event.reportingInstance ?? '',
	};
}

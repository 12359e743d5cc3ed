// JASM's side of the cluster: one session, the client over it, and the watchers with their stores.
import { ANNOTATION_KEY } from './annotation.ts';
import { MANAGED_BY } from './desired-secret.ts';
import { createKubernetesClient, type KubernetesClient } from './kubernetes/client.ts';
import {
	type ClusterConfig,
	type KubernetesConfigOptions,
	loadKubernetesConfig,
} from './kubernetes/config.ts';
import { createListWatch, type ListWatchOptions } from './kubernetes/list-watch.ts';
import { createRest } from './kubernetes/rest.ts';
import { needleOf } from './kubernetes/scan.ts';
import { Session } from './kubernetes/session.ts';
import { createWatchTransport, type WatchTransport } from './kubernetes/watch-transport.ts';
import type { Logger } from './logger.ts';
import { type ManagedSecret, toManagedSecret } from './managed-secrets.ts';
import type { Metrics } from './metrics.ts';
import { type PodRecord, samePod, toPodRecord } from './pod-secrets.ts';
import type { Clock } from './runtime/clock.ts';
import type { Tracked } from './runtime/list-watch.ts';
import { type Change, Store } from './runtime/store.ts';
import { Watcher, type WatchTransition } from './runtime/watcher.ts';

/** A pod that has ended asks for nothing; leaving the selection arrives as a deletion. */
const LIVE_PODS = 'status.phase!=Succeeded,status.phase!=Failed';

export type ClusterOptions = {
	readonly clock: Clock;
	readonly random: () => number;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly version: string;
	/** Seconds after which the server ends a watch. */
	readonly watchTimeoutSeconds: { readonly min: number; readonly max: number };
	/** Milliseconds without a byte after which a watch is taken for dead. */
	readonly watchSilenceMs: number;
};

/** A collection that is being watched, and its records. */
export type Watched<T extends Tracked> = { readonly watcher: Watcher<T>; readonly store: Store<T> };

export type Cluster = {
	readonly client: KubernetesClient;
	/** The namespace of this identity, where the cluster's config says it. */
	readonly namespace: string | undefined;
	watchPods(
		onChange: (change: Change<PodRecord>) => void,
		intern: (text: string) => string,
	): Watched<PodRecord>;
	/** Profile self-heal: Secrets that carry JASM's label, metadata only. */
	watchManagedSecrets(
		onChange: (change: Change<ManagedSecret>) => void,
		onListed: () => void,
	): Watched<ManagedSecret>;
	/** Opens the connection for writes ahead of its first use. */
	connect(): Promise<void>;
	close(): void;
};

/** What carries bytes to and from the API server: streams on the one, everything else on the other. */
export type Wire = {
	readonly cluster: ClusterConfig;
	readonly transport: WatchTransport;
	readonly session: Pick<Session, 'request' | 'recycle' | 'connect' | 'close'>;
};

/** Finds the cluster; opens nothing yet. Rejects with KUBERNETES_CONFIG_INVALID. */
export async function connectCluster(
	options: ClusterOptions & { readonly kubernetes: Omit<KubernetesConfigOptions, 'clock'> },
): Promise<Cluster> {
	const { clock, random, watchSilenceMs: silenceMs } = options;
	const cluster = await loadKubernetesConfig({ ...options.kubernetes, clock });
	const session = new Session({ cluster, clock, random });
	const transport = createWatchTransport({ cluster, clock, userAgent: userAgentOf(options), silenceMs });
	return clusterOver({ cluster, transport, session }, options);
}

const userAgentOf = ({ version }: ClusterOptions) => `jasm/${version}`;

export function clusterOver({ cluster, transport, session }: Wire, options: ClusterOptions): Cluster {
	const { clock, random, metrics } = options;
	const rest = createRest({
		session,
		cluster,
		clock,
		random,
		userAgent: userAgentOf(options),
		onRequest({ verb, resource, status, durationMs }) {
			metrics.kubernetesRequests.inc({ verb, resource, status: String(status) });
			metrics.kubernetesDuration.observe({ verb, resource }, durationMs / 1000);
		},
	});
	return {
		client: createKubernetesClient({ rest, clock }),
		namespace: cluster.namespace,
		watchPods: (onChange, intern) =>
			watch<PodRecord>(options, transport, {
				path: '/api/v1/pods',
				resource: 'pods',
				fieldSelector: LIVE_PODS,
				needle: needleOf(ANNOTATION_KEY),
				toRecord: meta => toPodRecord(meta, { seenAt: clock.monotonic(), intern }),
				equals: samePod,
				onChange,
			}),
		watchManagedSecrets: (onChange, onListed) =>
			watch<ManagedSecret>(options, transport, {
				path: '/api/v1/secrets',
				resource: 'secrets',
				labelSelector: `${MANAGED_BY.label}=${MANAGED_BY.value}`,
				toRecord: toManagedSecret,
				equals: (a, b) => a.resourceVersion === b.resourceVersion,
				onChange,
				onListed,
			}),
		connect: () => session.connect(),
		close: () => session.close(),
	};
}

type Collection<T extends Tracked> = Pick<
	ListWatchOptions<T>,
	'path' | 'resource' | 'fieldSelector' | 'labelSelector' | 'needle' | 'toRecord'
> & {
	readonly equals: (a: T, b: T) => boolean;
	readonly onChange: (change: Change<T>) => void;
	readonly onListed?: () => void;
};

function watch<T extends Tracked>(
	{ clock, random, logger, metrics, watchTimeoutSeconds }: ClusterOptions,
	transport: WatchTransport,
	{ equals, onChange, onListed, ...collection }: Collection<T>,
): Watched<T> {
	const { resource } = collection;
	const store = new Store<T>({ equals, onChange, ...(onListed && { onListed }) });
	const listWatch = createListWatch<T>({
		...collection,
		timeoutSeconds: watchTimeoutSeconds,
		transport,
		clock,
		random,
		isTracked: uid => store.has(uid),
		onFallback: () => logger.info({ resource }, 'the API server has no WatchList: listing in pages instead'),
	});
	const watcher = new Watcher<T>({
		listWatch,
		clock,
		random,
		sink: event => store.apply(event),
		onTransition(transition) {
			metrics.watchTransitions.inc({ resource, state: transition.to.phase });
			logTransition(logger, resource, transition);
		},
	});
	return { watcher, store };
}

function logTransition(logger: Logger, resource: string, { from, to, end }: WatchTransition): void {
	const context = { resource, from: from.phase, to: to.phase };
	if (end?.reason === 'failed') {
		logger.warn({ ...context, error: end.error }, 'the watch broke off');
	} else {
		logger.debug({ ...context, ...(end && { reason: end.reason }) }, 'the watch goes on');
	}
}

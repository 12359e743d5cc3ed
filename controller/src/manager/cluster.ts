// The connection to the cluster: the connection pool, the client over it, and the watchers with their stores.

import { JasmError } from '../errors.ts';
import type { ClusterConfig } from '../kubernetes/auth/cluster-config.ts';
import { type KubernetesConfigOptions, loadKubernetesConfig } from '../kubernetes/auth/find-cluster.ts';
import { createKubernetesClient, type KubernetesClient } from '../kubernetes/client.ts';
import { ConnectionPool } from '../kubernetes/http/connection-pool.ts';
import { createRest } from '../kubernetes/http/rest.ts';
import { createReviews, type Reviews } from '../kubernetes/reviews.ts';
import type { ObjectMeta } from '../kubernetes/types.ts';
import { prefixNeedleOf } from '../kubernetes/watch/line-scanner.ts';
import { createListWatch, type ListWatchOptions } from '../kubernetes/watch/list-watch.ts';
import { createWatchTransport, type WatchTransport } from '../kubernetes/watch/transport.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { type PodRecord, samePod, type ToPodRecordOptions, toPodRecord } from '../requests/pod-record.ts';
import { KEY_PREFIX } from '../requests/unknown-keys.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Tracked } from '../runtime/watch/list-watch.ts';
import { type Change, Store } from '../runtime/watch/store.ts';
import { Watcher, type WatchTransition } from '../runtime/watch/watcher.ts';
import { FIELD_MANAGER, MANAGED_BY } from '../sync/desired-secret.ts';
import { coded, withErrorCodes } from '../sync/kubernetes-errors.ts';
import { type ManagedSecret, toManagedSecret } from '../sync/managed-secrets.ts';
import { printable } from '../util/printable.ts';

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
	/** Milliseconds without a byte after which a watch counts as dead. */
	readonly watchSilenceMs: number;
	/** A watch was refused for lack of a right. */
	readonly onForbidden?: () => void;
};

/** A collection that is being watched, and its records. */
export type Watched<T extends Tracked> = { readonly watcher: Watcher<T>; readonly store: Store<T> };

export type WatchPodsOptions = Pick<ToPodRecordOptions, 'intern' | 'countsStart'> & {
	/** Records say when their annotation was last changed. */
	readonly askedAt: boolean;
	/** Receives each live pod with a label or an annotation of JASM, also where it asks for nothing. */
	readonly onSeen: (meta: ObjectMeta) => void;
};

export type Cluster = {
	readonly client: KubernetesClient;
	readonly reviews: Reviews;
	watchPods(onChange: (change: Change<PodRecord>) => void, options: WatchPodsOptions): Watched<PodRecord>;
	/** Profile self-heal: Secrets that carry JASM's label, metadata only. */
	watchManagedSecrets(
		onChange: (change: Change<ManagedSecret>) => void,
		onListed: () => void,
	): Watched<ManagedSecret>;
	/** Opens the connection for writes ahead of its first use. */
	connect(): Promise<void>;
	close(): void;
};

/** The two ways of bytes to and from the API server: streams, and everything else. */
export type Wire = {
	readonly cluster: ClusterConfig;
	readonly transport: WatchTransport;
	readonly pool: Pick<ConnectionPool, 'request' | 'recycle' | 'connect' | 'close'>;
};

/** Finds the cluster; opens nothing yet. Rejects with KUBERNETES_CONFIG_INVALID. */
export async function connectCluster(
	options: ClusterOptions & { readonly kubernetes: Omit<KubernetesConfigOptions, 'clock'> },
): Promise<Cluster> {
	const { clock, random, watchSilenceMs: silenceMs } = options;
	const cluster = await loadKubernetesConfig({ ...options.kubernetes, clock }).catch((error: unknown) => {
		throw coded(error);
	});
	const pool = new ConnectionPool({ cluster, clock, random });
	const transport = createWatchTransport({ cluster, clock, userAgent: userAgentOf(options), silenceMs });
	return clusterOver({ cluster, transport, pool }, options);
}

const userAgentOf = ({ version }: ClusterOptions) => `jasm/${version}`;

export function clusterOver({ cluster, transport, pool }: Wire, options: ClusterOptions): Cluster {
	const { clock, random, metrics } = options;
	const rest = createRest({
		pool,
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
		client: withErrorCodes(createKubernetesClient({ rest, clock, fieldManager: FIELD_MANAGER })),
		reviews: createReviews(rest),
		watchPods: (onChange, { askedAt, onSeen, ...recordOptions }) =>
			watch<PodRecord>(options, transport, {
				path: '/api/v1/pods',
				resource: 'pods',
				fieldSelector: LIVE_PODS,
				needle: prefixNeedleOf(KEY_PREFIX),
				managedFields: askedAt,
				toRecord(meta) {
					onSeen(meta);
					return toPodRecord(meta, { seenAt: clock.monotonic(), ...recordOptions });
				},
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
		connect: () => pool.connect(),
		close: () => pool.close(),
	};
}

type Collection<T extends Tracked> = Pick<
	ListWatchOptions<T>,
	'path' | 'resource' | 'fieldSelector' | 'labelSelector' | 'needle' | 'managedFields' | 'toRecord'
> & {
	readonly equals: (a: T, b: T) => boolean;
	readonly onChange: (change: Change<T>) => void;
	readonly onListed?: () => void;
};

function watch<T extends Tracked>(
	{ clock, random, logger, metrics, watchTimeoutSeconds, onForbidden }: ClusterOptions,
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
			const error = logTransition(logger, resource, transition);
			if (error?.code === 'KUBERNETES_FORBIDDEN') onForbidden?.();
		},
	});
	return { watcher, store };
}

/** Returns the error that ended the stream, if one did. */
function logTransition(
	logger: Logger,
	resource: string,
	{ from, to, end }: WatchTransition,
): JasmError | undefined {
	const context = { resource, from: from.phase, to: to.phase };
	if (end?.reason !== 'failed') {
		logger.debug({ ...context, ...(end && { reason: end.reason }) }, 'the watch goes on');
		return undefined;
	}

	const error = watchError(resource, end.error);
	logger.warn({ ...context, remedy: error.remedy, error }, 'the watch broke off');
	return error;
}

/** A failure without a response of the API server is one of the connection: its cause goes to the details. */
function watchError(resource: string, error: Error): JasmError {
	const known = coded(error);
	if (known instanceof JasmError) {
		return known;
	}

	const { code, message } = error as NodeJS.ErrnoException;
	return new JasmError(`watching ${resource}: the stream broke off`, {
		code: 'KUBERNETES_UNAVAILABLE',
		details: { error: code ?? printable(message) },
	});
}

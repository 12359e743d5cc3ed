// What the benchmark needs of a cluster, whichever it is, and the clock it measures with.
import type { ApiServer, SecretsManager } from '../testing/index.ts';
import type { Pod } from './pod-fixtures.ts';

/** How a process in the cluster reaches the API server as JASM's ServiceAccount. */
export type Access = {
	readonly host: string;
	readonly port: number;
	readonly ca: string;
	readonly token: string;
};

/** Moments in milliseconds of `performance.now()`, by `namespace/name`. */
export type Moments = ReadonlyMap<string, number>;

export type Cluster = {
	/** For the head of a column. */
	readonly title: string;
	readonly access: Access;
	/** When the event of a pod was written (embedded) or seen by a watch of our own (real). */
	readonly podAt: Moments;
	/** When a Secret was written (embedded) or seen by a watch of our own (real). */
	readonly secretAt: Moments;
	/** Creates the namespaces of these pods. */
	prepare(pods: readonly Pod[]): Promise<void>;
	/** Creates pods, and their namespaces where these are not there. Resolves when they are stored. */
	addPods(pods: readonly Pod[]): Promise<void>;
	/** Changes the status of these pods once, which no Secret depends on. */
	touchPods(pods: readonly Pod[]): Promise<void>;
	/** Deletes pods at once and forgets their moments. */
	removePods(pods: readonly Pod[]): Promise<void>;
	/** The value of a Secret's key; undefined where there is none. */
	valueOf(namespace: string, secretName: string, key: string): Promise<Buffer | undefined>;
	/** Lets the server read every pod once, so that the next reader finds them decoded. */
	warmUp(): Promise<void>;
	/** Status changes in one round of noise. */
	readonly eventsPerRound: number;
	/** Removes whatever the benchmark created. */
	close(): Promise<void>;
	/** The embedded server, for what only it can do on demand. */
	readonly embedded?: ApiServer;
};

export type TestEnvironment = {
	readonly cluster: Cluster;
	readonly provider: SecretsManager;
};

/** What a process needs to know of Secrets Manager. */
export type StoreOfAws = Pick<SecretsManager, 'url' | 'region' | 'accountId'>;

export const keyOf = ({ namespace, secretName }: Pod): string => `${namespace}/${secretName}`;

/** Resolves once `condition` holds, asking every few milliseconds; rejects after `timeoutMs`. */
export async function until(
	what: string,
	condition: () => boolean | Promise<boolean>,
	timeoutMs = 60_000,
): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	while (!(await condition())) {
		if (performance.now() > deadline) {
			throw new Error(`waiting for ${what}: not within ${timeoutMs} ms`);
		}

		await pause(2);
	}
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until every Secret that these pods ask for is written. */
export function secretsOf(cluster: Cluster, pods: readonly Pod[], timeoutMs?: number): Promise<void> {
	const waiting = new Set(pods.filter(pod => pod.secretName !== undefined).map(keyOf));
	return until(
		`${waiting.size} Secrets`,
		() => {
			for (const key of waiting) {
				if (!cluster.secretAt.has(key)) {
					return false;
				}

				waiting.delete(key);
			}

			return true;
		},
		timeoutMs,
	);
}

/** Milliseconds from each pod's event to its Secret. */
export const latencies = (cluster: Cluster, pods: readonly Pod[]): number[] =>
	pods.map(pod => cluster.secretAt.get(keyOf(pod))! - cluster.podAt.get(`${pod.namespace}/${pod.name}`)!);

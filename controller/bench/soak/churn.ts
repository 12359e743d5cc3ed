// The life of a busy cluster, at a steady pace: pods come and go alone, in bursts and as replicas; values rotate.
import { type Cluster, keyOf } from '../cluster.ts';
import { type Pod, PREFIX } from '../pod-fixtures.ts';
import { pathIn, type Stores } from '../stores/stores.ts';
import { STORES, type Store, storedText } from '../stores/values.ts';

const NAMESPACES = 20;
/** Values of each store. A pod asks for one of them, and for a Secret of its own name. */
const VALUES = 40;
const BYTES = 200;
const BURST = 40;
const REPLICAS = 20;
/** A pod lives so long. JASM has this time for its Secret, whatever fails meanwhile. */
const LIFETIME_MS = 60_000;

type Value = { readonly store: Store; readonly path: string; version: number };

type Live = {
	readonly pod: Pod;
	readonly value: Value;
	readonly since: number;
	/** The version that the store had when the pod appeared: the Secret holds this one, or a newer one. */
	readonly version: number;
};

/** What became of the pods of some time. */
export type Outcomes = {
	readonly pods: number;
	/** Milliseconds from a pod to its Secret. */
	readonly latencies: readonly number[];
	/** Pods that ended without their Secret. */
	readonly missed: readonly string[];
	/** Secrets with a value that the store did not have since the pod appeared. */
	readonly wrong: readonly string[];
};

export class Churn {
	readonly #cluster: Cluster;
	readonly #stores: Stores;
	readonly #values: readonly Value[];
	readonly #live: Live[] = [];
	#outcomes = none();
	#made = 0;
	#ticks = 0;

	private constructor(cluster: Cluster, stores: Stores, values: readonly Value[]) {
		this.#cluster = cluster;
		this.#stores = stores;
		this.#values = values;
	}

	static async start(cluster: Cluster, stores: Stores): Promise<Churn> {
		const values = STORES.flatMap(store =>
			Array.from({ length: VALUES }, (_, index): Value => {
				const namespace = `${PREFIX}${index % NAMESPACES}`;
				return { store, path: pathIn[store](namespace, `value-${index}`), version: 1 };
			}),
		);
		for (const { store, path, version } of values) {
			await stores.fill({ store, paths: [path], bytes: BYTES, version });
		}

		return new Churn(cluster, stores, values);
	}

	/** To be called four times a second. */
	async tick(): Promise<void> {
		const tick = this.#ticks++;
		await this.#retire(performance.now() - LIFETIME_MS);
		if (tick % 8 === 4) {
			await this.#rotate(this.#values[tick % this.#values.length]!);
		}

		if (tick % 20 === 10) {
			await this.#cluster.touchPods(this.#live.map(({ pod }) => pod));
		}

		if (tick % 40 === 20) {
			await this.#add(Array.from({ length: BURST }, () => this.#next()));
		} else if (tick % 40 === 0) {
			const first = this.#next();
			const replicas = Array.from({ length: REPLICAS - 1 }, (_, index) => {
				return { ...first, pod: { ...first.pod, name: `${first.pod.name}-${index}` } };
			});
			await this.#add([first, ...replicas]);
		} else {
			await this.#add([this.#next()]);
		}
	}

	/** Of the pods that ended since the last call. */
	take(): Outcomes {
		const outcomes = this.#outcomes;
		this.#outcomes = none();
		return outcomes;
	}

	/** Ends every pod, in the order of their age. */
	end(): Promise<void> {
		return this.#retire(Number.POSITIVE_INFINITY);
	}

	#next(): Pick<Live, 'pod' | 'value'> {
		const made = this.#made++;
		const value = this.#values[(made * 7) % this.#values.length]!;
		const { store, path } = value;
		const index = this.#values.indexOf(value) % VALUES;
		const name = `soak-${made}`;
		const namespace = `${PREFIX}${index % NAMESPACES}`;
		return { pod: { namespace, name, secretName: name, source: { provider: store, path } }, value };
	}

	async #add(pods: readonly Pick<Live, 'pod' | 'value'>[]): Promise<void> {
		const since = performance.now();
		this.#live.push(...pods.map(({ pod, value }) => ({ pod, value, since, version: value.version })));
		await this.#cluster.addPods(pods.map(({ pod }) => pod));
	}

	async #rotate(value: Value): Promise<void> {
		const { store, path } = value;
		value.version++;
		await this.#stores.fill({ store, paths: [path], bytes: BYTES, version: value.version });
	}

	async #retire(before: number): Promise<void> {
		const ended = this.#live.findIndex(({ since }) => since > before);
		const retired = this.#live.splice(0, ended < 0 ? this.#live.length : ended);
		for (const live of retired) {
			await this.#judge(live);
		}

		const pods = retired.map(({ pod }) => pod);
		await this.#cluster.removePods(pods);
		const server = this.#cluster.embedded;
		for (const { namespace, secretName = '' } of pods) {
			// Replicas share one.
			if (server?.find('Secret', namespace, secretName) !== undefined) {
				server.delete('Secret', namespace, secretName);
			}
		}
	}

	async #judge({ pod, value, version }: Live): Promise<void> {
		const { latencies, missed, wrong } = this.#outcomes;
		const key = keyOf(pod);
		this.#outcomes.pods++;
		const at = this.#cluster.secretAt.get(key);
		if (at === undefined) {
			missed.push(key);
			return;
		}

		if (pod.name === pod.secretName) {
			latencies.push(at - this.#cluster.podAt.get(`${pod.namespace}/${pod.name}`)!);
		}

		const text = (await this.#cluster.valueOf(pod.namespace, pod.secretName!, 'value'))?.toString();
		const since = Array.from({ length: value.version - version + 1 }, (_, index) => version + index);
		if (!since.some(one => text === storedText(value.path, BYTES, one))) {
			wrong.push(key);
		}
	}
}

const none = () => ({ pods: 0, latencies: [] as number[], missed: [] as string[], wrong: [] as string[] });

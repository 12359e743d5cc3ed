// One run of the controller within a container's limits: bursts of large values, with ordinary ones beside them.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cgroup, type CgroupMemory, evict } from '../cgroup.ts';
import { type Cluster, keyOf, latencies, pause, until } from '../cluster.ts';
import { writesOf } from '../endpoints.ts';
import { type Pod, PREFIX } from '../pod-fixtures.ts';
import { cpuSecondsOf, memoryOf } from '../process-facts.ts';
import { type Running, start } from '../process-under-test.ts';
import { pathIn, type Stores } from '../stores/stores.ts';
import { type Store, storedText } from '../stores/values.ts';

const MIB = 1_048_576;
export const LIMIT_BYTES = 100 * MIB;
/** Pods and bytes of an ordinary burst. */
const ORDINARY = { pods: 100, bytes: 100 } as const;
const TIMEOUT_MS = 180_000;

/** The largest values that each store holds, as many as a tenant may ask for. */
export const BURSTS: Readonly<Record<Store, { readonly pods: number; readonly bytes: number }>> = {
	vault: { pods: 100, bytes: 900_000 },
	aws: { pods: 300, bytes: 63_000 },
	azure: { pods: 300, bytes: 25_000 },
};

export type Laboratory = {
	readonly cluster: Cluster;
	readonly stores: Stores;
	/** The folder of the build. */
	readonly dist: string;
	readonly cpus: number | undefined;
};

/** What one process was seen to use. */
export type Usage = CgroupMemory & {
	/** The most of what `ps` shows, in bytes: pages of the Node binary included. */
	readonly rssPeak: number;
	readonly cpuSeconds: number;
};

export type Seen = {
	readonly pods: number;
	/** Secrets that hold the bytes of the store. */
	readonly written: number;
	readonly seconds: number;
	readonly usage: Usage;
};

type Burst = Seen & {
	/** Milliseconds from a pod to its Secret. */
	readonly alone: readonly number[];
	readonly beside: readonly number[];
};

let sets = 0;

/** Pods with a value each in the store; not created yet. */
async function podsOf(stores: Stores, store: Store, burst: { pods: number; bytes: number }): Promise<Pod[]> {
	const set = sets++;
	const namespace = `${PREFIX}${set}`;
	const pods = Array.from({ length: burst.pods }, (_, index): Pod => {
		const name = `web-${set}-${index}`;
		return {
			namespace,
			name,
			secretName: name,
			source: { provider: store, path: pathIn[store](namespace, name) },
		};
	});
	await stores.fill({ store, paths: pods.map(({ source }) => source!.path), bytes: burst.bytes });
	return pods;
}

/** A controller in a control group of its own, until `stop`. */
class Subject {
	readonly running: Running;
	readonly #group: Cgroup;
	readonly #copy: string | undefined;

	private constructor(running: Running, group: Cgroup, copy: string | undefined) {
		this.running = running;
		this.#group = group;
		this.#copy = copy;
	}

	/** `cold`: the pages of the Node binary are read by this process first, and count for it. */
	static async start({ cluster, stores, dist, cpus }: Laboratory, { cold = false } = {}): Promise<Subject> {
		const copy = cold ? mkdtempSync(join(tmpdir(), 'jasm-node-')) : undefined;
		const node = copy === undefined ? undefined : join(copy, 'node');
		if (node !== undefined) {
			cpSync(process.execPath, node);
			evict(node);
		}

		const group = Cgroup.create({ memoryBytes: LIMIT_BYTES, cpus });
		const ca = readFileSync(stores.awsAuthority, 'utf8');
		const options = {
			config: stores.config,
			front: { url: stores.aws.url, ca },
			dist,
			prefix: group.prefix,
			...(node !== undefined && { node }),
		};
		try {
			const running = await start('controller', { cluster, provider: stores.aws }, options);
			return new Subject(running, group, copy);
		} catch (error) {
			const { kills } = group.memory();
			throw kills > 0 ? new Error('it was killed for memory at its start') : error;
		}
	}

	usage(): Usage {
		const { pid } = this.running;
		const memory = this.#group.memory();
		this.check();
		return { ...memory, rssPeak: memoryOf(pid).peak * MIB, cpuSeconds: cpuSecondsOf(pid) };
	}

	/** @throws Error once the kernel has killed it */
	check(): void {
		const { kills } = this.#group.memory();
		if (kills > 0) {
			throw new Error('it was killed for memory');
		}
	}

	/** Waits for `condition`, as long as the process lives. */
	until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
		const checked = async () => {
			this.check();
			return condition();
		};
		return until(what, checked, TIMEOUT_MS);
	}

	/** As a rollout does: the next one then need not wait for the end of the lease. */
	async stop(): Promise<void> {
		await this.running.stop();
		await until('the end of the control group', () => {
			try {
				this.#group.remove();
				return true;
			} catch {
				return false;
			}
		});
		if (this.#copy !== undefined) {
			rmSync(this.#copy, { recursive: true });
		}
	}
}

/** A burst of large values of one store, ordinary bursts of the same store alone and beside it; and a restart. */
export async function burstOf(
	laboratory: Laboratory,
	store: Store,
): Promise<{ burst: Burst; restart: Seen }> {
	const { cluster, stores } = laboratory;
	const all: Pod[] = [];
	let subject = await Subject.start(laboratory);
	try {
		const ordinary = async (): Promise<number[]> => {
			const pods = await podsOf(stores, store, ORDINARY);
			all.push(...pods);
			await cluster.prepare(pods);
			await cluster.addPods(pods);
			await subject.until('an ordinary burst', () => isWritten(cluster, pods));
			return latencies(cluster, pods);
		};
		// The first one signs in, and compiles what all of them use.
		await ordinary();
		const alone: number[] = [];
		for (let round = 0; round < 3; round++) {
			await pause(500);
			alone.push(...(await ordinary()));
		}

		const large = await podsOf(stores, store, BURSTS[store]);
		all.push(...large);
		await cluster.prepare(large);
		const { cpuSeconds } = subject.usage();
		const began = performance.now();
		await cluster.addPods(large);
		await subject.until('the first large value', () => large.some(pod => cluster.secretAt.has(keyOf(pod))));
		const beside = await ordinary();
		while (!isWritten(cluster, large.slice(0, -5)) && beside.length < 500) {
			beside.push(...(await ordinary()));
		}

		await subject.until('the large burst', () => isWritten(cluster, large));
		const seconds = (performance.now() - began) / 1_000;
		const usage = subject.usage();
		const burst = {
			pods: large.length,
			written: await countWritten(cluster, store, large),
			seconds,
			usage: { ...usage, cpuSeconds: usage.cpuSeconds - cpuSeconds },
			alone,
			beside,
		};
		await subject.stop();
		subject = await Subject.start(laboratory);
		const restart = await afterStart(laboratory, subject, store, all, large);
		return { burst, restart };
	} finally {
		await subject.stop();
		await cluster.removePods(all);
	}
}

/** The largest values from the initial list, in a container whose image was never read before. */
export async function coldStart(laboratory: Laboratory, store: Store): Promise<Seen> {
	const { cluster, stores } = laboratory;
	const large = await podsOf(stores, store, BURSTS[store]);
	await cluster.prepare(large);
	await cluster.addPods(large);
	const subject = await Subject.start(laboratory, { cold: true });
	try {
		return await afterStart(laboratory, subject, store, large, large);
	} finally {
		await subject.stop();
		await cluster.removePods(large);
	}
}

async function afterStart(
	{ cluster }: Laboratory,
	subject: Subject,
	store: Store,
	all: readonly Pod[],
	large: readonly Pod[],
): Promise<Seen> {
	const began = performance.now();
	await subject.until(`${all.length} writes`, async () => {
		await pause(50);
		return ((await writesOf(subject.running)) ?? 0) >= all.length;
	});
	const seconds = (performance.now() - began) / 1_000;
	return {
		pods: large.length,
		written: await countWritten(cluster, store, large),
		seconds,
		usage: subject.usage(),
	};
}

const isWritten = ({ secretAt }: Cluster, pods: readonly Pod[]): boolean =>
	pods.every(pod => secretAt.has(keyOf(pod)));

async function countWritten(cluster: Cluster, store: Store, pods: readonly Pod[]): Promise<number> {
	let written = 0;
	for (const { namespace, secretName = '', source } of pods) {
		const value = await cluster.valueOf(namespace, secretName, 'value');
		if (value?.toString() === storedText(source!.path, BURSTS[store].bytes)) {
			written++;
		}
	}

	return written;
}

// What happens on the node itself: files, processes, packets. The node is this host, or minikube's machine.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onEnd } from './cleanup.ts';
import type { Cluster } from './cluster.ts';
import { must, run } from './processes.ts';
import { until } from './until.ts';
import type { Environment } from './workspace.ts';

export class Node {
	readonly #cluster: Cluster;
	readonly #env: Environment;

	constructor({ cluster, env }: { cluster: Cluster; env: Environment }) {
		this.#cluster = cluster;
		this.#env = env;
	}

	/** Runs a command on the node as root; it must succeed. */
	command(...words: string[]): Promise<string> {
		if (this.#cluster.machine !== undefined) return must(words[0]!, words.slice(1), { env: this.#env });
		return this.#cluster.minikube('ssh', '--', 'sudo', ...words);
	}

	/** Kills a component of the control plane, or the kubelet, with SIGKILL. */
	async crash(component: 'apiserver' | 'kubelet'): Promise<void> {
		const machine = this.#cluster.machine;
		if (machine === undefined) {
			await this.command('pkill', '-9', component === 'kubelet' ? 'kubelet' : 'kube-apiserver');
			return;
		}
		const pid = Number(readFileSync(join(machine, `${component}.pid`), 'utf8'));
		process.kill(pid, 'SIGKILL');
		// A dead process counts as running until somebody has buried it.
		await until(`the end of the ${component}`, () => !existsSync(`/proc/${pid}`), { everyMs: 20 });
	}

	/** Folder of a container's cgroup: the one that accounts its memory. */
	async cgroup(containerId: string): Promise<string> {
		const id = containerId.split('//').at(-1) ?? '';
		const folders = await this.command('find', '/sys/fs/cgroup', '-type', 'd', '-name', `*${id}*`);
		const all = folders.trim().split('\n');
		const folder = all.find(path => path.includes('/memory/')) ?? all.find(path => path !== '');
		if (folder === undefined) throw new Error(`the node has no cgroup of container ${id.slice(0, 12)}`);
		return folder;
	}

	/** Bytes: what the kernel counts against the limit now and at most, and the anonymous part of it. */
	async memory(containerId: string): Promise<{ anonymous: number; peak: number; kills: number }> {
		const folder = await this.cgroup(containerId);
		const read = async (file: string) => {
			const answer = await this.command('cat', join(folder, file)).catch(() => undefined);
			return answer?.trim();
		};
		const stat = (await read('memory.stat')) ?? '';
		const peak = (await read('memory.peak')) ?? (await read('memory.max_usage_in_bytes')) ?? 'NaN';
		const events = (await read('memory.events')) ?? (await read('memory.oom_control')) ?? '';
		const value = (text: string, ...names: string[]) =>
			Number(
				names
					.map(name => new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
					.find(found => found !== undefined),
			);
		return {
			anonymous: value(stat, 'total_rss', 'rss', 'anon'),
			peak: Number(peak),
			kills: value(events, 'oom_kill') || 0,
		};
	}

	/** Process ids of a container. */
	async processes(containerId: string): Promise<number[]> {
		const folder = await this.cgroup(containerId);
		const text = await this.command('cat', join(folder, 'cgroup.procs'));
		return text.trim().split('\n').map(Number);
	}

	/**
	 * Drops the packets that pods send to a port of this host, until the answer is called. Undefined where the
	 * node has no packet filter that we may use.
	 */
	async dropPackets(port: number): Promise<(() => Promise<void>) | undefined> {
		const rule = (verb: '-I' | '-D', chain: string) =>
			run(
				'iptables',
				[verb, chain, '-p', 'tcp', '--dport', String(port), '-s', '10.244.0.0/16', '-j', 'DROP'],
				{
					env: this.#env,
				},
			).catch(() => ({ code: 127 }));
		if (this.#cluster.machine === undefined || process.getuid?.() !== 0) return undefined;
		if ((await rule('-I', 'INPUT')).code !== 0) return undefined;
		return onEnd('the packet filter', async () => void (await rule('-D', 'INPUT')));
	}

	/** The kubelet's copy of a pod's token; undefined where its folder cannot be read. */
	token(podUid: string, volume: string): string | undefined {
		const machine = this.#cluster.machine;
		const file = join(
			machine ?? '',
			'kubelet/pods',
			podUid,
			'volumes/kubernetes.io~projected',
			volume,
			'token',
		);
		return machine !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
	}
}

// What happens on the node itself: the memory and the processes of containers, and what breaks there.
import { join } from 'node:path';
import { type NodeAccess, nodeAccess } from './adapter.ts';
import type { Cluster } from './cluster.ts';
import type { Environment } from './workspace.ts';

export class Node {
	readonly #access: NodeAccess;

	constructor({ cluster, env }: { cluster: Cluster; env: Environment }) {
		this.#access = nodeAccess(cluster, env);
	}

	get command(): NodeAccess['command'] {
		return this.#access.command;
	}

	get crash(): NodeAccess['crash'] {
		return this.#access.crash;
	}

	get token(): NodeAccess['token'] {
		return this.#access.token;
	}

	get dropPackets(): NodeAccess['dropPackets'] {
		return this.#access.dropPackets;
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
}

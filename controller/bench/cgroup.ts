// A control group with a container's limits on this machine, for cgroup version 2 and version 1.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Limits = {
	readonly memoryBytes: number;
	/** Cores. Default: no limit. */
	readonly cpus?: number | undefined;
};

/** Bytes, as the kernel counts them against the limit. */
export type CgroupMemory = {
	/**
	 * The most since the start: anonymous pages, memory of the kernel, and the file pages that this group was the
	 * first to read. Pages of a binary that is in the page cache already count for the group that read it.
	 */
	readonly peak: number;
	readonly anonymous: number;
	readonly file: number;
	/** Processes that the kernel killed for memory. */
	readonly kills: number;
};

/** Version 2 has one folder for both; version 1 has one for each controller. */
type Folders = { readonly memory: string; readonly cpu?: string };

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

let made = 0;

export class Cgroup {
	readonly #folders: Folders;
	readonly #isVersion2: boolean;

	private constructor(folders: Folders, isVersion2: boolean) {
		this.#folders = folders;
		this.#isVersion2 = isVersion2;
	}

	/** @throws Error where this machine lets no group be made: it names what is missing */
	static create({ memoryBytes, cpus }: Limits): Cgroup {
		const isVersion2 = existsSync(join(ROOT, 'cgroup.controllers'));
		const name = `jasm-memory-${process.pid}-${made++}`;
		const folder = (controller: string) => join(ROOT, isVersion2 ? '' : controller, name);
		const folders = { memory: folder('memory'), ...(cpus !== undefined && { cpu: folder('cpu') }) };
		const quota = Math.round((cpus ?? 0) * PERIOD_US);
		try {
			for (const path of new Set(Object.values(folders))) {
				mkdirSync(path);
			}

			if (isVersion2) {
				writeFileSync(join(folders.memory, 'memory.max'), String(memoryBytes));
				writeIfThere(join(folders.memory, 'memory.swap.max'), '0');
			} else {
				writeFileSync(join(folders.memory, 'memory.limit_in_bytes'), String(memoryBytes));
			}

			if (folders.cpu !== undefined && isVersion2) {
				writeFileSync(join(folders.cpu, 'cpu.max'), `${quota} ${PERIOD_US}`);
			} else if (folders.cpu !== undefined) {
				writeFileSync(join(folders.cpu, 'cpu.cfs_period_us'), String(PERIOD_US));
				writeFileSync(join(folders.cpu, 'cpu.cfs_quota_us'), String(quota));
			}
		} catch (cause) {
			throw new Error(
				`making a control group with a limit of memory under ${ROOT}: run this as root on Linux, with the controllers memory and cpu (${cause instanceof Error ? cause.message : cause})`,
				{ cause },
			);
		}

		return new Cgroup(folders, isVersion2);
	}

	/** The words to put before a command, which then runs in this group from its first instruction. */
	get prefix(): readonly string[] {
		const files = [...new Set(Object.values(this.#folders))].map(path => join(path, 'cgroup.procs'));
		return ['sh', '-c', 'for file in $0; do echo $$ >"$file"; done; exec "$@"', files.join(' ')];
	}

	memory(): CgroupMemory {
		const read = (file: string) => readFileSync(join(this.#folders.memory, file), 'utf8');
		const value = (text: string, name: string) =>
			Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
		const stat = read('memory.stat');
		return this.#isVersion2
			? {
					peak: Number(read('memory.peak')),
					anonymous: value(stat, 'anon'),
					file: value(stat, 'file'),
					kills: value(read('memory.events'), 'oom_kill'),
				}
			: {
					peak: Number(read('memory.max_usage_in_bytes')),
					anonymous: value(stat, 'rss'),
					file: value(stat, 'cache'),
					kills: value(read('memory.oom_control'), 'oom_kill'),
				};
	}

	/** Its processes must have ended. */
	remove(): void {
		for (const path of new Set(Object.values(this.#folders))) {
			rmdirSync(path);
		}
	}
}

function writeIfThere(file: string, text: string): void {
	if (existsSync(file)) {
		writeFileSync(file, text);
	}
}

/** Takes a file's pages out of the page cache: the next reader is the one that they count for. */
export function evict(file: string): void {
	execFileSync('sync', [file]);
	execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

// What the kernel knows of a process: memory now and at its peak, CPU time.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** MiB. `file` are pages of the node binary and its libraries, which the kernel may take back. */
export type Memory = {
	readonly rss: number;
	readonly anon: number;
	readonly file: number;
	readonly peak: number;
};

export function memoryOf(pid: number): Memory {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const mib = (field: string): number =>
		Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
	return { rss: mib('VmRSS'), anon: mib('RssAnon'), file: mib('RssFile'), peak: mib('VmHWM') };
}

/** Resets the peak: counting starts again here. */
export function resetPeak(pid: number): void {
	writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/**
 * CPU seconds of all threads so far, from the scheduler's own nanoseconds: /proc/PID/stat counts ticks of 10 ms,
 * which is a sixth of the whole budget of a minute at rest.
 */
export function cpuSecondsOf(pid: number): number {
	let nanoseconds = 0;
	try {
		for (const task of readdirSync(`/proc/${pid}/task`)) {
			nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
		}

		return nanoseconds / 1e9;
	} catch {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
		return (Number(fields[11]) + Number(fields[12])) / 100;
	}
}

/** Local ports of the connections of a process to a port that are established now. */
export function localPortsOf(pid: number, remotePort: number): number[] {
	const inodes = new Set<string>();
	for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
		const inode = /^ino:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1];
		if (inode !== undefined) {
			inodes.add(inode);
		}
	}

	const ESTABLISHED = '01';
	return ['tcp', 'tcp6']
		.flatMap(name => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1))
		.map(line => line.trim().split(/\s+/))
		.filter(fields => fields[3] === ESTABLISHED && inodes.has(fields[9]!))
		.filter(([, , remote]) => portOf(remote!) === remotePort)
		.map(([, local]) => portOf(local!));
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1]!, 16);

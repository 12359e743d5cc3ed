// Where and with what was measured.
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { inCluster, NODE_FLAGS } from './process-under-test.ts';

export type Machine = {
	readonly node: string;
	readonly flags: string;
	readonly kernel: string;
	readonly cores: number;
	readonly cpu: string;
	readonly memoryGiB: number;
	/** Load of the last minute and the last fifteen; with less than a free core for each process latencies suffer. */
	readonly load: readonly [number, number];
	/** How the measured process found the API server. */
	readonly configuration: 'ServiceAccount, as in a pod' | 'kubeconfig';
};

export function thisMachine(): Machine {
	const [minute = 0, , quarter = 0] = loadavg();
	return {
		node: process.version,
		flags: NODE_FLAGS.join(' '),
		kernel: `${type()} ${release()} ${arch()}`,
		cores: cpus().length,
		cpu: cpus()[0]?.model.trim() ?? 'unknown',
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		load: [minute, quarter],
		configuration: inCluster ? 'ServiceAccount, as in a pod' : 'kubeconfig',
	};
}

export const describe = (machine: Machine): string =>
	[
		`Node ${machine.node}, \`node ${machine.flags}\``,
		`${machine.kernel}, ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB`,
		`load ${machine.load.map(load => load.toFixed(1)).join(' / ')} (1 and 15 minutes, the benchmark's own included)`,
		`the measured process is given its API server by ${machine.configuration === 'kubeconfig' ? 'a kubeconfig, which costs it some 10 MB (a mount namespace was not allowed)' : 'environment and ServiceAccount files, as in a pod'}`,
	]
		.map(line => `- ${line}`)
		.join('\n');

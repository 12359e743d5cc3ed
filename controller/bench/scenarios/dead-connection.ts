// Every packet of the open connections is lost from one moment on, without a reset.
//
// A relay that stalls would not do: its kernel goes on acknowledging. The packets are dropped by iptables in a
// network namespace of its own, in which a second process of this file runs server and controller.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { startSecretsManager } from '../../testing/index.ts';
import { Bench, PROVIDER_MS } from '../bench.ts';
import { keyOf, pause } from '../cluster.ts';
import { startEmbeddedCluster } from '../embedded-cluster.ts';
import type { Quantity } from '../measurement.ts';
import { localPortsOf } from '../process-facts.ts';

const DEAD: Quantity = {
	what: 'recovery: dead TCP, packets of open connections dropped',
	unit: 's',
	budget: 25,
	judged: 'max',
};

export async function deadConnection(bench: Bench): Promise<void> {
	if (bench.short) {
		bench.report(DEAD, 'controller', [], 'not in a short run');
		return;
	}

	const unshare = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net'];
	try {
		const { stdout } = await promisify(execFile)('unshare', [
			...unshare,
			process.execPath,
			import.meta.filename,
		]);
		bench.report(DEAD, 'controller', [Number(stdout)]);
	} catch {
		bench.report(DEAD, 'controller', [], 'it takes iptables in a network namespace of its own');
	}
}

async function measure(): Promise<number> {
	execFileSync('ip', ['link', 'set', 'lo', 'up']);
	const cluster = await startEmbeddedCluster();
	const provider = await startSecretsManager({ latencyMs: PROVIDER_MS });
	const bench = new Bench({ environment: { cluster, provider }, short: false });
	const running = await bench.start('controller');
	const [first, second] = bench.pods(2);
	await bench.sync([first!]);
	await pause(1_000);
	for (const port of localPortsOf(running.pid, cluster.access.port)) {
		for (const end of ['--sport', '--dport']) {
			execFileSync('iptables', ['-A', 'INPUT', '-p', 'tcp', end, String(port), '-j', 'DROP']);
		}
	}

	const from = performance.now();
	await bench.sync([second!], 120_000);
	await running.stop('SIGKILL');
	return (cluster.secretAt.get(keyOf(second!))! - from) / 1_000;
}

if (import.meta.main) {
	process.stdout.write(String(await measure()));
	process.exit(0);
}

// Asks the measured process as a kubelet and a Prometheus would.
import { Agent, get } from 'node:http';
import { pause } from './cluster.ts';
import type { Running } from './process-under-test.ts';

/** Asks /readyz every 5 ms, which takes the process some hundredths of a core. */
export async function ready(port: number, timeoutMs: number): Promise<void> {
	const agent = new Agent({ keepAlive: true });
	const deadline = performance.now() + timeoutMs;
	while ((await probe(port, '/readyz', agent)) !== 200) {
		if (performance.now() > deadline) {
			throw new Error(`the controller is not ready after ${timeoutMs} ms`);
		}

		await pause(5);
	}

	agent.destroy();
}

/** The status of one of its endpoints; 0 where it does not answer. */
export async function probe(port: number, path: string, agent?: Agent): Promise<number> {
	return (await ask(port, path, agent)).status;
}

/** Secrets that the controller wrote so far, by its own count; undefined for the floor, which does not count. */
export async function writesOf({ ports }: Running): Promise<number | undefined> {
	if (ports.metrics === undefined) {
		return undefined;
	}

	const { text } = await ask(ports.metrics, '/metrics');
	const lines = text.matchAll(/^jasm_kubernetes_requests_total\{(.*)\} (\d+)$/gm);
	return [...lines]
		.filter(([, labels]) => /resource="secrets"/.test(labels!) && /status="20[01]"/.test(labels!))
		.reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Metrics without labels, by name. */
export async function gaugesOf({ ports }: Running): Promise<ReadonlyMap<string, number>> {
	const { text } = await ask(ports.metrics!, '/metrics');
	const lines = text.matchAll(/^(\w+) (\S+)$/gm);
	return new Map([...lines].map(([, name, value]) => [name!, Number(value)]));
}

function ask(port: number, path: string, agent?: Agent): Promise<{ status: number; text: string }> {
	return new Promise(resolve => {
		get({ host: '127.0.0.1', port, path, ...(agent && { agent }) }, response => {
			let text = '';
			response.setEncoding('utf8').on('data', chunk => {
				text += chunk;
			});
			response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
		}).once('error', () => resolve({ status: 0, text: '' }));
	});
}

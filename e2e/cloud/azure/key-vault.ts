// The run's hold on Key Vault: what its owner does, and what was asked of it.
import { join } from 'node:path';
import { start } from '../../cluster/processes.ts';
import { type Environment, ROOT } from '../../cluster/workspace.ts';
import type { Certificate } from '../certificate.ts';
import type { KeyVaultFacts, KeyVaultOrder, Trust } from './main.ts';

export class KeyVaultServer {
	/** Where pods reach Key Vault and Entra on this host. */
	readonly port: number;
	readonly #control: string;

	private constructor(port: number, controlPort: number) {
		this.port = port;
		this.#control = `http://127.0.0.1:${controlPort}`;
	}

	/** Starts it empty; it ends with the run. */
	static async start(env: Environment, tls: Certificate, trust: Trust): Promise<KeyVaultServer> {
		const main = join(ROOT, 'e2e/cloud/azure/main.ts');
		const args = [main, tls.certFile, tls.keyFile, JSON.stringify(trust)];
		const ready = /^ports (\d+ \d+)$/m;
		const { captured } = await start('azure-key-vault', process.execPath, args, { env, ready });
		const [port = 0, controlPort = 0] = captured.split(' ').map(Number);
		return new KeyVaultServer(port, controlPort);
	}

	async facts(): Promise<KeyVaultFacts> {
		return (await (await fetch(this.#control)).json()) as KeyVaultFacts;
	}

	async order(order: KeyVaultOrder): Promise<void> {
		await fetch(this.#control, { method: 'PUT', body: JSON.stringify(order) });
	}
}

// The run's hold on the gate to AWS: what was called, and how AWS is to fail.
import { join } from 'node:path';
import { start } from '../../cluster/processes.ts';
import { type Environment, ROOT } from '../../cluster/workspace.ts';
import type { Fault, RecordedCall } from './gate.ts';
import type { GateOrder } from './main.ts';

export class GateClient {
	/** Where pods reach AWS on this host. */
	readonly port: number;
	readonly #control: string;

	constructor(port: number, controlPort: number) {
		this.port = port;
		this.#control = `http://127.0.0.1:${controlPort}`;
	}

	/** Starts the gate in front of the emulator; it ends with the run. */
	static async start({ emulator, env }: { emulator: string; env: Environment }): Promise<GateClient> {
		const args = [join(ROOT, 'e2e/cloud/aws/main.ts'), emulator];
		const { captured } = await start('aws-gate', process.execPath, args, {
			env,
			ready: /^ports (\d+ \d+)$/m,
		});
		const [port = 0, controlPort = 0] = captured.split(' ').map(Number);
		return new GateClient(port, controlPort);
	}

	/** Every call since a mark. */
	async calls(from = 0): Promise<RecordedCall[]> {
		return (await this.#ask(from)).calls;
	}

	/** Reads of secrets since a mark. */
	async reads(from = 0): Promise<RecordedCall[]> {
		return (await this.calls(from)).filter(({ action }) => action === 'GetSecretValue');
	}

	/** The mark of now. */
	async mark(): Promise<number> {
		return (await this.#ask(Number.MAX_SAFE_INTEGER)).count;
	}

	/** Fails every call from now on, until undefined; connections that exist are dropped at each change. */
	fail(fault: Fault | undefined): Promise<void> {
		return this.#order({ fault: fault ?? null, drop: true });
	}

	dropConnections(): Promise<void> {
		return this.#order({ drop: true });
	}

	/** Adds so many milliseconds to each call. */
	slow(latencyMs: number): Promise<void> {
		return this.#order({ latencyMs });
	}

	async #ask(from: number): Promise<{ count: number; calls: RecordedCall[] }> {
		return (await (await fetch(`${this.#control}/?from=${from}`)).json()) as {
			count: number;
			calls: RecordedCall[];
		};
	}

	async #order(order: GateOrder): Promise<void> {
		await fetch(this.#control, { method: 'PUT', body: JSON.stringify(order) });
	}
}

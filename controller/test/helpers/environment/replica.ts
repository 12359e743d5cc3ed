// One replica of the controller, run in this process as main.ts would run it.
import { once } from 'node:events';
import { get } from 'node:http';
import { loadConfig } from '../../../src/config/config.ts';
import { createController } from '../../../src/manager/manager.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import type { Environment, ProviderKind, SecretProvider } from '../../../src/providers/provider.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { LogSink } from './log-sink.ts';

export type ReplicaOptions = {
	/** The configuration file. */
	readonly config: object;
	readonly argv?: readonly string[];
	readonly env?: Environment;
	readonly clock?: Clock;
	readonly random?: () => number;
	/** As an embedding program brings them along. */
	readonly providers?: Readonly<Record<string, SecretProvider>>;
	readonly kinds?: readonly ProviderKind[];
};

export type Answer = { readonly status: number; readonly text: string };

export class Replica {
	readonly log = new LogSink();
	readonly #stop = new AbortController();
	readonly #controller: ReturnType<typeof createController>;
	/** Resolves when it has stopped: with what it failed with, or undefined. */
	readonly ended: Promise<unknown>;
	#running = true;

	constructor(options: ReplicaOptions) {
		const {
			config,
			argv = [],
			env = {},
			clock = systemClock,
			random = Math.random,
			providers = {},
			kinds = [],
		} = options;
		const file = '/etc/jasm/config.yaml';
		const addresses = ['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'];
		const loaded = loadConfig({
			argv: ['--config', file, ...addresses, ...argv],
			env,
			readFile: () => JSON.stringify(config),
			extraProviders: Object.keys(providers),
			kinds,
		});
		const logger = createLogger({ level: loaded.logLevel, destination: this.log });
		const version = 'test';
		this.#controller = createController({
			config: loaded,
			logger,
			env,
			clock,
			random,
			providers,
			kinds,
			version,
		});
		this.ended = this.#controller
			.run(this.#stop.signal)
			.then(
				() => undefined,
				(error: unknown) => error ?? new Error('nothing'),
			)
			.finally(() => {
				this.#running = false;
			});
	}

	get running(): boolean {
		return this.#running;
	}

	/** Resolves when every live pod is known; rejects when it ends before. */
	async ready(): Promise<this> {
		await this.#controller.ready;
		return this;
	}

	/** As SIGTERM does; resolves with what it failed with, or undefined. */
	stop(): Promise<unknown> {
		this.#stop.abort(new Error('SIGTERM'));
		return this.ended;
	}

	/** A probe, as the kubelet asks it. */
	async probe(path: '/livez' | '/healthz' | '/readyz'): Promise<Answer> {
		return ask((await this.#controller.endpoints).healthPort, path);
	}

	async metrics(): Promise<string> {
		return (await ask((await this.#controller.endpoints).metricsPort, '/metrics')).text;
	}

	/** The sum of a metric over all label sets that have these labels; 0 where there is none. */
	async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
		const samples = (await this.metrics()).split('\n').filter(line => /^[a-z]/.test(line));
		return samples
			.filter(line => line.split(/[ {]/, 1)[0] === name)
			.filter(line => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
			.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
	}
}

async function ask(port: number | undefined, path: string): Promise<Answer> {
	const [response] = await once(get({ host: '127.0.0.1', port, path, agent: false }), 'response');
	const chunks: Buffer[] = await response.toArray();
	return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

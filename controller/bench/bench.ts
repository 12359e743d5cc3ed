// What every scenario gets: the environment, the processes to measure, and where to report the figures.
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { type Cluster, secretsOf, type TestEnvironment } from './cluster.ts';
import type { Measurement, Quantity } from './measurement.ts';
import { type Pod, pathOf, podsOf } from './pod-fixtures.ts';
import { type ProcessUnderTest, type Running, type StartOptions, start } from './process-under-test.ts';

/** What the provider adds to every read, in milliseconds. */
export const PROVIDER_MS = 20;

/** A value of ordinary size. */
const VALUE = {
	username: 'app',
	password: 'correct-horse-battery-staple',
	host: 'db.example.com',
	port: 5432,
};

export type Scenario = (bench: Bench) => Promise<void>;

export class Bench {
	readonly environment: TestEnvironment;
	/** Fewer and shorter runs, for a machine that checks every change. */
	readonly short: boolean;
	readonly measurements: Measurement[] = [];
	#sets = 0;
	#providerMs = 0;

	constructor(options: { readonly environment: TestEnvironment; readonly short: boolean }) {
		this.environment = options.environment;
		this.short = options.short;
		this.#clockProvider();
	}

	/** Timers are late by up to a millisecond, and later on a busy machine: what was asked for is not what it took. */
	#clockProvider(): void {
		const arrivals = new WeakMap<object, number>();
		subscribe('http.server.request.start', message => {
			const { request } = message as { request: IncomingMessage };
			arrivals.set(request, performance.now());
		});
		subscribe('http.server.response.finish', message => {
			const { request } = message as { request: IncomingMessage };
			if (request.headers['x-amz-target'] !== undefined) {
				this.#providerMs = performance.now() - (arrivals.get(request) ?? Number.NaN);
			}
		});
	}

	get cluster(): Cluster {
		return this.environment.cluster;
	}

	/** The processes to compare, alternating, so that a busy moment of the machine meets both. */
	get subjects(): readonly ProcessUnderTest[] {
		return ['controller', 'floor'];
	}

	start(processUnderTest: ProcessUnderTest, options?: StartOptions): Promise<Running> {
		return start(processUnderTest, this.environment, options);
	}

	/** Pods with new names, with their secrets in the provider; not created yet. */
	pods(count: number, { namespaces = 1, every = 1 } = {}): Pod[] {
		const pods = podsOf({ count, namespaces, every, set: String(this.#sets++) });
		this.fill(pods);
		return pods;
	}

	/** Puts into the provider what these pods ask for. */
	fill(pods: readonly Pod[]): void {
		for (const { namespace, secretName } of pods) {
			if (secretName !== undefined) {
				this.environment.provider.put(pathOf(namespace, secretName), VALUE);
			}
		}
	}

	/** How long the provider took for its last answer, as the provider saw it, in milliseconds. */
	get providerMs(): number {
		return this.#providerMs;
	}

	/** Creates pods and waits for what they ask for. */
	async sync(pods: readonly Pod[], timeoutMs?: number): Promise<void> {
		await this.cluster.addPods(pods);
		await secretsOf(this.cluster, pods, timeoutMs);
	}

	report(
		quantity: Quantity,
		processUnderTest: Measurement['processUnderTest'],
		samples: readonly number[],
		note?: string,
	): void {
		const cluster = this.cluster.title;
		this.measurements.push({
			...quantity,
			cluster,
			processUnderTest,
			samples,
			...(note !== undefined && { note }),
		});
	}
}

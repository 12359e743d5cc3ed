// What an embedding program gives to a controller, and what it gets back.
import type { Config } from '../config/config.ts';
import type { Endpoints } from '../observability/endpoints.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Environment, ProviderKind, SecretProvider } from '../providers/provider.ts';
import type { Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';

/** What a controller consists of. Only `config` and `logger` are required. */
export type ControllerOptions = {
	readonly config: Config;
	readonly logger: Logger;
	/** Where kubeconfig and credentials may come from: pass `process.env`. Default: none. */
	readonly env?: Environment;
	/** Custom providers, by the name that annotations and policy rules use. */
	readonly providers?: Readonly<Record<string, SecretProvider>>;
	/** Kinds of providers beside those that are built in; the same as were given to `loadConfig`. */
	readonly kinds?: readonly ProviderKind[];
	readonly clock?: Clock;
	readonly random?: Random;
	readonly metrics?: Metrics;
	readonly version?: string;
	/** CPU seconds and resident bytes of the process, for /metrics. */
	readonly processFacts?: () => { readonly cpuSeconds: number; readonly residentBytes: number };
};

/** A controller, started once. */
export type Controller = {
	/**
	 * Runs until the signal aborts, then stops in order and resolves. Rejects with a JasmError if it cannot start
	 * (GUARD_MISSING, KUBERNETES_CONFIG_INVALID, CONFIG_INVALID) or must not go on (LEASE_LOST).
	 */
	run(signal: AbortSignal): Promise<void>;
	/** Resolves when every live pod is known and this replica leads or is a standby. */
	readonly ready: Promise<void>;
	/** The ports of the endpoints, once they listen. */
	readonly endpoints: Promise<Pick<Endpoints, 'healthPort' | 'metricsPort'>>;
};

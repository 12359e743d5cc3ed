// Holds the start of a controller that releases pods until the admission policy for pods is proven.
import type { Config } from '../config/config.ts';
import { proveReleaseGuard } from '../gates/release-guard.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Metrics } from '../observability/metrics.ts';
import { type ProofOptions, proveAtStart } from './prove-at-start.ts';

export type RequireReleaseGuardOptions = ProofOptions & {
	readonly config: Pick<Config, 'namespace' | 'podName' | 'allowUnguarded' | 'start'>;
	readonly client: Pick<KubernetesClient, 'patchPod'>;
	readonly metrics: Pick<Metrics, 'unguarded'>;
};

/** In both profiles: the right to patch pods without its policy is the right to change every pod of the cluster. */
export async function requireReleaseGuard(options: RequireReleaseGuardOptions): Promise<void> {
	const { client, config, clock, logger, metrics, signal } = options;
	if (!config.start.release) return;
	const { namespace, podName } = config;
	const prove = () => proveReleaseGuard({ client, clock, namespace, podName, signal });
	const error = await proveAtStart('the admission policy for pods', prove, options);
	if (error === undefined) return;
	if (error.code !== 'GUARD_MISSING' || !config.allowUnguarded) throw error;
	metrics.unguarded.set(1);
	logger.warn({ error }, 'running unguarded: no admission policy holds the right to patch pods');
}

// Holds the start until the admission guard is proven, or ends it if profile write-only would run without the guard.
import type { Config } from '../config/config.ts';
import { JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Reviews, Right } from '../kubernetes/reviews.ts';
import type { Metrics } from '../observability/metrics.ts';
import { proveGuard } from '../sync/guard.ts';
import { type ProofOptions, proveAtStart } from './prove-at-start.ts';
import { missingRights } from './rights.ts';

export type RequireGuardOptions = ProofOptions & {
	readonly config: Pick<Config, 'profile' | 'namespace' | 'allowUnguarded'>;
	readonly client: Pick<KubernetesClient, 'replaceSecret'>;
	readonly reviews: Reviews;
	/** Every right that this configuration needs: a refusal lists all that are missing. */
	readonly rights: readonly Right[];
	readonly metrics: Metrics;
};

/**
 * In both profiles the metric says whether the guard was proven. Without it, write-only starts only with
 * --allow-unguarded; self-heal starts, because it reads the owner of a Secret before each write.
 */
export async function requireGuard(options: RequireGuardOptions): Promise<void> {
	const { client, config, reviews, logger, metrics, signal } = options;
	const { namespace, profile, allowUnguarded } = config;
	metrics.unguarded.set(1);
	const prove = () => proveGuard({ client, reviews, namespace, signal });
	const error = await proveAtStart('the admission guard', prove, options);
	if (error === undefined) {
		metrics.unguarded.set(0);
	} else if (profile === 'self-heal') {
		const { remedy } = error;
		logger.warn({ error, remedy }, 'running without the admission policy: JASM itself checks ownership');
	} else if (error.code === 'GUARD_MISSING' && allowUnguarded) {
		logger.warn({ error }, 'running unguarded: nothing keeps writes to Secrets that are owned');
	} else {
		throw error.code === 'KUBERNETES_FORBIDDEN' ? await withMissingRights(error, options) : error;
	}
}

async function withMissingRights(
	error: JasmError,
	{ reviews, rights, signal }: RequireGuardOptions,
): Promise<JasmError> {
	const missing = await missingRights(reviews, rights, signal);
	if (missing.length < 2) {
		return error;
	}

	const { code, details } = error;
	return new JasmError(`${error.message}; missing rights: ${missing.join(', ')}`, { code, details });
}

// Proves at start that an admission policy holds JASM to restarts; without the proof nothing is restarted.
import type { Config } from '../config/config.ts';
import { JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Metrics } from '../observability/metrics.ts';
import { RESTARTED_KEY } from '../requests/pod-record.ts';
import { RESTART_REFUSALS } from '../sync/kubernetes-errors.ts';
import { type ProofOptions, proveAtStart } from './prove-at-start.ts';

/** A Deployment of the installation, without replicas, whose pod template asks for no restart. */
export const RESTART_SENTINEL = 'jasm-restart-sentinel';

export type RequireRestartGuardOptions = ProofOptions & {
	readonly config: Pick<Config, 'namespace' | 'restarts'>;
	readonly client: Pick<KubernetesClient, 'annotateTemplate'>;
	readonly metrics: Pick<Metrics, 'restartsOff'>;
};

/** A policy acts some moments after it was created (0.4 s measured); milliseconds. */
const SETTLE_MS = 5_000;
const TRY_EVERY_MS = 500;
const PROOF = { key: RESTARTED_KEY, value: '0123456789abcdef' };
const NOT_ASKED = RESTART_REFUSALS['the pod template does not ask for restarts'];

/** Whether restarts are configured and the policy is proven. Never rejects for want of the policy. */
export async function requireRestartGuard(options: RequireRestartGuardOptions): Promise<boolean> {
	const { config, logger, metrics } = options;
	if (config.restarts === undefined) {
		return false;
	}

	const error = await proveAtStart('the admission policy for workloads', () => prove(options), options);
	metrics.restartsOff.set(error === undefined ? 0 : 1);
	if (error !== undefined) {
		logger.error({ error, remedy: error.remedy }, 'nothing is restarted');
	}

	return error === undefined;
}

/** Tries, as a dry run, to restart the sentinel: resolves when the installation's policy refuses that. */
async function prove(options: RequireRestartGuardOptions): Promise<void> {
	const { clock, signal } = options;
	for (let waitedMs = 0; ; waitedMs += TRY_EVERY_MS) {
		const why = await attempt(options);
		if (why === undefined) {
			return;
		}

		if (waitedMs >= SETTLE_MS) {
			throw missing(options, why);
		}

		await clock.sleep(TRY_EVERY_MS, signal);
	}
}

/** Undefined: the policy refused it. */
async function attempt({ client, config, signal }: RequireRestartGuardOptions): Promise<string | undefined> {
	const sentinel = { namespace: config.namespace, name: RESTART_SENTINEL, resource: 'deployments' } as const;
	try {
		const { result } = await client.annotateTemplate(sentinel, PROOF, { dryRun: true, signal });
		return result === 'patched'
			? 'no ValidatingAdmissionPolicy keeps JASM from changing a workload'
			: 'the sentinel does not exist, so nothing can be proven';
	} catch (error) {
		if (!(error instanceof JasmError)) {
			throw error;
		}

		if (error.code === 'RESTART_REFUSED') {
			return error.message.endsWith(NOT_ASKED) ? undefined : 'the policy refused it for another reason';
		}

		if (error.code === 'KUBERNETES_UNAVAILABLE' || error.code === 'KUBERNETES_UNAUTHORIZED') {
			throw error;
		}

		return error.code === 'KUBERNETES_FORBIDDEN'
			? 'JASM has no right to patch it, so nothing can be proven'
			: 'it was refused, but not by the policy of the installation';
	}
}

const missing = ({ config: { namespace } }: RequireRestartGuardOptions, why: string) =>
	new JasmError(`proving the guard of restarts with deployment "${namespace}/${RESTART_SENTINEL}": ${why}`, {
		code: 'RESTART_GUARD_MISSING',
	});

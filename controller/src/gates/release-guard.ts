// Proves at start that an admission policy holds JASM to releasing pods, with no further right and no further object.
import { JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Clock } from '../runtime/clock.ts';

export type ReleaseGuardOptions = {
	readonly client: Pick<KubernetesClient, 'patchPod'>;
	readonly clock: Clock;
	/** JASM's own namespace. */
	readonly namespace: string;
	/** JASM's own pod; undefined outside a cluster. */
	readonly podName: string | undefined;
	readonly signal?: AbortSignal;
};

/** A policy acts some moments after it was created (0.4 s measured); milliseconds. */
const SETTLE_MS = 5_000;
const TRY_EVERY_MS = 500;
const PROOF = { metadata: { labels: { 'jasm.codnod.io/guard': 'proof' } } };

/**
 * Tries, as a dry run, to label JASM's own pod: resolves when a policy of the installation refuses that. Rejects with
 * GUARD_MISSING when the API server would do it or when something else refuses it, with KUBERNETES_FORBIDDEN when
 * RBAC comes first (which proves nothing), with KUBERNETES_UNAVAILABLE when the API server does not answer.
 */
export async function proveReleaseGuard(options: ReleaseGuardOptions): Promise<void> {
	const { clock, podName, signal } = options;
	if (podName === undefined) throw missing(options, 'POD_NAME is not set, so there is no pod to try it with');
	for (let waitedMs = 0; ; waitedMs += TRY_EVERY_MS) {
		const why = await attempt(options, podName);
		if (why === undefined) return;
		if (waitedMs >= SETTLE_MS || why.final) throw missing(options, why.text);
		await clock.sleep(TRY_EVERY_MS, signal);
	}
}

/** Undefined: the policy refused it. `final`: waiting changes nothing. */
async function attempt(
	{ client, namespace, signal }: ReleaseGuardOptions,
	name: string,
): Promise<{ readonly text: string; readonly final: boolean } | undefined> {
	try {
		const result = await client.patchPod({ namespace, name }, PROOF, {
			dryRun: true,
			...(signal !== undefined && { signal }),
		});
		return result === 'patched'
			? { text: 'no ValidatingAdmissionPolicy keeps JASM from changing a pod', final: false }
			: { text: 'the pod does not exist, so nothing can be proven', final: true };
	} catch (error) {
		if (!(error instanceof JasmError)) throw error;
		if (error.code === 'SECRET_NOT_OWNED') return undefined;
		if (error.code !== 'SECRET_REJECTED') throw error;
		return { text: 'it was refused, but not by the policy of the installation', final: false };
	}
}

const missing = ({ namespace, podName = '' }: ReleaseGuardOptions, why: string) =>
	new JasmError(`proving the guard of releases with pod "${namespace}/${podName}": ${why}`, {
		code: 'GUARD_MISSING',
	});

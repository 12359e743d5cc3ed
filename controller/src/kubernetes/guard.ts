// Proves at start that an admission policy keeps JASM off Secrets that are not its own, with no further right.
import { JasmError } from '../errors.ts';
import type { KubernetesClient } from './client.ts';

export type GuardOptions = {
	readonly client: Pick<KubernetesClient, 'replaceSecret'>;
	/** JASM's own namespace. */
	readonly namespace: string;
	/** A Secret of the installation without JASM's label. */
	readonly sentinel?: string;
	readonly signal?: AbortSignal;
};

export const SENTINEL = 'jasm-sentinel';

/**
 * Tries, as a dry run, to replace the sentinel: resolves when the policy refuses that. Rejects with
 * GUARD_MISSING when nothing does, with KUBERNETES_FORBIDDEN when RBAC comes first (which proves nothing), with
 * KUBERNETES_UNAVAILABLE when the API server does not answer.
 */
export async function proveGuard({
	client,
	namespace,
	sentinel = SENTINEL,
	signal,
}: GuardOptions): Promise<void> {
	const secret = { namespace, name: sentinel, type: 'Opaque', labels: {}, annotations: {}, data: {} };
	const fault = (why: string) =>
		new JasmError(`proving the admission guard with secret "${namespace}/${sentinel}": ${why}`, {
			code: 'GUARD_MISSING',
		});
	try {
		const { result } = await client.replaceSecret(secret, {
			dryRun: true,
			...(signal !== undefined && { signal }),
		});
		throw fault(
			result === 'replaced'
				? 'no ValidatingAdmissionPolicy keeps JASM from replacing a Secret that is not its own'
				: 'the sentinel Secret does not exist, so nothing can be proven',
		);
	} catch (error) {
		if (!(error instanceof JasmError)) throw error;
		if (error.code === 'SECRET_NOT_OWNED') return;
		// Refused, but not by the policy of the installation: by another, a webhook or a validation.
		if (error.code === 'SECRET_REJECTED')
			throw fault('it was refused, but not by the policy of the installation');
		throw error;
	}
}

// Proves at start that an admission policy keeps JASM off Secrets that are not its own, without any further right.
import { JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Reviews } from '../kubernetes/reviews.ts';

export type GuardOptions = {
	readonly client: Pick<KubernetesClient, 'replaceSecret'>;
	/** Names the user in a message. */
	readonly reviews: Pick<Reviews, 'user'>;
	/** JASM's own namespace. */
	readonly namespace: string;
	/** A Secret of the installation without JASM's label. */
	readonly sentinel?: string;
	readonly signal?: AbortSignal;
};

export const SENTINEL = 'jasm-sentinel';

/**
 * Tries, as a dry run, to replace the sentinel. Resolves if JASM's own policy refuses it. Rejects with GUARD_MISSING
 * if it does not, with KUBERNETES_FORBIDDEN if RBAC refuses first (which proves nothing), and with
 * KUBERNETES_UNAVAILABLE or KUBERNETES_UNAUTHORIZED if the question stays open.
 */
export async function proveGuard(options: GuardOptions): Promise<void> {
	const why = await refusalMissing(options);
	if (why === undefined) return;
	const { reviews, namespace, sentinel = SENTINEL, signal } = options;
	const user = await reviews.user(signal);
	const as = user === undefined ? '' : ` as "${user}"`;
	throw new JasmError(`proving the admission guard with secret "${namespace}/${sentinel}"${as}: ${why}`, {
		code: 'GUARD_MISSING',
		details: user === undefined ? {} : { user },
	});
}

/** What was seen in place of the refusal, or undefined. */
async function refusalMissing(options: GuardOptions): Promise<string | undefined> {
	const { client, namespace, sentinel = SENTINEL, signal } = options;
	const secret = { namespace, name: sentinel, type: 'Opaque', labels: {}, annotations: {}, data: {} };
	try {
		const { result } = await client.replaceSecret(secret, {
			dryRun: true,
			...(signal !== undefined && { signal }),
		});
		return result === 'replaced'
			? 'the replace was allowed: no ValidatingAdmissionPolicy keeps JASM from replacing a Secret that is not ' +
					'its own. A policy that is bound to another account, or whose binding does not deny, has no effect'
			: 'the sentinel Secret does not exist, so nothing can be proven';
	} catch (error) {
		if (!(error instanceof JasmError)) throw error;
		if (error.code === 'SECRET_NOT_OWNED') return undefined;
		if (error.code !== 'SECRET_REJECTED') throw error;
		const { policy } = error.details;
		const by = policy === undefined ? 'a webhook, a quota or a validation' : `the policy "${policy}"`;
		return `it was refused, but by ${by} and not by the policy of the installation`;
	}
}

// Gives a failed call to Kubernetes the product's error code, and a refusal by the product's own policy its meaning.
import { type ErrorCode, JasmError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { KubernetesError, type KubernetesErrorCode } from '../kubernetes/errors.ts';

const CODES: Readonly<Record<KubernetesErrorCode, ErrorCode>> = {
	configuration: 'KUBERNETES_CONFIG_INVALID',
	unauthorized: 'KUBERNETES_UNAUTHORIZED',
	forbidden: 'KUBERNETES_FORBIDDEN',
	policy: 'SECRET_REJECTED',
	rejected: 'SECRET_REJECTED',
	immutable: 'SECRET_IMMUTABLE',
	'too-large': 'SECRET_TOO_LARGE',
	'namespace-gone': 'NAMESPACE_GONE',
	unavailable: 'KUBERNETES_UNAVAILABLE',
	'lease-lost': 'LEASE_LOST',
	aborted: 'ABORTED',
};

/** Names of the installation's policies. A refusal by any other policy says nothing about ownership. */
const OWN_POLICY = /^jasm(?![a-z0-9])/;

/**
 * By these texts the installation's policy for workloads refuses a restart, with what they mean. JASM has no right to
 * look at a workload: the refusals of a dry run and of a restart are all that it sees.
 */
export const RESTART_REFUSALS = {
	'the pod template does not ask for restarts':
		'its pod template does not ask for restarts (onChange: restart)',
	'the Deployment is paused': 'the Deployment is paused',
	'its pods are replaced by hand (OnDelete)': 'its pods are replaced by hand (updateStrategy OnDelete)',
} as const;

/** By this text the installation's policy refuses a namespace; its other texts refuse what JASM does not own. */
export const SYSTEM_NAMESPACE_REFUSED = 'JASM never writes into a system namespace or its own';

/** A KubernetesError as a JasmError; any other error stays as it is. */
export function coded(error: unknown): unknown {
	if (!(error instanceof KubernetesError)) return error;
	const { doing, details, retryAfterMs } = error;
	const { code, why } = meaningOf(error);
	return new JasmError(`${doing}: ${why}`, {
		code,
		...(retryAfterMs !== undefined && { retryAfterMs }),
		details,
	});
}

function meaningOf({ code, why, policy }: KubernetesError): {
	readonly code: ErrorCode;
	readonly why: string;
} {
	if (policy === undefined || !OWN_POLICY.test(policy.name)) {
		return { code: CODES[code], why: code === 'forbidden' ? `JASM is ${why}` : why };
	}
	// A rule opens the namespace, and the admission policy does not: they were not changed together.
	if (policy.text === SYSTEM_NAMESPACE_REFUSED && policy.namespace?.startsWith('kube-')) {
		return { code: 'SECRET_REJECTED', why: "JASM's own admission policy does not open this namespace" };
	}
	if (Object.hasOwn(RESTART_REFUSALS, policy.text)) {
		return { code: 'RESTART_REFUSED', why: RESTART_REFUSALS[policy.text as keyof typeof RESTART_REFUSALS] };
	}
	return { code: 'SECRET_NOT_OWNED', why: 'the admission policy refuses it: JASM does not own it' };
}

/** The same client; its calls reject with JasmErrors. */
export function withErrorCodes(client: KubernetesClient): KubernetesClient {
	const calls = Object.entries(client as Record<string, (...args: unknown[]) => Promise<unknown>>);
	const wrapped = calls.map(([name, call]) => [
		name,
		(...args: unknown[]) =>
			call(...args).catch((error: unknown) => {
				throw coded(error);
			}),
	]);
	return Object.fromEntries(wrapped);
}

// Why a call to Kubernetes did not succeed, in the terms of Kubernetes; the caller gives it a code and a remedy.

export type KubernetesErrorCode =
	/** The kubeconfig, or a file that it names, cannot be used. */
	| 'configuration'
	/** The API server does not accept the credentials. */
	| 'unauthorized'
	/** The credentials are accepted, the verb is not allowed. */
	| 'forbidden'
	/** A ValidatingAdmissionPolicy refuses the object; `policy` names it. */
	| 'policy'
	/** Quota, webhook, validation: the object as it is cannot be written. */
	| 'rejected'
	/** The stored object has a field that cannot change. */
	| 'immutable'
	| 'too-large'
	| 'namespace-gone'
	/** No response, or one that says to try again. */
	| 'unavailable'
	/** Another replica may lead. */
	| 'lease-lost'
	| 'aborted';

export type PolicyRefusal = {
	readonly name: string;
	/** The policy's own text. Another policy can quote a value in it: do not show it. */
	readonly text: string;
	readonly namespace: string | undefined;
};

export type KubernetesErrorOptions = {
	readonly code: KubernetesErrorCode;
	/** What was attempted, such as `writing secret "team/db"`. */
	readonly doing: string;
	/** Why it did not work; never a text of the API server about a Secret. */
	readonly why: string;
	/** Least time before another try, in milliseconds. */
	readonly retryAfterMs?: number | undefined;
	/** The policy of code `policy`. */
	readonly policy?: PolicyRefusal | undefined;
	/** Facts for a log. */
	readonly details?: Readonly<Record<string, string | number>>;
};

/** Its message is `doing: why`. */
export class KubernetesError extends Error {
	override readonly name = 'KubernetesError';
	readonly code: KubernetesErrorCode;
	readonly doing: string;
	readonly why: string;
	readonly retryAfterMs: number | undefined;
	readonly policy: PolicyRefusal | undefined;
	readonly details: Readonly<Record<string, string | number>>;

	constructor({ code, doing, why, retryAfterMs, policy, details = {} }: KubernetesErrorOptions) {
		super(`${doing}: ${why}`);
		this.code = code;
		this.doing = doing;
		this.why = why;
		this.retryAfterMs = retryAfterMs;
		this.policy = policy;
		this.details = details;
	}
}

// The error codes of JASM in one table: how each is retried, which Event reason it carries, what to do.

/** When the work is tried again: never until the input changes, soon with backoff, or slowly with backoff. */
export type Retry = 'terminal' | 'fast' | 'slow';

export type CodeFacts = {
	readonly retry: Retry;
	/** Reason of the Kubernetes Event on the pod; absent where no pod is concerned. */
	readonly reason?: string;
	/** What a person can do about it; a fixed text, so it repeats identically. */
	readonly remedy: string;
};

/** Every code of a JasmError: how it is retried, its Event reason, and what a person can do. */
export const ERROR_CODES = {
	// The annotation
	ANNOTATION_INVALID: {
		retry: 'terminal',
		reason: 'AnnotationInvalid',
		remedy: 'correct the annotation jasm.codnod.io/secret-sync on the pod (or its workload)',
	},
	SECRET_CONFLICT: {
		retry: 'terminal',
		reason: 'SecretConflict',
		remedy: 'let all live pods of the namespace ask for the same source under one secretName',
	},
	// What an operator allows
	POLICY_DENIED: {
		retry: 'terminal',
		reason: 'PolicyDenied',
		remedy: 'ask the operator of JASM for a policy rule that allows this namespace to read this path',
	},
	NAMESPACE_EXCLUDED: {
		retry: 'terminal',
		reason: 'PolicyDenied',
		remedy: 'run the pod in another namespace: system namespaces are not served',
	},
	PROVIDER_UNSUPPORTED: {
		retry: 'terminal',
		reason: 'ProviderUnsupported',
		remedy: 'name a provider that the operator configured',
	},
	// Releasing a pod that waits for its Secrets
	START_ANNOTATION_INVALID: {
		retry: 'terminal',
		reason: 'StartAnnotationInvalid',
		remedy:
			"write after-sync, a deadline such as 'after-sync, 60s', or at-once; " +
			'until then the pod waits for its Secrets without a deadline',
	},
	RELEASE_REFUSED: {
		retry: 'slow',
		reason: 'ReleaseRefused',
		remedy:
			'give JASM the verb patch on pods together with the admission policy jasm-pods of the installation; ' +
			'to start the pod without JASM: kubectl annotate pod NAME jasm.codnod.io/start-',
	},
	// Reading from a provider
	SECRET_NOT_FOUND: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'create the secret or correct the path; JASM looks again by itself',
	},
	SECRET_DELETED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'restore the secret or correct the path; JASM looks again by itself',
	},
	SECRET_DISABLED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'enable the secret (or the version) at the provider; JASM looks again by itself',
	},
	DYNAMIC_SECRET_UNSUPPORTED: {
		retry: 'terminal',
		reason: 'DynamicSecretUnsupported',
		remedy: 'name a secret that is stored, not one that is made for each reader and dies with its lease',
	},
	PROVIDER_DENIED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'the secret is missing or JASM is not allowed to read it: check both; JASM looks again by itself',
	},
	PROVIDER_AUTH: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: "check JASM's identity at the provider (role, trust policy, token); JASM tries again by itself",
	},
	PROVIDER_THROTTLED: {
		retry: 'fast',
		reason: 'SecretFetchFailed',
		remedy: 'nothing to do: JASM tries again by itself',
	},
	PROVIDER_UNAVAILABLE: {
		retry: 'fast',
		reason: 'SecretFetchFailed',
		remedy:
			'JASM tries again by itself; if it lasts, check what the message names, or the network to the provider',
	},
	PROVIDER_MISCONFIGURED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: "correct the provider in JASM's configuration as the message says",
	},
	PROVIDER_REQUEST_INVALID: {
		retry: 'terminal',
		reason: 'SecretFetchFailed',
		remedy: 'correct path or version in the annotation',
	},
	PROVIDER_DECRYPTION_FAILED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'allow JASM to use the key that encrypts the secret (kms:Decrypt); JASM tries again by itself',
	},
	MEMORY_BUSY: {
		retry: 'fast',
		remedy: 'nothing to do: the value is read as soon as memory is free for it',
	},
	// Hearing from stores what changed
	CHANGE_SOURCE_UNAVAILABLE: {
		retry: 'fast',
		remedy:
			'JASM tries again by itself; if it lasts, check the network to the queue: until then a changed secret ' +
			'reaches its Secrets with the next new pod',
	},
	CHANGE_SOURCE_DENIED: {
		retry: 'slow',
		remedy:
			"correct queueUrl, or give JASM's identity the rights on the queue that the message names; JASM tries " +
			'again by itself',
	},
	// Restarting workloads after a change
	RESTART_REFUSED: {
		retry: 'slow',
		reason: 'RestartRefused',
		remedy:
			'change what the message names, or restart the workload by hand: kubectl rollout restart; JASM tries again by itself',
	},
	RESTART_GUARD_MISSING: {
		retry: 'terminal',
		remedy:
			'install the admission policy, the rights and the sentinel Deployment of the installation; until then JASM ' +
			'restarts nothing, and Secrets are written as ever',
	},
	// From payload to Secret
	PAYLOAD_NOT_OBJECT: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'store a JSON object, or set `key` to write the whole payload under one key',
	},
	PAYLOAD_MALFORMED: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'correct the value at the source as the message says; JASM looks again by itself',
	},
	SOURCE_EMPTY: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'add a key at the source; JASM keeps the existing Secret as it is and looks again by itself',
	},
	SOURCE_KEY_MISSING: {
		retry: 'slow',
		reason: 'SecretFetchFailed',
		remedy: 'correct `keys` in the annotation or add the key at the source',
	},
	SECRET_KEY_INVALID: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy: 'use keys of letters, digits, "-", "_" and "." (map others with `keys`)',
	},
	SECRET_TOO_LARGE: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy: 'a Kubernetes Secret holds at most 1 MiB: store less under this path or select with `keys`',
	},
	SECRET_TYPE_INVALID: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy: 'provide the keys that the Secret type requires or use type Opaque',
	},
	// Writing to Kubernetes
	SECRET_NOT_OWNED: {
		retry: 'slow',
		reason: 'SecretNotOwned',
		remedy: 'choose another secretName, or delete the existing Secret if it is not needed',
	},
	SECRET_IMMUTABLE: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy:
			'the existing Secret is immutable or of another type: delete it if nothing else needs it; JASM then writes it again',
	},
	SECRET_BEING_DELETED: {
		retry: 'fast',
		reason: 'SecretBeingDeleted',
		remedy:
			'let the owner of its finalizers finish, or remove them; JASM writes the Secret again once it is gone',
	},
	SECRET_REJECTED: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy: 'see the log of JASM for the answer of the API server (quota, admission, validation)',
	},
	KUBERNETES_FORBIDDEN: {
		retry: 'slow',
		reason: 'SecretSyncFailed',
		remedy: "give JASM's ServiceAccount the rights that the message names",
	},
	KUBERNETES_UNAUTHORIZED: {
		retry: 'fast',
		reason: 'SecretSyncFailed',
		remedy:
			"check JASM's credentials for the API server: the token may be expired, revoked or of another cluster; " +
			'JASM reads it again and tries again by itself',
	},
	KUBERNETES_UNAVAILABLE: {
		retry: 'fast',
		reason: 'SecretSyncFailed',
		remedy:
			'JASM tries again by itself; if it lasts, check the address of the API server and the network to it',
	},
	NAMESPACE_GONE: { retry: 'terminal', remedy: 'nothing to do: the namespace is being deleted' },
	// The process
	CONFIG_INVALID: { retry: 'terminal', remedy: 'correct the configuration as listed' },
	ADDRESS_UNAVAILABLE: {
		retry: 'terminal',
		remedy:
			'free the port, or choose another address with the flag (0 for none) or the source of notices that the message names',
	},
	KUBERNETES_CONFIG_INVALID: {
		retry: 'terminal',
		remedy: 'correct the file that the message names, pass another with --kubeconfig, or run in a cluster',
	},
	GUARD_MISSING: {
		retry: 'terminal',
		remedy:
			'install the ValidatingAdmissionPolicy and the sentinel Secret of the installation, ' +
			'use profile self-heal on clusters older than 1.30, or pass --allow-unguarded',
	},
	LEASE_LOST: {
		retry: 'fast',
		remedy: 'nothing to do: the standby takes over and this replica restarts',
	},
	ABORTED: { retry: 'fast', remedy: 'nothing to do: JASM is shutting down or the work is obsolete' },
	INTERNAL: { retry: 'slow', reason: 'SecretSyncFailed', remedy: 'report this as a bug, with the log line' },
} as const satisfies Record<string, CodeFacts>;

/** A stable name of what went wrong. */
export type ErrorCode = keyof typeof ERROR_CODES;

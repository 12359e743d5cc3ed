// What a provider is: one method that reads one secret.
import type { SecretValue } from '../secret-value.ts';

/** Where a value lives inside one provider. */
export type RemoteReference = {
	readonly path: string;
	/** A pinned version or stage; absent: the current one. */
	readonly version?: string;
};

/**
 * A secret store. `read` makes one attempt (beyond the retries of the SDK's standard configuration), honours
 * the signal and its own deadline, and fails only with a JasmError: `SECRET_NOT_FOUND` only where the provider
 * proved absence by its specific code; a refusal, a timeout or anything unknown is never absence.
 */
export type SecretProvider = {
	read(reference: RemoteReference, signal: AbortSignal): Promise<SecretValue>;
	/** Releases connections and sessions. */
	close?(): Promise<void>;
};

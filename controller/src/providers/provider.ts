// What a provider is: one method that reads one secret; and what a kind of provider contributes.
import type { Clock } from '../runtime/clock.ts';
import type { SecretValue } from '../secret-value.ts';
import type { AwsSecretsManagerConfig } from './aws-config.ts';
import type { AzureKeyVaultConfig } from './azure-config.ts';
import type { VaultConfig } from './vault-config.ts';

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

/** One entry of `providers` in the operator's config; `kind` tells them apart. */
export type ProviderConfig = AwsSecretsManagerConfig | VaultConfig | AzureKeyVaultConfig;

/** Environment variables by name; a parameter, so that the process's own are read at the edge alone. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type ProviderDependencies = {
	readonly env: Environment;
	readonly clock: Clock;
	/** Told once per provider about each setting that is meant for development. */
	readonly warn: (message: string) => void;
};

export type KindContext = ProviderDependencies & {
	/** The name under which the operator configured this provider. */
	readonly name: string;
};

/** A configured provider before anything of its SDK is loaded. */
export type PreparedProvider = {
	/**
	 * Refuses, never normalises, what this kind's own rules do not allow; pure.
	 *
	 * @throws JasmError PROVIDER_REQUEST_INVALID, POLICY_DENIED
	 */
	validatePath(reference: RemoteReference): void;
	/** Loads the provider's own file, and with it its SDK. */
	open(): Promise<SecretProvider>;
};

/** A kind of provider: prepares one from a config that fits the schema; loads and calls nothing. */
export type ProviderKind<Config> = (config: Config, context: KindContext) => PreparedProvider;

// What follows from the configuration of Vault: derived values and warnings; pure.
import type { VaultConfig } from './schema.ts';

/** The configuration as the wire wants it: no slash behind the address, no name for the root namespace. */
export type VaultSettings = VaultConfig & {
	readonly authNamespace: string;
	readonly redirectHosts: readonly string[];
};

export function vaultSettings(config: VaultConfig): VaultSettings {
	const authNamespace = ('authNamespace' in config ? config.authNamespace : undefined) ?? config.namespace;
	return {
		...config,
		address: config.address.replace(/\/$/, ''),
		namespace: headerOf(config.namespace),
		authNamespace: headerOf(authNamespace),
		redirectHosts: config.redirectHosts ?? [],
	};
}

const headerOf = (namespace: string): string => (namespace === 'root' ? '' : namespace);

export function* vaultWarnings({ credentials, allowInsecure }: VaultConfig): Generator<string> {
	if (credentials === 'approle' || credentials === 'token') {
		yield `credentials ${credentials} are meant for development`;
	}

	if (allowInsecure) {
		yield 'allowInsecure is set, which is meant for development';
	}
}

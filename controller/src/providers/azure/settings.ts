// What follows from the configuration of Azure Key Vault: derived values and warnings; pure.
import { authorityOf, suffixOf } from './clouds.ts';
import type { AzureKeyVaultConfig } from './schema.ts';

export type AzureSettings = AzureKeyVaultConfig & {
	/** Where requests go: the vault, or the emulator. */
	readonly url: string;
	readonly emulated: boolean;
	/** What every access token is for, whatever a challenge asks. */
	readonly scope: string;
	/** Where tokens are issued, without a slash at its end. */
	readonly authority: string;
};

export function azureSettings(config: AzureKeyVaultConfig): AzureSettings {
	const { vaultUrl, endpoint } = config;
	const authorityHost = 'authorityHost' in config ? config.authorityHost : undefined;
	return {
		...config,
		url: (endpoint ?? vaultUrl).replace(/\/$/, ''),
		emulated: endpoint !== undefined,
		scope: `https://${suffixOf(vaultUrl)}/.default`,
		authority: (authorityHost ?? authorityOf(vaultUrl) ?? '').replace(/\/$/, ''),
	};
}

export function* azureWarnings({ credentials, endpoint }: AzureKeyVaultConfig): Generator<string> {
	if (credentials === 'client-secret' || credentials === 'cli') {
		yield `credentials ${credentials} are meant for development`;
	}

	if (endpoint !== undefined) {
		yield 'an endpoint of its own is configured, which is meant for development';
	}
}

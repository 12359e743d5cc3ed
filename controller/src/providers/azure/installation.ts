// What an installation provides for Azure Key Vault: the token to sign in with, authorities, hosts; pure.
import type { Environment, Installation } from '../provider.ts';
import { filesOf, hostsOf } from '../shared/hosts.ts';
import { type AzureKeyVaultConfig, TOKEN_FILE } from './schema.ts';
import { azureSettings } from './settings.ts';

export function azureInstallation(config: AzureKeyVaultConfig, env: Environment): Installation {
	const { url, authority } = azureSettings(config);
	const token = 'audience' in config ? { file: config.tokenFile, audience: config.audience } : undefined;
	return {
		...(token && { token }),
		authorities: filesOf(config.caFile),
		credentialFiles: filesOf(config.proxyCredentialsFile),
		env: token?.file === TOKEN_FILE ? { AZURE_FEDERATED_TOKEN_FILE: token.file } : {},
		developmentEnvironment: config.credentials === 'client-secret',
		egress: hostsOf(config, env, url, authority),
	};
}

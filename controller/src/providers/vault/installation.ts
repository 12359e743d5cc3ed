// What an installation provides for Vault: the token to sign in with, authorities, hosts; pure.
import type { Environment, Installation } from '../provider.ts';
import { filesOf, hostsOf } from '../shared/hosts.ts';
import type { VaultConfig } from './schema.ts';

export function vaultInstallation(config: VaultConfig, env: Environment): Installation {
	// Redirects stay with the scheme of the address.
	const scheme = URL.parse(config.address)?.protocol ?? 'https:';
	const redirects = (config.redirectHosts ?? []).map(host => `${scheme}//${host}`);
	return {
		...('audience' in config && { token: { file: config.tokenFile, audience: config.audience } }),
		authorities: filesOf(config.caFile),
		credentialFiles: filesOf(
			config.proxyCredentialsFile,
			config.credentials === 'approle' ? config.secretIdFile : undefined,
			config.credentials === 'token' ? config.tokenFile : undefined,
		),
		env: {},
		developmentEnvironment: false,
		egress: hostsOf(config, env, config.address, ...redirects),
	};
}

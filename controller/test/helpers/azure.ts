// What tests of Azure Key Vault share: an embedded vault whose application a token file opens, and a provider on it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { AzureKeyVaultConfig } from '../../src/providers/azure-config.ts';
import type { Environment, SecretProvider } from '../../src/providers/provider.ts';
import { createProviders, type ProviderRegistry } from '../../src/providers/registry.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import type { SecretValue } from '../../src/secret-value.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../testing/key-vault.ts';
import { ISSUER, identityToken, SUBJECT } from './tokens.ts';

export const AUDIENCE = 'api://AzureADTokenExchange';
export const TRUST = { issuer: ISSUER, subjects: [SUBJECT] };

export type AzureGround = {
	readonly server: KeyVault;
	readonly config: AzureKeyVaultConfig;
	readonly tokenFile: string;
	readonly folder: string;
	close(): Promise<void>;
};

/** A vault with an application that trusts JASM's ServiceAccount, and the files that JASM needs. */
export async function prepareKeyVault(options?: KeyVaultOptions): Promise<AzureGround> {
	const server = await startKeyVault({ trust: TRUST, ...options });
	const folder = mkdtempSync(join(tmpdir(), 'jasm-'));
	const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.pem')];
	writeFileSync(tokenFile, identityToken(AUDIENCE));
	writeFileSync(caFile, server.ca);
	return {
		server,
		tokenFile,
		folder,
		config: {
			kind: 'azure-keyvault',
			vaultUrl: server.vaultUrl,
			endpoint: server.url,
			authorityHost: server.url,
			tenantId: server.tenantId,
			clientId: server.clientId,
			tokenFile,
			caFile,
		},
		async close() {
			await server.close();
			rmSync(folder, { recursive: true });
		},
	};
}

export type AzureOptions = {
	readonly config?: Partial<AzureKeyVaultConfig>;
	readonly env?: Environment;
	readonly clock?: Clock;
	readonly server?: KeyVaultOptions;
};

export type AzureHarness = AzureGround & {
	readonly registry: ProviderRegistry;
	readonly provider: SecretProvider;
	readonly warnings: readonly string[];
	read(path: string, version?: string): Promise<SecretValue>;
};

/** A provider named "azure" that signs in by workload identity, unless the options say otherwise. */
export async function openKeyVault(t: ExecutionContext, options: AzureOptions = {}): Promise<AzureHarness> {
	const ground = await prepareKeyVault(options.server);
	const warnings: string[] = [];
	const registry = createProviders(
		{ azure: { ...ground.config, ...options.config } },
		{
			env: options.env ?? {},
			clock: options.clock ?? systemClock,
			warn: message => warnings.push(message),
		},
	);
	t.teardown(async () => {
		await registry.close();
		await ground.close();
	});
	const provider = await registry.get('azure');
	const read = (path: string, version?: string) =>
		provider.read(version === undefined ? { path } : { path, version }, new AbortController().signal);
	return { ...ground, registry, provider, warnings, read };
}

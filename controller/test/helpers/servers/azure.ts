// What tests of Azure Key Vault share: an embedded vault whose application a token file opens, and a provider on it.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Environment, SecretProvider } from '../../../src/providers/provider.ts';
import { createProviders, type ProviderRegistry } from '../../../src/providers/registry.ts';
import type { SecretValue } from '../../../src/providers/secret-value.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../../testing/azure/key-vault.ts';
import { changed, checked, type Written } from '../provider-config.ts';
import { ISSUER, identityToken, SUBJECT } from './tokens.ts';

export const AUDIENCE = 'api://AzureADTokenExchange';
export const TRUST = { issuer: ISSUER, subjects: [SUBJECT] };

export type AzureGround = {
	readonly server: KeyVault;
	readonly config: Written & { readonly kind: 'azure-keyvault'; readonly caFile: string };
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
	readonly config?: Written;
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
		{ azure: checked(changed(ground.config, options.config), options.env) },
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

/** A token as Entra issues it for the client's secret. */
export async function requestToken(
	url: string,
	ca: string,
	{ tenantId, clientId }: { tenantId: string; clientId: string },
) {
	const outgoing = request(`${url}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', ca, agent: false });
	outgoing.end(
		new URLSearchParams({
			client_id: clientId,
			grant_type: 'client_credentials',
			client_secret: 'client-secret',
			scope: 'https://vault.azure.net/.default',
		}).toString(),
	);
	const [response] = await once(outgoing, 'response');
	const chunks: Buffer[] = await response.toArray();
	return String(JSON.parse(Buffer.concat(chunks).toString()).access_token);
}

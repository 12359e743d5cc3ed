// What tests of the Vault provider share: a mount with a policy and a role that a token file opens, and a provider.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { SecretProvider } from '../../../src/providers/provider.ts';
import { createProviders, type ProviderRegistry } from '../../../src/providers/registry.ts';
import type { SecretValue } from '../../../src/providers/secret-value.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { changed, checked, type Written } from '../provider-config.ts';
import { ISSUER, ISSUER_KEY, identityToken, SUBJECT } from './tokens.ts';
import { fresh, mountKv, startEmbedded, type VaultTarget } from './vault-target.ts';

/** A mount of its own on a Vault, which JASM may read. */
export type Ground = {
	readonly vault: VaultTarget;
	readonly mount: string;
	readonly kvVersion: 1 | 2;
	readonly role: string;
	readonly authMount: string;
	readonly policy: string;
	/** The token that the kubelet would keep fresh. */
	readonly tokenFile: string;
	readonly config: Written & { readonly kind: 'vault'; readonly address: string };
	put(path: string, json: string): Promise<{ readonly version: string }>;
	remove(path: string): Promise<void>;
	/** Replaces what JASM may do. */
	allow(policy: string): Promise<void>;
	close(): Promise<void>;
};

export async function prepareVault(
	vault: VaultTarget,
	{ kvVersion = 2, ttl = '1h' }: { readonly kvVersion?: 1 | 2; readonly ttl?: string } = {},
): Promise<Ground> {
	const id = fresh();
	const [mount, authMount, role, policy] = [`kv-${id}`, `jwt-${id}`, `jasm-${id}`, `jasm-${id}`];
	const folder = mkdtempSync(join(tmpdir(), 'jasm-'));
	const tokenFile = join(folder, 'token');
	writeFileSync(tokenFile, `${identityToken('vault')}\n`);
	const allow = async (text: string) => {
		await vault.request('PUT', `sys/policies/acl/${policy}`, { policy: text });
	};
	await mountKv(vault, mount, kvVersion);
	await allow(`path "${mount}/*" { capabilities = ["read"] }`);
	await vault.request('POST', `sys/auth/${authMount}`, { type: 'jwt' });
	await vault.request('POST', `auth/${authMount}/config`, {
		jwt_validation_pubkeys: [ISSUER_KEY],
		bound_issuer: ISSUER,
	});
	await vault.request('POST', `auth/${authMount}/role/${role}`, {
		role_type: 'jwt',
		user_claim: 'sub',
		bound_audiences: ['vault'],
		bound_subject: SUBJECT,
		token_policies: [policy],
		token_ttl: ttl,
	});
	return {
		vault,
		mount,
		kvVersion,
		role,
		authMount,
		policy,
		tokenFile,
		config: {
			kind: 'vault',
			address: vault.url,
			allowInsecure: true,
			mount,
			kvVersion,
			credentials: 'jwt',
			authMount,
			role,
			tokenFile,
		},
		async put(path, json) {
			if (kvVersion === 1) {
				await vault.request('POST', `${mount}/${path}`, json);
				return { version: '' };
			}

			const { data } = await vault.request('POST', `${mount}/data/${path}`, `{"data":${json}}`);
			return { version: String(data?.['version']) };
		},
		async remove(path) {
			await vault.request('DELETE', `${mount}/${kvVersion === 2 ? 'metadata/' : ''}${path}`);
		},
		allow,
		async close() {
			await vault.close();
			rmSync(folder, { recursive: true });
		},
	};
}

export type VaultHarness = Ground & {
	readonly registry: ProviderRegistry;
	readonly provider: SecretProvider;
	readonly warnings: readonly string[];
	read(path: string, version?: string): Promise<SecretValue>;
};

export type HarnessOptions = {
	readonly config?: Written;
	readonly clock?: Clock;
	readonly kvVersion?: 1 | 2;
	/** Of tokens. Default: 1h. */
	readonly ttl?: string;
	/** Default: an embedded one over http. */
	readonly open?: () => Promise<VaultTarget>;
};

/** A provider named "vault" that signs in by jwt, unless the options say otherwise. */
export async function openVault(
	t: ExecutionContext,
	{ config, clock = systemClock, open = startEmbedded, ...options }: HarnessOptions = {},
): Promise<VaultHarness> {
	const ground = await prepareVault(await open(), options);
	const warnings: string[] = [];
	const registry = createProviders(
		{ vault: checked(changed(ground.config, config)) },
		{ env: {}, clock, warn: message => warnings.push(message) },
	);
	t.teardown(async () => {
		await registry.close();
		await ground.close();
	});
	const provider = await registry.get('vault');
	const read = (path: string, version?: string) =>
		provider.read(version === undefined ? { path } : { path, version }, new AbortController().signal);
	return { ...ground, registry, provider, warnings, read };
}

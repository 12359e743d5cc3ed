// A store of each kind over TLS at the host store.example, which only a proxy leads to.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Environment } from '../../../src/providers/provider.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import type { SecretValue } from '../../../src/providers/secret-value.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { startSecretsManager } from '../../../testing/aws/secrets-manager.ts';
import { changed, checked, type Written } from '../provider-config.ts';
import { CLAIMS, folder, ROLE_ARN, tokenFile } from './aws.ts';
import { prepareKeyVault } from './azure.ts';
import { startTlsFront } from './tls-front.ts';
import { prepareVault } from './vault.ts';
import { startEmbedded } from './vault-target.ts';

export const HOST = 'store.example';

export type StoreBehindProxy = {
	/** What a person writes, with the address `https://store.example:PORT`. */
	readonly config: Written & { readonly kind: 'aws-secretsmanager' | 'vault' | 'azure-keyvault' };
	readonly port: number;
	/** Requests that arrived, those of signing in included. */
	readonly calls: () => number;
	/** PEM of the authority of the store. */
	readonly ca: string;
};

/** Each has a secret `db` that reads {"a":"1"}, and signs in by a token. */
export const STORES: Readonly<Record<string, (t: ExecutionContext) => Promise<StoreBehindProxy>>> = {
	async 'Secrets Manager'(t) {
		const trust = { issuer: CLAIMS.iss, subjects: [CLAIMS.sub], roles: [ROLE_ARN] };
		const server = await startSecretsManager({ trust });
		t.teardown(() => server.close());
		server.put('db', { a: '1' });
		const front = await startTlsFront(t, server.url);
		const url = `https://${HOST}:${front.port}`;
		return {
			config: {
				kind: 'aws-secretsmanager',
				region: server.region,
				endpoint: url,
				stsEndpoint: url,
				roleArn: ROLE_ARN,
				tokenFile: tokenFile(t),
				caFile: fileOf(t, front.ca),
			},
			port: front.port,
			calls: () => server.calls.length,
			ca: front.ca,
		};
	},
	async Vault(t) {
		const ground = await prepareVault(await startEmbedded());
		t.teardown(() => ground.close());
		await ground.put('db', '{"a":"1"}');
		const front = await startTlsFront(t, ground.vault.url);
		const address = `https://${HOST}:${front.port}`;
		const before = ground.vault.calls.length;
		return {
			config: changed(ground.config, { address, allowInsecure: false, caFile: fileOf(t, front.ca) }),
			port: front.port,
			calls: () => ground.vault.calls.length - before,
			ca: front.ca,
		};
	},
	async 'Key Vault'(t) {
		const ground = await prepareKeyVault();
		t.teardown(() => ground.close());
		ground.server.put('db', { a: '1' });
		const { port } = new URL(ground.server.url);
		const url = `https://${HOST}:${port}`;
		return {
			config: changed(ground.config, { endpoint: url, authorityHost: url }),
			port: Number(port),
			calls: () => ground.server.calls.length,
			ca: ground.server.ca,
		};
	},
};

export const fileOf = (t: ExecutionContext, text: string): string => {
	const path = join(folder(t), 'file');
	writeFileSync(path, text);
	return path;
};

/** A reader of the store's secret by this configuration and environment. */
export async function readerOf(
	t: ExecutionContext,
	{ config }: StoreBehindProxy,
	changes: Written = {},
	env: Environment = {},
): Promise<() => Promise<SecretValue>> {
	const store = checked(changed(config, { timeoutMs: 20_000, ...changes }), env);
	const registry = createProviders({ store }, { env, clock: systemClock, warn: () => {} });
	t.teardown(() => registry.close());
	const provider = await registry.get('store');
	return () => provider.read({ path: 'db' }, new AbortController().signal);
}

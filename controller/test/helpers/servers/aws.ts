// What tests of AWS share: an embedded Secrets Manager with a role that a token file opens, and a provider on it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Environment, SecretProvider } from '../../../src/providers/provider.ts';
import { createProviders, type ProviderRegistry } from '../../../src/providers/registry.ts';
import type { SecretValue } from '../../../src/providers/secret-value.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import {
	type SecretsManager,
	type SecretsManagerOptions,
	startSecretsManager,
} from '../../../testing/aws/secrets-manager.ts';
import type { Teardown } from '../environment/file-teardown.ts';
import { changed, checked, type Written } from '../provider-config.ts';

export const ACCOUNT = '123456789012';
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/jasm-reader`;
export const CLAIMS = {
	iss: 'https://issuer.example',
	sub: 'system:serviceaccount:jasm:jasm',
	aud: ['sts.amazonaws.com'],
	exp: 4_000_000_000,
};

/** A token with these claims and no signature worth the name. */
export const jwt = (claims: object): string =>
	['{"alg":"RS256"}', JSON.stringify(claims), 'signature']
		.map(part => Buffer.from(part).toString('base64url'))
		.join('.');

/** A folder of its own for one test. */
export function folder(t: Teardown): string {
	const path = mkdtempSync(join(tmpdir(), 'jasm-'));
	t.teardown(() => rmSync(path, { recursive: true }));
	return path;
}

export function tokenFile(t: Teardown, claims: object = CLAIMS): string {
	const path = join(folder(t), 'token');
	writeFileSync(path, jwt(claims));
	return path;
}

export type AwsOptions = {
	readonly config?: Written;
	readonly env?: Environment;
	readonly server?: SecretsManagerOptions;
};

export type AwsHarness = {
	readonly server: SecretsManager;
	readonly registry: ProviderRegistry;
	readonly provider: SecretProvider;
	readonly warnings: readonly string[];
	read(path: string, version?: string): Promise<SecretValue>;
};

/** A provider named "aws" that signs in by web identity, unless the options say otherwise. */
export async function startAws(t: ExecutionContext, options: AwsOptions = {}): Promise<AwsHarness> {
	const trust = { issuer: CLAIMS.iss, subjects: [CLAIMS.sub], roles: [ROLE_ARN] };
	const server = await startSecretsManager({ trust, ...options.server });
	const warnings: string[] = [];
	const config = {
		kind: 'aws-secretsmanager' as const,
		region: server.region,
		endpoint: server.url,
		stsEndpoint: server.url,
		roleArn: ROLE_ARN,
		tokenFile: tokenFile(t),
	};
	const registry = createProviders(
		{ aws: checked(changed(config, options.config), options.env) },
		{ env: options.env ?? {}, clock: systemClock, warn: message => warnings.push(message) },
	);
	t.teardown(async () => {
		await registry.close();
		await server.close();
	});
	const provider = await registry.get('aws');
	const read = (path: string, version?: string) =>
		provider.read(version === undefined ? { path } : { path, version }, new AbortController().signal);
	return { server, registry, provider, warnings, read };
}

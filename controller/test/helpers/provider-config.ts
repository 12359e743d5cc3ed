// Configurations of providers as an operator writes them, checked and completed as the controller does it.

import { loadConfig } from '../../src/config/config.ts';
import { withEnvironment } from '../../src/config/environment.ts';
import { providerSchema } from '../../src/config/schema.ts';
import { fieldOf, formOf } from '../../src/config/schema-walk.ts';
import type { JasmError } from '../../src/errors.ts';
import type { AwsSecretsManagerConfig } from '../../src/providers/aws/schema.ts';
import type { AzureKeyVaultConfig } from '../../src/providers/azure/schema.ts';
import type { Environment } from '../../src/providers/provider.ts';
import type { VaultConfig } from '../../src/providers/vault/schema.ts';

const provider = providerSchema();

/** Fields as they stand in the file; those that are undefined count as absent. */
export type Written = Readonly<Record<string, unknown>>;

type Configs = {
	readonly 'aws-secretsmanager': AwsSecretsManagerConfig;
	readonly vault: VaultConfig;
	readonly 'azure-keyvault': AzureKeyVaultConfig;
};

/** The fields with changes; of the unchanged ones only those that the chosen credentials have. */
export function changed<T extends Written>(fields: T, changes: Written = {}): T {
	const form = formOf(provider, { ...fields, ...changes });
	const kept = Object.entries(fields).filter(([name]) => fieldOf(form, name) !== undefined);
	return { ...Object.fromEntries(kept), ...changes } as T;
}

/** Throws where the schema finds a fault. */
export function checked<Kind extends keyof Configs>(
	written: Written & { readonly kind: Kind },
	env: Environment = {},
): Configs[Kind] {
	const given = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
	return provider.parse(withEnvironment(provider, given, env)) as Configs[Kind];
}

/** What the controller says at start about a configuration file with only this provider, `p`. */
export function faultsOf(written: Written, env: Environment = {}): string[] {
	const file = JSON.stringify({ providers: { p: written } });
	try {
		loadConfig({ argv: ['--config=x'], env, readFile: path => (path === 'x' ? file : '') });
		return [];
	} catch (error) {
		return [...(error as JasmError).faults];
	}
}

// Three stores beside each other on one stage: AWS, Vault and Key Vault, with a configuration that names them all.

import { type AzureGround, prepareKeyVault } from '../servers/azure.ts';
import { type Ground, prepareVault } from '../servers/vault.ts';
import { startEmbedded } from '../servers/vault-target.ts';
import type { Teardown } from './file-teardown.ts';
import {
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
	type TestEnvironmentOptions,
} from './test-environment.ts';

export type Stores = {
	readonly environment: TestEnvironment;
	readonly vault: Ground;
	readonly keyVault: AzureGround;
	/** Replaces fields of the configuration file: providers `aws-secretsmanager`, `vault` and `keyvault`. */
	readonly config: { readonly providers: object; readonly policy: readonly object[] };
};

export async function startStores(t: Teardown, options?: TestEnvironmentOptions): Promise<Stores> {
	const vault = await prepareVault(await startEmbedded());
	const keyVault = await prepareKeyVault();
	// Before the stage, whose controllers sign off from them when it closes.
	t.teardown(() => Promise.all([vault.close(), keyVault.close()]));
	const environment = await startEnvironment(t, options);
	const { providers, policy } = environment.configFile() as { providers: object; policy: object[] };
	const namespaces = [`*-${environment.cluster.id}`];
	return {
		environment,
		vault,
		keyVault,
		config: {
			providers: { ...providers, vault: vault.config, keyvault: keyVault.config },
			policy: [
				...policy,
				{ namespaces, provider: 'vault', paths: ['prod/**'] },
				{ namespaces, provider: 'keyvault', paths: ['prod-*'] },
			],
		},
	};
}

/** A secret of this name in each of the stores, and what an annotation says to get it from there. */
export async function seed({ environment, vault, keyVault }: Stores, name: string) {
	environment.secretsManager.put(`/prod/${name}`, { from: 'aws' });
	await vault.put(`prod/${name}`, '{"from":"vault"}');
	keyVault.server.put(`prod-${name}`, { from: 'azure' });
	return [
		{ provider: PROVIDER, path: `/prod/${name}`, secretName: `${name}-aws` },
		{ provider: 'vault', path: `prod/${name}`, secretName: `${name}-vault` },
		{ provider: 'keyvault', path: `prod-${name}`, secretName: `${name}-azure` },
	] as const;
}

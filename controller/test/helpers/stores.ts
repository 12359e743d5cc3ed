// Three stores beside each other on one stage: AWS, Vault and Key Vault, with a configuration that names them all.
import type { ExecutionContext } from 'ava';
import { type AzureGround, prepareKeyVault } from './azure.ts';
import { PROVIDER, type Stage, type StageOptions, startStage } from './stage.ts';
import { type Ground, prepareVault } from './vault.ts';
import { startEmbedded } from './vault-target.ts';

export type Stores = {
	readonly stage: Stage;
	readonly vault: Ground;
	readonly keyVault: AzureGround;
	/** Replaces fields of the configuration file: providers `aws-secretsmanager`, `vault` and `keyvault`. */
	readonly config: { readonly providers: object; readonly policy: readonly object[] };
};

export async function startStores(t: ExecutionContext, options?: StageOptions): Promise<Stores> {
	const vault = await prepareVault(await startEmbedded());
	const keyVault = await prepareKeyVault();
	// Before the stage, whose controllers sign off from them when it closes.
	t.teardown(() => Promise.all([vault.close(), keyVault.close()]));
	const stage = await startStage(t, options);
	const { providers, policy } = stage.configFile() as { providers: object; policy: object[] };
	const namespaces = [`*-${stage.cluster.id}`];
	return {
		stage,
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
export async function seed({ stage, vault, keyVault }: Stores, name: string) {
	stage.secretsManager.put(`/prod/${name}`, { from: 'aws' });
	await vault.put(`prod/${name}`, '{"from":"vault"}');
	keyVault.server.put(`prod-${name}`, { from: 'azure' });
	return [
		{ provider: PROVIDER, path: `/prod/${name}`, secretName: `${name}-aws` },
		{ provider: 'vault', path: `prod/${name}`, secretName: `${name}-vault` },
		{ provider: 'keyvault', path: `prod-${name}`, secretName: `${name}-azure` },
	] as const;
}

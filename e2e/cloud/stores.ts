// Vault and Key Vault on this host, with the configuration of stack and cluster for them.

import { hostAddress } from '../cluster/adapter.ts';
import { JASM } from '../cluster/controller.ts';
import type { Config } from '../cluster/stack.ts';
import { TENANT_PREFIX } from '../report/timeline.ts';
import type { ScenarioContext } from '../scenarios/scenario-context.ts';
import { KeyVaultServer } from './azure/key-vault.ts';
import { makeCertificate } from './certificate.ts';
import { VaultServer } from './vault.ts';
import { createReviewer, KV1_MOUNT, removeReviewer, setUpVault, VAULT_ROLE } from './vault-setup.ts';

/** By the names that annotations use. */
export const STORES = { kv2: 'vault', kv1: 'vault-kv1', azure: 'azure-keyvault' } as const;

const AUTHORITIES = { name: 'jasm-authorities', namespace: JASM };
const CA_FILE = 'stores.pem';

export class Stores {
	readonly vault: VaultServer;
	readonly keyVault: KeyVaultServer;
	readonly #context: ScenarioContext;
	readonly #before: Config;
	readonly #config: Config;

	private constructor(context: ScenarioContext, servers: Pick<Stores, 'vault' | 'keyVault'>, config: Config) {
		this.#context = context;
		this.vault = servers.vault;
		this.keyVault = servers.keyVault;
		const { stack } = context.environment;
		this.#before = { providers: stack.setting('providers'), policy: stack.setting('policy') };
		this.#config = config;
	}

	/** Starts both, has the cluster trust their certificate, and Vault ask the cluster about tokens. */
	static async start(context: ScenarioContext, issuer: string): Promise<Stores> {
		const { env, cluster, stack } = context.environment;
		const host = await hostAddress(cluster);
		const tls = await makeCertificate(env, 'stores', [host, 'localhost', '127.0.0.1']);
		const vault = await VaultServer.start(env, tls);
		const { keys } = JSON.parse((await cluster.kubectl(['get', '--raw', '/openid/v1/jwks'])).stdout);
		const subject = `system:serviceaccount:${JASM}:${JASM}`;
		const keyVault = await KeyVaultServer.start(env, tls, { issuer, subject, keys });
		await createReviewer(cluster);
		await setUpVault(vault, cluster);
		await vault.tcpProxy.open();
		const data = { [CA_FILE]: tls.cert };
		await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: AUTHORITIES, data });

		const caFile = `/etc/jasm/${CA_FILE}`;
		const server = {
			kind: 'vault',
			address: `https://${host}:${vault.tcpProxy.port}`,
			role: VAULT_ROLE,
			caFile,
		};
		const { vaultUrl, tenantId, clientId } = await keyVault.facts();
		const endpoint = `https://${host}:${keyVault.port}`;
		const azure = { kind: 'azure-keyvault', vaultUrl, tenantId, clientId };
		const rule = (provider: string, path: string) => {
			return { namespaces: [`${TENANT_PREFIX}stores`], provider, paths: [path] };
		};
		return new Stores(
			context,
			{ vault, keyVault },
			{
				providers: {
					...(stack.setting('providers') as object),
					[STORES.kv2]: server,
					[STORES.kv1]: { ...server, mount: KV1_MOUNT, kvVersion: 1 },
					[STORES.azure]: { ...azure, endpoint, authorityHost: endpoint, caFile },
				},
				policy: [
					...(stack.setting('policy') as object[]),
					rule(STORES.kv2, 'prod/stores/**'),
					rule(STORES.kv1, 'prod/stores/**'),
					rule(STORES.azure, 'stores-*'),
				],
			},
		);
	}

	/** The stack's configuration with all stores. */
	configure(): void {
		this.#context.environment.stack.configure(this.#config);
	}

	/** The stack's configuration as it was, and nothing of this left in the cluster. */
	async remove(): Promise<void> {
		const { cluster, stack } = this.#context.environment;
		stack.configure(this.#before);
		await removeReviewer(cluster);
		await cluster.core.deleteNamespacedConfigMap(AUTHORITIES);
	}
}

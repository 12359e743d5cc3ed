// Vault and Key Vault on this host, and what the stack and the cluster have to know of them.
import { KeyVaultServer } from './azure/key-vault.ts';
import { makeCertificate } from './certificate.ts';
import { JASM } from './controller.ts';
import type { Scene } from './scene.ts';
import type { Config } from './stack.ts';
import { TENANT_PREFIX } from './timeline.ts';
import { VaultServer } from './vault.ts';
import { createReviewer, KV1_MOUNT, removeReviewer, setUpVault, VAULT_ROLE } from './vault-setup.ts';

/** By the names that annotations use. */
export const STORES = { kv2: 'vault', kv1: 'vault-kv1', azure: 'azure-keyvault' } as const;

const AUTHORITIES = { name: 'jasm-authorities', namespace: JASM };
const CA_FILE = 'stores.pem';

export class Stores {
	readonly vault: VaultServer;
	readonly keyVault: KeyVaultServer;
	readonly #scene: Scene;
	readonly #before: Config;
	readonly #config: Config;

	private constructor(scene: Scene, servers: Pick<Stores, 'vault' | 'keyVault'>, config: Config) {
		this.#scene = scene;
		this.vault = servers.vault;
		this.keyVault = servers.keyVault;
		const { stack } = scene.stage;
		this.#before = { providers: stack.setting('providers'), policy: stack.setting('policy') };
		this.#config = config;
	}

	/** Starts both, has the cluster trust their certificate, and Vault ask the cluster about tokens. */
	static async start(scene: Scene, issuer: string): Promise<Stores> {
		const { env, cluster, stack } = scene.stage;
		const host = await cluster.hostAddress();
		const tls = await makeCertificate(env, 'stores', [host, 'localhost', '127.0.0.1']);
		const vault = await VaultServer.start(env, tls);
		const { keys } = JSON.parse((await cluster.kubectl(['get', '--raw', '/openid/v1/jwks'])).stdout);
		const subject = `system:serviceaccount:${JASM}:${JASM}`;
		const keyVault = await KeyVaultServer.start(env, tls, { issuer, subject, keys });
		await createReviewer(cluster);
		await setUpVault(vault, cluster);
		await vault.door.open();
		const data = { [CA_FILE]: tls.cert };
		await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: AUTHORITIES, data });

		const caFile = `/etc/jasm/${CA_FILE}`;
		const server = { kind: 'vault', address: `https://${host}:${vault.door.port}`, role: VAULT_ROLE, caFile };
		const { vaultUrl, tenantId, clientId } = await keyVault.facts();
		const endpoint = `https://${host}:${keyVault.port}`;
		const azure = { kind: 'azure-keyvault', vaultUrl, tenantId, clientId };
		const rule = (provider: string, path: string) => {
			return { namespaces: [`${TENANT_PREFIX}stores`], provider, paths: [path] };
		};
		return new Stores(
			scene,
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
		this.#scene.stage.stack.configure(this.#config);
	}

	/** The stack's configuration as it was, and nothing of this left in the cluster. */
	async remove(): Promise<void> {
		const { cluster, stack } = this.#scene.stage;
		stack.configure(this.#before);
		await removeReviewer(cluster);
		await cluster.core.deleteNamespacedConfigMap(AUTHORITIES);
	}
}

// Sets up a new Vault as docs/providers/vault.md describes: engines, a policy, Kubernetes auth, a role.
import { readFileSync } from 'node:fs';
import type { Cluster } from '../cluster/cluster.ts';
import { JASM } from '../cluster/controller.ts';
import { until } from '../cluster/until.ts';
import type { VaultServer } from './vault.ts';

/** Mount of the secrets engine KV version 1; version 2 is at `secret`. */
export const KV1_MOUNT = 'kv1';
export const VAULT_ROLE = 'jasm';
export const VAULT_AUDIENCE = 'vault';
/** So short that a run outlives it. */
const VAULT_TOKEN_SECONDS = 15;

/** Namespace and name of the ServiceAccount by which Vault asks the API server. */
const REVIEWER = 'vault';

/** What JASM may read; `refused` is a path of KV version 2. */
export function vaultPolicy(refused?: string): string {
	const rule = (path: string, capability: 'read' | 'deny') =>
		`path "${path}" { capabilities = ["${capability}"] }`;
	return [
		rule('secret/data/prod/*', 'read'),
		rule(`${KV1_MOUNT}/prod/*`, 'read'),
		...(refused === undefined ? [] : [rule(`secret/data/${refused}`, 'deny')]),
	].join('\n');
}

export async function writePolicy(vault: VaultServer, policy: string): Promise<void> {
	await vault.must({ method: 'PUT', path: 'sys/policies/acl/jasm', body: { policy } });
}

/** Everything but the secrets themselves. */
export async function setUpVault(vault: VaultServer, cluster: Cluster): Promise<void> {
	const { data } = await vault.must({ method: 'GET', path: 'sys/mounts' });
	for (const [mount, version] of Object.entries({ secret: '2', [KV1_MOUNT]: '1' })) {
		// A development server has one already.
		if (Object.hasOwn(data as object, `${mount}/`)) continue;
		const body = { type: 'kv', options: { version } };
		await vault.must({ method: 'POST', path: `sys/mounts/${mount}`, body });
	}
	await writePolicy(vault, vaultPolicy());
	await vault.must({ method: 'POST', path: 'sys/auth/kubernetes', body: { type: 'kubernetes' } });
	const target = cluster.config.getCurrentCluster();
	const { caData, caFile = '' } = target ?? {};
	await vault.must({
		method: 'POST',
		path: 'auth/kubernetes/config',
		body: {
			kubernetes_host: target?.server,
			kubernetes_ca_cert:
				caData === undefined ? readFileSync(caFile, 'utf8') : Buffer.from(caData, 'base64').toString(),
			token_reviewer_jwt: await cluster.token(REVIEWER, REVIEWER),
		},
	});
	await vault.must({
		method: 'POST',
		path: `auth/kubernetes/role/${VAULT_ROLE}`,
		body: {
			bound_service_account_names: JASM,
			bound_service_account_namespaces: JASM,
			audience: VAULT_AUDIENCE,
			token_policies: ['jasm'],
			token_ttl: `${VAULT_TOKEN_SECONDS}s`,
		},
	});
}

/** Writes a new version. */
export function putVersion(vault: VaultServer, path: string, data: object): Promise<unknown> {
	const request = { method: 'POST', path: `secret/data/${path}`, body: { data } } as const;
	// A new engine refuses for a moment.
	return until(`Vault to take ${path}`, () => vault.must(request));
}

export function putUnversioned(vault: VaultServer, path: string, body: object): Promise<unknown> {
	return vault.must({ method: 'POST', path: `${KV1_MOUNT}/${path}`, body });
}

/** Makes the ServiceAccount that may ask the API server whether a token is genuine. */
export async function createReviewer(cluster: Cluster): Promise<void> {
	const rbac = 'rbac.authorization.k8s.io';
	const subject = { kind: 'ServiceAccount', name: REVIEWER, namespace: REVIEWER };
	await cluster.apply(
		{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: REVIEWER } },
		{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: REVIEWER, namespace: REVIEWER } },
		{
			apiVersion: `${rbac}/v1`,
			kind: 'ClusterRoleBinding',
			metadata: { name: `${REVIEWER}-auth-delegator` },
			roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:auth-delegator' },
			subjects: [subject],
		},
	);
}

export async function removeReviewer(cluster: Cluster): Promise<void> {
	const name = `${REVIEWER}-auth-delegator`;
	await cluster.kubectl(['delete', `clusterrolebinding/${name}`, `namespace/${REVIEWER}`, '--wait=false']);
}

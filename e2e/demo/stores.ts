// The three stores of the demo: embedded, each taking the cluster's own tokens, with the providers that name them.
import {
	type ApiServer,
	type KeyVault,
	type SecretsManager,
	startKeyVault,
	startSecretsManager,
	startSqs,
	startVault,
	type Vault,
} from '@jasm/controller/testing';
import type { Seed, Store } from './fixtures.ts';

const SUBJECT = 'system:serviceaccount:jasm:jasm';
const QUEUE = 'jasm';
const ROLE = 'arn:aws:iam::123456789012:role/jasm';
/** What a store's answer takes within a region. */
const latencyMs = 20;

export type Stores = {
	/** By the names that the annotations use. */
	readonly providers: object;
	/** The queue in which the AWS store tells of changes. */
	readonly changes: object;
	readonly urls: Readonly<Record<Store, string>>;
	/** For the controller's process. */
	readonly env: Readonly<Record<string, string>>;
	put(seed: Seed): void;
	/** Reads so far: of everything, or of one path. */
	reads(store: Store, path?: string): number;
	/** How often the controller showed its token for a session. */
	signIns(store: Store): number;
	close(): Promise<void>;
};

/** `file` writes a text and resolves with its path; the ServiceAccount jasm/jasm must exist. */
export async function startStores(
	api: ApiServer,
	file: (name: string, text: string) => Promise<string>,
): Promise<Stores> {
	// As the kubelet projects them: one token for each audience; nothing renews them here.
	const token = (store: string, audience: string) =>
		file(`${store}-token`, api.createToken('jasm', 'jasm', { audiences: [audience], seconds: 24 * 3600 }));
	const sqs = await startSqs();
	const queueUrl = sqs.create(QUEUE);
	const [aws, vault, keyVault] = await Promise.all([
		startSecretsManager({
			latencyMs,
			trust: { subjects: [SUBJECT], roles: [ROLE] },
			onLabelUpdated: event => sqs.send(QUEUE, event),
		}),
		startVault({ latencyMs, tls: true }),
		startKeyVault({ latencyMs, trust: { subjects: [SUBJECT] } }),
	]);
	await setUpVault(vault, api);
	// For `pnpm rotate`.
	await file('aws.json', JSON.stringify({ region: aws.region, endpoint: aws.url }));
	return {
		urls: { AWS: aws.url, Vault: vault.url, 'Key Vault': keyVault.url },
		providers: {
			'aws-secretsmanager': {
				kind: 'aws-secretsmanager',
				region: aws.region,
				endpoint: aws.url,
				stsEndpoint: aws.url,
				roleArn: ROLE,
				tokenFile: await token('aws', 'sts.amazonaws.com'),
			},
			vault: {
				kind: 'vault',
				address: vault.url,
				role: 'jasm',
				tokenFile: await token('vault', 'vault'),
				caFile: await file('vault-ca.pem', vault.ca ?? ''),
			},
			'azure-keyvault': {
				kind: 'azure-keyvault',
				vaultUrl: keyVault.vaultUrl,
				endpoint: keyVault.url,
				authorityHost: keyVault.url,
				tenantId: keyVault.tenantId,
				clientId: keyVault.clientId,
				caFile: await file('azure-ca.pem', keyVault.ca),
			},
		},
		changes: { sources: [{ kind: 'sqs', queueUrl, providers: ['aws-secretsmanager'] }] },
		env: { AZURE_FEDERATED_TOKEN_FILE: await token('azure', 'api://AzureADTokenExchange') },
		put: seed => put(seed, { aws, vault, keyVault }),
		reads(store, path) {
			switch (store) {
				case 'AWS':
					return aws.count('GetSecretValue', path);
				case 'Vault':
					return vault.count('read', path && `secret/data/${path}`);
				case 'Key Vault':
					return keyVault.count('GetSecret', path);
			}
		},
		signIns(store) {
			switch (store) {
				case 'AWS':
					return aws.count('AssumeRoleWithWebIdentity');
				case 'Vault':
					return vault.count('login');
				case 'Key Vault':
					return keyVault.count('RequestToken');
			}
		},
		async close() {
			await Promise.all([aws.close(), sqs.close(), vault.close(), keyVault.close()]);
		},
	};
}

/** What an operator does with the `vault` command: a policy, the auth method, a role for JASM's ServiceAccount. */
async function setUpVault(vault: Vault, api: ApiServer): Promise<void> {
	await vault.request('PUT', 'sys/policies/acl/jasm', {
		policy: 'path "secret/data/prod/*" { capabilities = ["read"] }',
	});
	await vault.request('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
	await vault.request('POST', 'auth/kubernetes/config', {
		kubernetes_host: api.url,
		kubernetes_ca_cert: api.ca,
		token_reviewer_jwt: api.adminToken,
	});
	await vault.request('POST', 'auth/kubernetes/role/jasm', {
		bound_service_account_names: 'jasm',
		bound_service_account_namespaces: 'jasm',
		audience: 'vault',
		token_policies: ['jasm'],
	});
}

type Servers = { readonly aws: SecretsManager; readonly vault: Vault; readonly keyVault: KeyVault };

function put({ store, path, value, certificate = false }: Seed, { aws, vault, keyVault }: Servers): void {
	switch (store) {
		case 'AWS':
			aws.put(path, value);
			break;
		case 'Vault':
			vault.put(path, value);
			break;
		case 'Key Vault':
			keyVault.put(path, value, certificate ? { certificate, contentType: 'application/x-pem-file' } : {});
	}
}

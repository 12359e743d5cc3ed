// A valid stack configuration for tests, with what a test wants different.
import { type InfraConfig, loadConfig } from '../../src/config.ts';

export const ACCOUNT = '111122223333';

/** Keys as in a stack file, without their prefix. */
export const VALUES: Readonly<Record<string, string>> = {
	awsAccountId: ACCOUNT,
	awsRegion: 'eu-west-1',
	policy: JSON.stringify([
		{ namespaces: ['jasm-sample'], provider: 'aws-secretsmanager', paths: ['/prod/codnod/**'] },
		{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/db'] },
	]),
	testSecrets: 'true',
	samples: 'true',
};

export const VAULT = { kind: 'vault', address: 'https://vault.example:8200', role: 'jasm' } as const;

export const AZURE = {
	kind: 'azure-keyvault',
	vaultUrl: 'https://team-secrets.vault.azure.net',
	tenantId: '11111111-2222-4333-8444-555555555555',
	clientId: '66666666-7777-4888-9999-aaaaaaaaaaaa',
} as const;

/** Changes for a stack with Vault and Key Vault, and nothing in AWS. */
export const STORES: Readonly<Record<string, string>> = {
	identity: 'none',
	testSecrets: 'false',
	image: 'jasm-controller:1',
	providers: JSON.stringify({ 'vault-eu': VAULT, 'vault-us': VAULT, 'key-vault': AZURE }),
	policy: JSON.stringify([
		{ namespaces: ['jasm-sample'], provider: 'vault-us', paths: ['prod/codnod/*'] },
		{ namespaces: ['jasm-sample'], provider: 'key-vault', paths: ['codnod-*'] },
	]),
};

/** Reads the values as a stack's configuration; `undefined` removes a key. */
export function stackConfig(
	changes: Record<string, string | undefined> = {},
	stack = 'minikube',
): InfraConfig {
	const values: Record<string, string | undefined> = { ...VALUES, ...changes };
	return loadConfig({ get: key => values[key] }, stack);
}

/** What the guards find in the cluster of that configuration. */
export const FACTS = {
	kubeconfig: '/home/dev/.kube/config',
	clusterId: '0b5e7c1e-1111-4222-8333-444455556666',
	issuer: { discovery: '{"issuer":"https://issuer.example"}', jwks: '{"keys":[]}' },
};

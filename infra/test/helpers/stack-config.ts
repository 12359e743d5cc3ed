// A valid stack configuration for tests, with what a test wants different.
import type { StartArgs } from '../../src/components/jasm.ts';
import { type InfraConfig, loadConfig } from '../../src/config/config.ts';

export const ACCOUNT = '111122223333';

/** Keys as in a stack file, without their prefix. */
export const VALUES: Readonly<Record<string, string>> = {
	awsAccountId: ACCOUNT,
	awsRegion: 'eu-west-1',
	awsProfile: 'codnod',
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
	const values = Object.entries({ ...VALUES, ...changes }).filter(
		(entry): entry is [string, string] => entry[1] !== undefined,
	);
	return loadConfig(Object.fromEntries(values), stack);
}

/** What the guards find in the cluster of that configuration. */
export const FACTS = {
	kubeconfig: '/home/dev/.kube/config',
	image: 'jasm-controller:0123456789ab',
	issuer: { discovery: '{"issuer":"https://issuer.example"}', jwks: '{"keys":[]}' },
	wait: 'never' as StartArgs['wait'],
};

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

// AWS Secrets Manager as the contract of providers tests it: the embedded server, its faults, the paths that are refused.
import { startSecretsManager } from '../../../testing/aws/secrets-manager.ts';
import { checked } from '../../helpers/provider-config.ts';
import { type Fault, type ProviderUnderTest, WIRE_FAULTS } from '../shared/contract-store.ts';

const AS_INJECTED = {
	denied: 'access-denied',
	unauthenticated: 'expired-token',
	throttled: 'throttling',
	unavailable: 'internal-error',
	garbage: { html: 502 },
	...WIRE_FAULTS,
} as const satisfies Record<Fault, unknown>;

export const AWS: ProviderUnderTest = {
	name: 'aws-secretsmanager',
	forms: ['text', 'binary'],
	refusedPaths: [
		'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf',
		'arn:aws:s3:::bucket',
		'arn:',
		'prod:db',
		'prod/./db',
		'x'.repeat(513),
	],
	async start() {
		const server = await startSecretsManager();
		return {
			config: checked({
				kind: 'aws-secretsmanager',
				region: server.region,
				endpoint: server.url,
				credentials: 'environment',
			}),
			env: { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' },
			put: (path, payload) => ({ version: server.put(path, payload).versionId }),
			remove: path => server.delete(path, { forever: true }),
			fail: fault => server.inject(AS_INJECTED[fault]),
			reads: () => server.count('GetSecretValue'),
			arrived: reads => server.waitForCall(() => server.count('GetSecretValue') >= reads),
			close: () => server.close(),
		};
	},
};

// Component: obviously fake secrets in AWS Secrets Manager to try an installation with.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/** Bump it when a value changes: AWS gets write-only values only with a new version. */
const VERSION = 1;

/** Name in Secrets Manager -> value; none of them opens anything. */
export const TEST_SECRETS: Readonly<Record<string, string>> = {
	'/prod/codnod/config': JSON.stringify({
		DB_HOST: 'db.example.invalid',
		DB_USER: 'fake-user',
		DB_PASSWORD: 'fake-password-for-tests-only',
	}),
	'/prod/codnod/limits': JSON.stringify({ maxConnections: 20, ratio: 1.1, features: ['fake', 'test'] }),
	'/prod/codnod/banner': 'plain text, fake as well',
};

export type TestSecretsArgs = {
	readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
};

export class TestSecrets extends pulumi.ComponentResource {
	readonly names: string[];

	constructor(name: string, args: TestSecretsArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:TestSecrets', name, {}, options);
		const tags = args.tags === undefined ? {} : { tags: args.tags };
		for (const [path, value] of Object.entries(TEST_SECRETS)) {
			const id = path.slice(1).replaceAll('/', '-');
			const secret = new aws.secretsmanager.Secret(
				`${name}-${id}`,
				// Without a recovery window, the name can be used again at once.
				{ name: path, description: 'Fake secret to try JASM with', recoveryWindowInDays: 0, ...tags },
				{ parent: this },
			);
			new aws.secretsmanager.SecretVersion(
				`${name}-${id}`,
				{ secretId: secret.id, secretStringWo: pulumi.secret(value), secretStringWoVersion: VERSION },
				{ parent: this },
			);
		}
		this.names = Object.keys(TEST_SECRETS);
		this.registerOutputs({ names: this.names });
	}
}

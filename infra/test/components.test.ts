// The components that reach AWS or build something: what exactly they declare.
import test from 'ava';
import fc from 'fast-check';
import { ControllerImage, contentHash, imageName } from '../src/controller-image.ts';
import type { Declared } from '../src/invariants.ts';
import { IrsaRole } from '../src/irsa-role.ts';
import { IssuerBucket } from '../src/issuer-bucket.ts';
import { egressPorts } from '../src/network-policy.ts';
import { TEST_SECRETS, TestSecrets } from '../src/test-secrets.ts';
import { declare, resolved } from './helpers/declare.ts';

// biome-ignore lint/suspicious/noExplicitAny: inputs of every kind, read by path
const inputs = (resource: Declared): any => resource.inputs;
const ISSUER = 'https://jasm-oidc-1-s.s3.eu-west-1.amazonaws.com';

test.serial(
	'the issuer publishes the documents as the cluster serves them, and exactly these two',
	async t => {
		const documents = { discovery: '{"issuer": "x"}', jwks: '{"keys": []}' };
		const { resources, one, outputs } = await declare(() => {
			return {
				arn: new IssuerBucket('issuer', { bucket: 'jasm-oidc-1-s', issuer: ISSUER, documents }).providerArn,
			};
		});
		const objects = resources.filter(({ type }) => type.endsWith(':BucketObjectv2')).map(inputs);
		t.deepEqual(
			objects.map(({ key, content, contentType }) => [key, content, contentType]),
			[
				['.well-known/openid-configuration', documents.discovery, 'application/json'],
				['openid/v1/jwks', documents.jwks, 'application/json'],
			],
		);
		const [statement] = JSON.parse(inputs(one(':BucketPolicy')).policy).Statement;
		t.deepEqual(
			statement.Resource,
			objects.map(({ key }) => `arn:aws:mock:::issuer/${key}`),
		);
		t.like(inputs(one(':BucketPublicAccessBlock')), {
			blockPublicAcls: true,
			ignorePublicAcls: true,
			blockPublicPolicy: false,
		});
		t.is(inputs(one(':BucketVersioning')).versioningConfiguration.status, 'Enabled');
		t.deepEqual(inputs(one(':OpenIdConnectProvider')), { url: ISSUER, clientIdLists: ['sts.amazonaws.com'] });
		t.is(await resolved(outputs['arn'] as string), 'arn:aws:mock:::issuer');
	},
);

test.serial('a role that would open every secret is refused before it is declared', async t => {
	const providers = { aws: { kind: 'aws-secretsmanager' } };
	const controller = { providers, policy: [{ namespaces: ['a'], provider: 'aws', paths: ['**'] }] };
	const facts = { providerArn: 'arn:p', issuer: ISSUER, namespace: 'jasm', serviceAccount: 'jasm' };
	let refused = '';
	const { types } = await declare(() => {
		try {
			new IrsaRole('jasm', { ...facts, controller, accountId: '111122223333', region: 'eu-west-1' });
		} catch (error) {
			refused = (error as Error).message;
		}
	});
	t.regex(refused, /would allow every secret of the account/);
	t.false(types().includes('aws:iam/role:Role'));
});

test.serial('test secrets are fake, write-only, and their names are free again at once', async t => {
	const { resources } = await declare(() => void new TestSecrets('test'));
	const secrets = resources.filter(({ type }) => type.endsWith(':Secret')).map(inputs);
	t.deepEqual(secrets.map(({ name }) => name).sort(), Object.keys(TEST_SECRETS).sort());
	for (const secret of secrets) t.is(secret.recoveryWindowInDays, 0);
	for (const version of resources.filter(({ type }) => type.endsWith(':SecretVersion')).map(inputs)) {
		t.is(version.secretStringWoVersion, 1);
		t.is(version.secretString, undefined);
		t.truthy(version.secretStringWo['4dabf18193072939515e22adb298388d']);
	}
	for (const value of Object.values(TEST_SECRETS)) t.regex(value, /fake/);
});

test.serial(
	'an image is built into minikube under its content tag, and rebuilt when the tag changes',
	async t => {
		for (const [kind, command] of [
			[
				'minikube-build',
				/^node infra\/image\/context\.ts (\S+) && minikube -p minikube image build -t jasm-controller:[0-9a-f]{12} -f controller\/Dockerfile \1$/,
			],
			[
				'archive',
				/^pnpm run image --tag jasm-controller:[0-9a-f]{12} --output (\S+) && minikube -p minikube image load \1$/,
			],
		] as const) {
			const { one, outputs } = await declare(() => {
				return {
					reference: new ControllerImage('image', { kind, minikube: 'minikube', clusterId: 'uid' }).reference,
				};
			});
			const { create, triggers } = inputs(one(':Command'));
			t.regex(create, command);
			// A new cluster has no image, whatever the state says.
			t.deepEqual(triggers, [imageName(), 'uid']);
			t.is(await resolved(outputs['reference'] as string), imageName());
		}
	},
);

test('the content tag depends on every name and every byte, not on the order of the files', t => {
	const files = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.uint8Array()), {
		minLength: 1,
		selector: ([name]) => name,
	});
	fc.assert(
		fc.property(files, fc.nat(), (entries, pick) => {
			const tag = contentHash(entries);
			t.regex(tag, /^[0-9a-f]{12}$/);
			t.is(contentHash([...entries].reverse()), tag);
			const index = pick % entries.length;
			const changed = entries.map(
				([name, content], at) => [name, at === index ? Uint8Array.of(...content, 1) : content] as const,
			);
			t.not(contentHash(changed), tag);
			t.not(
				contentHash(
					entries.map(([name, content], at) => [at === index ? `${name}x` : name, content] as const),
				),
				tag,
			);
		}),
	);
});

test('the network policy opens the ports of configured addresses, and never the metadata service of the node', t => {
	const ports = egressPorts({
		providers: {
			aws: { kind: 'aws-secretsmanager', endpoint: 'https://proxy.example' },
			vault: { kind: 'vault', address: 'https://vault.example:8200' },
			name: { kind: 'x', region: 'eu-west-1' },
		},
		policy: [],
	});
	t.deepEqual(ports, [443, 6443, 8200, 8443]);
});

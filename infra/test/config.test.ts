// The stack's configuration: what is read, what is refused, and that every fault is told at once.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { load } from 'js-yaml';
import { loadConfig } from '../src/config.ts';
import { ACCOUNT, stackConfig } from './helpers/stack-config.ts';

const faults = (changes: Record<string, string | undefined>) => {
	try {
		stackConfig(changes);
		return [];
	} catch (error) {
		return (error as Error).message.split('\n').slice(1);
	}
};

test('the smallest stack is write-only, guarded, and on minikube', t => {
	const config = stackConfig({ testSecrets: undefined, samples: undefined });
	t.like(config, {
		kubeContext: 'minikube',
		profile: 'write-only',
		admissionPolicy: true,
		replicas: 1,
		networkPolicy: true,
		serviceMonitor: false,
		testSecrets: false,
		samples: false,
		image: { kind: 'minikube-build' },
		aws: { accountId: ACCOUNT, region: 'eu-west-1', profile: 'codnod' },
	});
	t.deepEqual(config.controller.providers, {
		'aws-secretsmanager': { kind: 'aws-secretsmanager', region: 'eu-west-1' },
	});
});

test('the issuer follows from account, stack and region, so it is known before the cluster starts', t => {
	t.deepEqual(stackConfig({}, 'Minikube').identity, {
		kind: 'minikube',
		bucket: `jasm-oidc-${ACCOUNT}-minikube`,
		issuer: `https://jasm-oidc-${ACCOUNT}-minikube.s3.eu-west-1.amazonaws.com`,
	});
	t.throws(() => stackConfig({}, 'a.b'), { message: /not a bucket name/ });
});

test('every fault is reported at once', t => {
	const found = faults({
		awsAccountId: '12',
		awsRegion: 'europe',
		replicas: '0',
		profile: 'read-all',
		samples: 'yes',
		image: 'jasm',
		policy: '[{"namespaces": [], "provider": "vault", "paths": ["/a/**"], "path": "x"}]',
	});
	t.is(found.length, 10, found.join('\n'));
	for (const key of ['awsAccountId', 'awsRegion', 'replicas', 'profile', 'samples', 'image']) {
		t.is(found.filter(line => line.startsWith(`  - jasm:${key}`)).length, 1, key);
	}
});

for (const [title, changes, expected] of [
	[
		'another context',
		{ kubeContext: 'production', identity: 'none', image: 'a:1' },
		/kubeContext: "production" is not minikube/,
	],
	[
		'minikube identity elsewhere',
		{ kubeContext: 'eks', allowOtherContext: 'true', image: 'a:1' },
		/identity: minikube needs/,
	],
	[
		'no image elsewhere',
		{ kubeContext: 'eks', allowOtherContext: 'true', identity: 'none' },
		/image: expected/,
	],
	['write-only without the guard', { admissionPolicy: 'false' }, /write-only does not run without it/],
	['latest', { image: 'registry.example/jasm:latest' }, /needs a tag other than latest/],
	['no tag behind a port', { image: 'registry.example:5000/jasm' }, /needs a tag other than latest/],
	[
		'a policy for every secret',
		{ policy: '[{"namespaces":["a"],"provider":"aws-secretsmanager","paths":["**"]}]' },
		/every secret of the account/,
	],
	[
		'an open slash',
		{ policy: '[{"namespaces":["a"],"provider":"aws-secretsmanager","paths":["/**"]}]' },
		/every secret of the account/,
	],
	[
		'a namespace glob as the whole path',
		{ policy: '[{"namespaces":["*"],"provider":"aws-secretsmanager","paths":["/{namespace}/x"]}]' },
		/every secret/,
	],
	['no rule for the role', { policy: '[]' }, /no rule reads from AWS/],
	['test secrets without AWS', { identity: 'none' }, /testSecrets: needs an identity/],
	['broken structure', { providers: '{' }, /providers: expected a structure/],
	[
		'a trailing slash in the issuer',
		{
			identity: 'oidc-provider',
			issuerUrl: 'https://x.example/',
			oidcProviderArn: 'arn:aws:iam::1:oidc-provider/x.example/',
		},
		/issuerUrl/,
	],
	[
		'the ARN of another issuer',
		{
			identity: 'oidc-provider',
			issuerUrl: 'https://x.example',
			oidcProviderArn: 'arn:aws:iam::1:oidc-provider/y.example',
		},
		/oidcProviderArn: expected an ARN that ends in/,
	],
] as [string, Record<string, string>, RegExp][]) {
	test(`refused: ${title}`, t => {
		const found = faults(changes);
		t.true(
			found.some(line => expected.test(line)),
			found.join('\n') || 'nothing refused',
		);
	});
}

test('an image by digest is given, an archive is assembled', t => {
	const reference = `registry.example/jasm@sha256:${'a'.repeat(64)}`;
	t.deepEqual(stackConfig({ image: reference }).image, { kind: 'given', reference });
	t.deepEqual(stackConfig({ imageBuild: 'archive' }).image, { kind: 'archive' });
});

test('the committed stack is valid, says codnod and minikube, and holds no secret', t => {
	const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
	const stack = load(read('Pulumi.minikube.yaml')) as { config: Record<string, unknown> };
	const values = new Map(
		Object.entries(stack.config).map(([key, value]) => [
			key.replace('jasm:', ''),
			typeof value === 'object' ? JSON.stringify(value) : String(value),
		]),
	);
	const config = loadConfig({ get: key => values.get(key) }, 'minikube');
	t.is(config.aws?.profile, 'codnod');
	t.is(config.kubeContext, 'minikube');
	t.is(values.get('pulumi:disable-default-providers'), '["*"]');
	t.notRegex(read('Pulumi.minikube.yaml'), /encryptionsalt|secure:/);
	const project = load(read('Pulumi.yaml')) as {
		runtime: { options: { typescript: boolean } };
		main: string;
	};
	t.is(project.runtime.options.typescript, false);
	t.is(project.main, 'infra/index.ts');
});

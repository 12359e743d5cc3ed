// The stack's configuration: what is read, what is refused, and that every fault is told at once.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { load } from 'js-yaml';
import { loadConfig } from '../../src/config/config.ts';
import { ACCOUNT, stackConfig, VALUES } from '../helpers/stack-config.ts';

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
		image: { kind: process.platform === 'linux' ? 'archive' : 'minikube-build' },
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
		roleName: 'jasm-minikube',
	});
	t.throws(() => stackConfig({}, 'a.b'), { message: /not a bucket name/ });
});

for (const [region, suffix] of [
	['us-east-1', 'amazonaws.com'],
	['us-gov-west-1', 'amazonaws.com'],
	['cn-northwest-1', 'amazonaws.com.cn'],
	['eusc-de-east-1', 'amazonaws.eu'],
	['us-iso-east-1', 'c2s.ic.gov'],
	['us-isob-east-1', 'sc2s.sgov.gov'],
	['eu-isoe-west-1', 'cloud.adc-e.uk'],
	['us-isof-south-1', 'csp.hci.ic.gov'],
] as const) {
	test(`a stack works in ${region}, whose hosts end with ${suffix}`, t => {
		const { aws, identity } = stackConfig({ awsRegion: region });
		t.is(aws?.region, region);
		t.is(
			(identity as { issuer: string }).issuer,
			`https://jasm-oidc-${ACCOUNT}-minikube.s3.${region}.${suffix}`,
		);
	});
}

test('every fault is reported at once, and a wrong region once', t => {
	const found = faults({
		awsAccountId: '12',
		awsRegion: 'europe',
		replicas: '0',
		profile: 'read-all',
		samples: 'yes',
		image: 'jasm',
		policy: '[{"namespaces": [], "provider": "vault", "paths": ["/a/**"], "path": "x"}]',
	});
	t.is(found.length, 9, found.join('\n'));
	for (const key of ['awsAccountId', 'awsRegion', 'replicas', 'profile', 'samples', 'image']) {
		t.is(found.filter(line => line.startsWith(`  - jasm:${key}`)).length, 1, key);
	}
});

test('a key that is marked as secret is refused without its value, and nothing else is said of it', t => {
	const values = {
		...VALUES,
		awsAccountId: 'hunter2',
		providers: JSON.stringify({ aws: { kind: 'hunter3' } }),
	};
	const error = t.throws(() => loadConfig(values, 'dev', new Set(['awsAccountId', 'providers'])))!;
	const lines = error.message.split('\n').slice(1);
	t.deepEqual(
		lines.map(line => /jasm:(\w+): is marked as secret.*--plaintext/.exec(line)?.[1]),
		['awsAccountId', 'providers'],
	);
	t.notRegex(error.message, /hunter/);
});

test('an unknown key is a fault that names the nearest key', t => {
	t.deepEqual(faults({ replica: '2', polcy: '[]' }), [
		'  - jasm:replica: unknown field, did you mean "replicas"?',
		'  - jasm:polcy: unknown field, did you mean "policy"?',
	]);
	t.regex(faults({ somethingElse: 'x' })[0] ?? '', /somethingElse: unknown field, known are kubeContext, /);
});

for (const [title, changes, expected] of [
	[
		'an empty account, and its absence',
		{ awsAccountId: '' },
		/^ {2}- jasm:awsAccountId: is required: .* empty value/,
	],
	['a wrong account', { awsAccountId: '12' }, /awsAccountId: "12" is not the 12 digits/],
	['a wrong region', { awsRegion: 'Ireland' }, /awsRegion: "Ireland" is not the name of an AWS region/],
	['an empty region', { awsRegion: '' }, /awsRegion: is required/],
	['a proxy without a URL', { proxy: '{"noProxy": ["x"]}' }, /proxy\.url: is required/],
	[
		'credentials in the URL of a proxy',
		{ proxy: '{"url": "http://u:p@proxy:1"}' },
		/proxy\.url: .* without credentials/,
	],
	[
		'a misspelt setting of the pod',
		{ pod: '{"nodeSelecter": {}}' },
		/pod\.nodeSelecter: unknown field, did you mean "nodeSelector"/,
	],
	[
		'a setting that the installation has itself',
		{ pod: '{"env": [{"name": "POD_NAME", "value": "x"}]}' },
		/pod\.env\[0\]\.name: the installation itself sets/,
	],
	[
		'an identity without its role',
		{ identity: 'existing-role', testSecrets: 'false' },
		/roleArn: is required/,
	],
	[
		'a role that is none',
		{ identity: 'existing-role', roleArn: 'x', testSecrets: 'false' },
		/roleArn: "x" is not the ARN/,
	],
	['an identity without its cluster', { identity: 'pod-identity' }, /eksClusterName: is required/],
	[
		'pods that wait without the policy that holds JASM',
		{ start: '{"wait": "annotated"}', profile: 'self-heal', admissionPolicy: 'false' },
		/start: needs admissionPolicy/,
	],
	[
		'restarts without the policy that holds the right to patch workloads',
		{ restarts: '{"namespaces": ["shop"]}', profile: 'self-heal', admissionPolicy: 'false' },
		/restarts: needs admissionPolicy/,
	],
	[
		'restarts in a namespace of the system',
		{ restarts: '{"namespaces": ["kube-system"]}' },
		/restarts\.namespaces\[0\]: "kube-system" is JASM's own namespace or one of the system/,
	],
	['a context that nothing allows', { kubeContext: 'production', image: 'a:1' }, /kubeContext: "production"/],
	['providers that are no mapping', { providers: '[]' }, /providers: a list is not a mapping/],
	['an issuer without its form', { identity: 'oidc-provider', issuerUrl: 'x' }, /issuerUrl: is required/],
	[
		'an identity that does not exist',
		{ identity: 'minikub' },
		/identity: "minikub" is not allowed, did you mean/,
	],
	[
		'a profile that does not exist',
		{ profile: 'self-heel', admissionPolicy: 'false' },
		/profile: "self-heel"/,
	],
] as [string, Record<string, string>, RegExp][]) {
	test(`${title}: one fault, without those that follow from it`, t => {
		const found = faults(changes);
		t.is(found.length, 1, found.join('\n'));
		t.regex(found[0] ?? '', expected);
	});
}

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
		/image: is required/,
	],
	['write-only without the guard', { admissionPolicy: 'false' }, /write-only does not run without it/],
	['latest', { image: 'registry.example/jasm:latest' }, /needs a tag other than latest/],
	['an account that is not quoted', { awsAccountId: '12345678901' }, /is not the 12 digits .*quote it/],
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
	['broken structure', { providers: '{' }, /providers: "{" is not a mapping/],
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
		/oidcProviderArn: is required: an ARN that ends with/,
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

test('an image by digest is given, imageBuild chooses how another one is made', t => {
	const reference = `registry.example/jasm@sha256:${'a'.repeat(64)}`;
	t.deepEqual(stackConfig({ image: reference }).image, { kind: 'given', reference });
	t.deepEqual(stackConfig({ imageBuild: 'archive' }).image, { kind: 'archive' });
	t.deepEqual(stackConfig({ imageBuild: 'minikube' }).image, { kind: 'minikube-build' });
});

test('the committed stack is valid, says codnod and minikube, and holds no secret', t => {
	const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
	const stack = load(read('Pulumi.minikube.yaml')) as { config: Record<string, unknown> };
	const values = Object.fromEntries(
		Object.entries(stack.config).map(([key, value]) => [
			key.replace('jasm:', ''),
			typeof value === 'object' ? JSON.stringify(value) : String(value),
		]),
	);
	t.is(values['pulumi:disable-default-providers'], '["*"]');
	delete values['pulumi:disable-default-providers'];
	const config = loadConfig(values, 'minikube');
	t.is(config.aws?.profile, 'codnod');
	t.is(config.kubeContext, 'minikube');
	t.notRegex(read('Pulumi.minikube.yaml'), /encryptionsalt|secure:/);
	const project = load(read('Pulumi.yaml')) as {
		runtime: { options: { typescript: boolean } };
		main: string;
	};
	t.is(project.runtime.options.typescript, false);
	t.is(project.main, 'infra/index.ts');
});

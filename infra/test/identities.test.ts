// The identities of the controller in AWS: what each makes there, and what each brings into the pod.
import test from 'ava';
import { declareJasm } from '../src/stack.ts';
import { declare, resolved } from './helpers/declare.ts';
import type { Declared } from './helpers/invariants.ts';
import { FACTS, stackConfig } from './helpers/stack-config.ts';
import { ISSUER, VARIANTS } from './helpers/stack-variants.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;
const inputs = (resource: Declared): Manifest => resource.inputs;

test.serial('without an identity in AWS nothing of AWS is declared, mounted or set', async t => {
	const { types, one } = await declare(() =>
		declareJasm(stackConfig(VARIANTS['old cluster without AWS']), FACTS),
	);
	t.deepEqual(
		types().filter(type => type.includes('aws')),
		[],
	);
	const { containers, volumes } = inputs(one(':Deployment', 'jasm-controller')).spec.template.spec;
	t.deepEqual(
		volumes.map(({ name }: Manifest) => name),
		['config'],
	);
	const names = containers[0].env.map(({ name }: Manifest) => name);
	t.deepEqual(names, ['POD_NAME', 'POD_NAMESPACE', 'AWS_EC2_METADATA_DISABLED']);
	t.is(inputs(one('ServiceAccount')).metadata.annotations, undefined);
});

test.serial('an EKS cluster brings its own issuer: no bucket, no provider, the same role', async t => {
	const { types, one } = await declare(() => declareJasm(stackConfig(VARIANTS['EKS']), FACTS));
	t.deepEqual(
		types().filter(type => /s3|openIdConnectProvider/.test(type)),
		[],
	);
	const trust = JSON.parse(inputs(one('iam/role:Role')).assumeRolePolicy).Statement[0];
	t.is(trust.Principal.Federated, VARIANTS['EKS']?.oidcProviderArn);
	t.is(
		trust.Condition.StringEquals[`${ISSUER.slice('https://'.length)}:sub`],
		'system:serviceaccount:jasm:jasm',
	);
});

test.serial(
	'EKS Pod Identity: an association before the controller, a region for it, and no token',
	async t => {
		const { types, one } = await declare(() =>
			declareJasm(stackConfig(VARIANTS["EKS Pod Identity on one's own namespace"]), FACTS),
		);
		t.like(inputs(one(':PodIdentityAssociation')), {
			clusterName: 'platform',
			namespace: 'secrets',
			serviceAccount: 'jasm',
			tags: { team: 'platform' },
		});
		t.is(inputs(one('iam/role:Role')).name, 'jasm-minikube');
		t.false(types().includes('kubernetes:core/v1:Namespace') && types().includes('aws:s3/bucket:Bucket'));
		t.regex(inputs(one(':ConfigMap')).data['config.yaml'], /credentials: container/);
		const { containers, volumes } = inputs(one(':Deployment', 'jasm-controller')).spec.template.spec;
		t.deepEqual(
			volumes.map(({ name }: Manifest) => name),
			['config'],
		);
		t.like(
			containers[0].env.find(({ name }: Manifest) => name === 'AWS_REGION'),
			{ value: 'eu-west-1' },
		);
	},
);

test.serial(
	'a role that exists: nothing is made in AWS, and every setting of the stack reaches its object',
	async t => {
		const { types, one, outputs } = await declare(() =>
			declareJasm(stackConfig(VARIANTS['a role that exists, on OpenShift']), FACTS),
		);
		t.deepEqual(
			types().filter(type => type.includes('aws')),
			[],
		);
		t.is(await resolved(outputs['roleArn'] as string), 'arn:aws:iam::111122223333:role/ours');
		const { spec } = inputs(one(':Deployment', 'jasm-controller')).spec.template;
		const env = Object.fromEntries(spec.containers[0].env.map(({ name, value }: Manifest) => [name, value]));
		t.like(env, {
			A: 'b',
			AWS_REGION: 'eu-west-1',
			AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/ours',
			HTTPS_PROXY: 'http://proxy.example:3128',
			NO_PROXY: 'internal',
			NODE_EXTRA_CA_CERTS: '/etc/jasm/company.pem',
		});
		t.like(spec, {
			nodeSelector: { pool: 'platform' },
			tolerations: [{ key: 'platform', operator: 'Exists' }],
			imagePullSecrets: [{ name: 'registry' }],
			priorityClassName: undefined,
		});
		t.is(spec.securityContext.runAsUser, undefined);
		t.true(spec.containers[0].args.includes('--zap-log-level=debug'));
		t.is(inputs(one('ServiceAccount')).metadata.labels.team, 'platform');
		const { egress } = inputs(one(':NetworkPolicy')).spec;
		t.deepEqual(egress.at(-1), {
			ports: [{ port: 9000, protocol: 'TCP' }],
			to: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
		});
		for (const port of [3128, 5353]) t.true(JSON.stringify(egress).includes(`"port":${port}`), `${port}`);
		const sample = inputs(one(':Deployment', 'samples-sample-config'));
		t.is(sample.spec.template.spec.securityContext.runAsUser, undefined);
	},
);

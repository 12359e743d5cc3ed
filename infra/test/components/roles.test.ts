// The controller's roles in AWS: who may take them, what they may read, and how two clusters share an account.
import * as pulumi from '@pulumi/pulumi';
import test from 'ava';
import { IrsaRole, type JasmArgs, PodIdentity } from '../../src/index.ts';
import { type Declaration, declare } from '../helpers/declare.ts';
import { violations } from '../helpers/invariants.ts';
import { inAccount } from '../helpers/providers.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents of every kind, read by path
const inputs = ({ one }: Declaration, type: string): any => one(type).inputs;
const later = <T>(value: T) => pulumi.output(Promise.resolve(value));

const CONTROLLER: JasmArgs['controller'] = {
	providers: { aws: { kind: 'aws-secretsmanager', credentials: 'container' } },
	policy: [{ namespaces: ['a'], provider: 'aws', paths: ['/prod/a/*'] }],
};
const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC';
const FACTS = {
	controller: CONTROLLER,
	namespace: later('platform'),
	serviceAccount: later('jasm'),
	accountId: later('111122223333'),
	region: later('eu-west-1'),
};

const irsa = (more: object = {}) =>
	new IrsaRole(
		'jasm',
		{ ...FACTS, issuer: later(ISSUER), providerArn: later('arn:p'), ...more },
		inAccount(),
	);
const podIdentity = (more: object = {}) =>
	new PodIdentity('jasm', { ...FACTS, clusterName: later('platform'), ...more }, inAccount());

test.serial('a role for IRSA trusts one ServiceAccount of one cluster, all of it from Outputs', async t => {
	const declaration = await declare(() => void irsa({ tags: { team: later('x') } }));
	t.deepEqual(violations(declaration.resources, 'write-only'), []);
	const role = inputs(declaration, 'iam/role:Role');
	const [trust] = JSON.parse(role.assumeRolePolicy).Statement;
	t.is(trust.Principal.Federated, 'arn:p');
	t.deepEqual(trust.Condition.StringEquals, {
		[`${ISSUER.slice('https://'.length)}:aud`]: 'sts.amazonaws.com',
		[`${ISSUER.slice('https://'.length)}:sub`]: 'system:serviceaccount:platform:jasm',
	});
	t.deepEqual(role.tags, { team: 'x' });
	const [allowed] = JSON.parse(inputs(declaration, 'iam/rolePolicy:RolePolicy').policy).Statement;
	t.deepEqual(allowed, {
		Effect: 'Allow',
		Action: 'secretsmanager:GetSecretValue',
		Resource: ['arn:aws:secretsmanager:eu-west-1:111122223333:secret:/prod/a/*'],
	});
});

test.serial(
	'a role has a name of its own only where one is given, so two clusters can share an account',
	async t => {
		t.is(inputs(await declare(() => void irsa()), 'iam/role:Role').name, undefined);
		const named = await declare(() => void irsa({ roleName: later('jasm-eu') }));
		t.is(inputs(named, 'iam/role:Role').name, 'jasm-eu');
	},
);

test.serial(
	'a role for Pod Identity trusts one ServiceAccount of one cluster, and is associated with it',
	async t => {
		const declaration = await declare(() => void podIdentity({ tags: { team: 'x' } }));
		t.deepEqual(violations(declaration.resources, 'write-only'), []);
		const [trust] = JSON.parse(inputs(declaration, 'iam/role:Role').assumeRolePolicy).Statement;
		t.deepEqual(trust, {
			Effect: 'Allow',
			Principal: { Service: 'pods.eks.amazonaws.com' },
			Action: ['sts:AssumeRole', 'sts:TagSession'],
			Condition: {
				StringEquals: {
					'aws:RequestTag/eks-cluster-arn': 'arn:aws:eks:eu-west-1:111122223333:cluster/platform',
					'aws:RequestTag/kubernetes-namespace': 'platform',
					'aws:RequestTag/kubernetes-service-account': 'jasm',
				},
			},
		});
		t.deepEqual(inputs(declaration, ':PodIdentityAssociation'), {
			clusterName: 'platform',
			namespace: 'platform',
			serviceAccount: 'jasm',
			roleArn: 'arn:aws:mock:::jasm',
			tags: { team: 'x' },
		});
	},
);

test.serial('a role that exists is associated as it is', async t => {
	const roleArn = 'arn:aws:iam::111122223333:role/ours';
	const declaration = await declare(() => void podIdentity({ roleArn }));
	t.false(declaration.types().includes('aws:iam/role:Role'));
	t.is(inputs(declaration, ':PodIdentityAssociation').roleArn, roleArn);
});

test.serial('a role that would open every secret is refused before it is declared', async t => {
	const policy = [{ namespaces: ['a'], provider: 'aws', paths: ['**'] }];
	const facts = { controller: { ...CONTROLLER, policy }, accountId: '111122223333', region: 'eu-west-1' };
	for (const make of [irsa, podIdentity]) {
		let refused = '';
		const { types } = await declare(() => {
			try {
				make(facts);
			} catch (error) {
				refused = (error as Error).message;
			}
		});
		t.regex(refused, /would allow every secret of the account/);
		t.false(types().includes('aws:iam/role:Role'));
	}
});

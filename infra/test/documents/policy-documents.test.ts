// IAM documents: they cover what the policy rules grant, within the account, and trust one ServiceAccount.
import { compilePolicy, decide } from '@jasm/controller';
import test from 'ava';
import fc from 'fast-check';
import type { ControllerConfig, PolicyRule } from '../../src/documents/controller-config.ts';
import {
	issuerBucketPolicy,
	permissionFaults,
	permissionPolicy,
	trustPolicy,
} from '../../src/documents/policy-documents.ts';
import { VAULT } from '../helpers/stack-config.ts';

const ACCOUNT = { accountId: '111122223333', region: 'eu-west-1' };
const PREFIX = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:';
const FACTS = {
	providerArn: 'arn:aws:iam::111122223333:oidc-provider/bucket.s3.eu-west-1.amazonaws.com',
	issuer: 'https://bucket.s3.eu-west-1.amazonaws.com',
	namespace: 'jasm',
	serviceAccount: 'jasm',
};

function config(...policy: PolicyRule[]): ControllerConfig {
	return { providers: { aws: { kind: 'aws-secretsmanager' }, vault: VAULT }, policy };
}
function resources(...policy: PolicyRule[]): string[] {
	const [statement] = permissionPolicy(config(...policy), ACCOUNT).Statement as { Resource: string[] }[];
	return statement?.Resource ?? [];
}
/** IAM's matching: `*` any text, `?` any one character, all else itself. */
function iamMatches(pattern: string, arn: string): boolean {
	const source = pattern
		.replace(/[.+^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replaceAll('?', '.');
	return new RegExp(`^${source}$`, 's').test(arn);
}

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const suffix = fc.stringMatching(/^[A-Za-z0-9]{6}$/);

test('the role may be taken by exactly one ServiceAccount, for AWS only', t => {
	t.deepEqual(trustPolicy(FACTS).Statement, [
		{
			Effect: 'Allow',
			Principal: { Federated: FACTS.providerArn },
			Action: 'sts:AssumeRoleWithWebIdentity',
			Condition: {
				StringEquals: {
					'bucket.s3.eu-west-1.amazonaws.com:aud': 'sts.amazonaws.com',
					'bucket.s3.eu-west-1.amazonaws.com:sub': 'system:serviceaccount:jasm:jasm',
				},
			},
		},
	]);
});

test('a trust policy never matches by pattern, and never for another namespace', t => {
	fc.assert(
		fc.property(name, name, (namespace, serviceAccount) => {
			const text = JSON.stringify(trustPolicy({ ...FACTS, namespace, serviceAccount }));
			t.false(/StringLike|\*|https:\/\/bucket/.test(text));
			t.true(text.includes(`"system:serviceaccount:${namespace}:${serviceAccount}"`));
		}),
	);
	t.throws(() => trustPolicy({ ...FACTS, issuer: `${FACTS.issuer}/` }), { message: /ends in a slash/ });
});

test('exact, open and per-namespace paths become the ARNs that Secrets Manager gives them', t => {
	t.deepEqual(
		resources(
			{ namespaces: ['a'], provider: 'aws', paths: ['/prod/db', 'plain'] },
			{ namespaces: ['team-*', 'b'], provider: 'aws', paths: ['/prod/{namespace}/**'] },
			{ namespaces: ['a'], provider: 'vault', paths: ['anything/**'] },
		),
		[`${PREFIX}/prod/b/*`, `${PREFIX}/prod/db-??????`, `${PREFIX}/prod/team-*/*`, `${PREFIX}plain-??????`],
	);
});

test('whatever the controller lets a namespace read, the role can read too', t => {
	const segment = fc.constantFrom('**', '*', '?', 'a', 'b*', '{namespace}', 'x-{namespace}');
	const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map(parts => `/prod/${parts.join('/')}`);
	const path = fc
		.array(fc.constantFrom('a', 'b', 'bc', 'team', 'x-team', 'c'), { minLength: 1, maxLength: 4 })
		.map(parts => `/prod/${parts.join('/')}`);
	let granted = 0;
	fc.assert(
		fc.property(
			pattern,
			path,
			fc.constantFrom('*', 'team', 't?am', 'te*'),
			suffix,
			(paths, wanted, glob, random) => {
				const rule = { namespaces: [glob], provider: 'aws', paths: [paths] };
				const policy = compilePolicy([rule], { ownNamespace: 'jasm' });
				if (!decide(policy, { namespace: 'team', provider: 'aws', path: wanted }).allowed) return;
				granted += 1;
				const arn = `${PREFIX}${wanted}-${random}`;
				t.true(
					resources(rule).some(candidate => iamMatches(candidate, arn)),
					`${paths} misses ${wanted}`,
				);
			},
		),
		{ numRuns: 5_000 },
	);
	t.true(granted > 200, `only ${granted} of the cases were reads that the policy allows`);
});

test('an exact path opens neither a longer name nor another account or region', t => {
	fc.assert(
		fc.property(name, name, suffix, (path, more, random) => {
			const [arn = ''] = resources({ namespaces: ['a'], provider: 'aws', paths: [`/x/${path}`] });
			t.true(iamMatches(arn, `${PREFIX}/x/${path}-${random}`));
			t.false(iamMatches(arn, `${PREFIX}/x/${path}-${more}-${random}`));
			t.false(iamMatches(arn, `${PREFIX}/x/${path}/${more}-${random}`));
			t.false(iamMatches(arn, `${PREFIX.replace('1111', '9999')}/x/${path}-${random}`));
			t.false(iamMatches(arn, `${PREFIX.replace('eu-', 'us-')}/x/${path}-${random}`));
		}),
	);
});

test('no pattern whatever makes a resource for everything: it is refused or begins with a literal', t => {
	const piece = fc.constantFrom('*', '**', '/', '?', 'a', '{namespace}', 'arn:', ':', 'secret:', 'prod');
	fc.assert(
		fc.property(
			fc.array(piece, { minLength: 1, maxLength: 8 }),
			fc.constantFrom('*', 'ns', '**'),
			(pieces, namespace) => {
				const rules = config({ namespaces: [namespace], provider: 'aws', paths: [pieces.join('')] });
				if (permissionFaults(rules, ACCOUNT).length > 0) return;
				const [statement] = permissionPolicy(rules, ACCOUNT).Statement as {
					Action: string;
					Resource: string[];
				}[];
				t.is(statement?.Action, 'secretsmanager:GetSecretValue');
				for (const arn of statement?.Resource ?? []) {
					t.regex(arn, /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:\/*[^*?/]/);
				}
			},
		),
		{ numRuns: 500 },
	);
});

test('an ARN of another account is used as the rule says it, one that leaves the account open is refused', t => {
	const arn = 'arn:aws:secretsmanager:us-east-1:444455556666:secret:shared/db';
	t.deepEqual(resources({ namespaces: ['a'], provider: 'aws', paths: [arn] }), [arn, `${arn}-??????`]);
	const open = config({ namespaces: ['a'], provider: 'aws', paths: [arn.replace('444455556666', '*')] });
	t.regex(permissionFaults(open, ACCOUNT).join(), /leaves partition, region or account open/);
});

test('the role is for secrets of the partition that the region belongs to', t => {
	const inRegion = (region: string) => {
		const { Statement } = permissionPolicy(config({ namespaces: ['a'], provider: 'aws', paths: ['x'] }), {
			...ACCOUNT,
			region,
		});
		return (Statement as { Resource: string[] }[])[0]?.Resource[0];
	};
	t.is(inRegion('cn-north-1'), 'arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:x-??????');
	t.is(inRegion('us-gov-west-1'), 'arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:x-??????');
	t.is(inRegion('eusc-de-east-1'), 'arn:aws-eusc:secretsmanager:eusc-de-east-1:111122223333:secret:x-??????');
	t.is(
		inRegion('us-isob-east-1'),
		'arn:aws-iso-b:secretsmanager:us-isob-east-1:111122223333:secret:x-??????',
	);
});

test('exactly two objects of the issuer bucket are public, and the public may neither list nor write', t => {
	t.deepEqual(issuerBucketPolicy('arn:aws:s3:::b').Statement, [
		{
			Effect: 'Allow',
			Principal: '*',
			Action: 's3:GetObject',
			Resource: ['arn:aws:s3:::b/.well-known/openid-configuration', 'arn:aws:s3:::b/openid/v1/jwks'],
		},
	]);
});

// Every call to AWS that the controller made, and those that it must never be able to make, by the program's policy.
import { GetRolePolicyCommand, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { evaluate, type PolicyDocument } from '../cloud/aws/policy-evaluation.ts';
import { ACCOUNT, REGION } from '../cloud/moto.ts';
import { STACK } from '../cluster/stack.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

const secret = (name: string, account = ACCOUNT, region = REGION) =>
	`arn:aws:secretsmanager:${region}:${account}:secret:${name}-AbCdEf`;

/** Action and resource of calls that no identity of JASM may make. */
const FORBIDDEN: readonly (readonly [action: string, resource: string])[] = [
	['secretsmanager:GetSecretValue', secret('/dev/codnod/config')],
	['secretsmanager:GetSecretValue', secret('prod/codnod/config')],
	['secretsmanager:GetSecretValue', secret('/production/config')],
	['secretsmanager:GetSecretValue', secret('/prod/codnod/config', '999999999999')],
	['secretsmanager:GetSecretValue', secret('/prod/codnod/config', ACCOUNT, 'us-east-1')],
	['secretsmanager:GetSecretValue', '*'],
	...[
		'PutSecretValue',
		'UpdateSecret',
		'DeleteSecret',
		'CreateSecret',
		'RestoreSecret',
		'RotateSecret',
		'PutResourcePolicy',
		'UpdateSecretVersionStage',
		'ReplicateSecretToRegions',
		'DescribeSecret',
		'TagResource',
	].map(action => [`secretsmanager:${action}`, secret('/prod/codnod/config')] as const),
	['secretsmanager:ListSecrets', '*'],
	['secretsmanager:BatchGetSecretValue', '*'],
	['kms:Decrypt', `arn:aws:kms:${REGION}:${ACCOUNT}:key/any`],
	['s3:PutObject', `arn:aws:s3:::jasm-oidc-${ACCOUNT}-${STACK}/openid/v1/jwks`],
	['iam:PutRolePolicy', `arn:aws:iam::${ACCOUNT}:role/jasm`],
	['iam:CreateAccessKey', `arn:aws:iam::${ACCOUNT}:user/any`],
	['sts:AssumeRole', `arn:aws:iam::${ACCOUNT}:role/any`],
	['ssm:GetParameter', `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/prod`],
];

/** Those of SQS come while there is a queue of change notices. */
const KINDS = [
	'secretsmanager:GetSecretValue',
	'sts:AssumeRoleWithWebIdentity',
	'sqs:ReceiveMessage',
	'sqs:DeleteMessageBatch',
	'sqs:ChangeMessageVisibilityBatch',
];

export async function calls(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const RoleName = await context.role();
	await report.scenario(
		'calls to AWS',
		"each of them allowed by the program's own policy, of the known kinds",
		async () => {
			const calls = await environment.gate.calls();
			// The gate evaluated each call by the role's policies of that moment. One policy of the run denies a path.
			const authorized = calls.filter(
				({ action, role }) => action === 'GetSecretValue' && role?.endsWith(`/${RoleName}`),
			);
			const odd = authorized.filter(
				({ verdict, facts }) =>
					verdict === 'implicit-deny' ||
					(verdict === 'explicit-deny' && facts['SecretId'] !== '/prod/unlucky/denied'),
			);
			expect(odd.length === 0, `not allowed: ${odd.map(({ resource }) => resource).join(', ')}`);
			const kinds = [...new Set(calls.map(({ service, action }) => `${service}:${action}`))].sort();
			const others = kinds.filter(kind => !KINDS.includes(kind));
			expect(others.length === 0, `other kinds of calls: ${others}`);
			const signIns = calls.filter(({ action }) => action.startsWith('AssumeRole')).length;
			return `${authorized.length} reads, ${signIns} sign-ins`;
		},
	);
	await report.scenario(
		'forbidden calls',
		`${FORBIDDEN.length} calls that the policy must not allow`,
		async () => {
			const documents = await programPolicy(environment.account.iam, RoleName);
			const allowed = FORBIDDEN.filter(
				([action, resource]) => evaluate(documents, { action, resource }) === 'allowed',
			);
			expect(allowed.length === 0, `allowed: ${allowed.map(call => call.join(' ')).join(', ')}`);
			return `0 of ${FORBIDDEN.length} allowed`;
		},
	);
}

async function programPolicy(
	iam: ScenarioContext['environment']['account']['iam'],
	RoleName: string,
): Promise<PolicyDocument[]> {
	const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
	expect(PolicyNames.join() === 'read-secrets', `the role has policies ${PolicyNames}`);
	const { PolicyDocument } = await iam.send(
		new GetRolePolicyCommand({ RoleName, PolicyName: 'read-secrets' }),
	);
	return [JSON.parse(decodeURIComponent(PolicyDocument ?? '')) as PolicyDocument];
}

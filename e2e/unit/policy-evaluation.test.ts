// The evaluation of policy documents against the rules that IAM documents.
import test from 'ava';
import fc from 'fast-check';
import { evaluate, type Statement } from '../cloud/aws/policy-evaluation.ts';

const READ = 'secretsmanager:GetSecretValue';
const secret = (name: string) => `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}`;
const document = (...statements: Statement[]) => [{ Version: '2012-10-17', Statement: statements }];
const allow = (Resource: string | string[], Action: string | string[] = READ): Statement => ({
	Effect: 'Allow',
	Action,
	Resource,
});

test('what no statement allows is denied', t => {
	t.is(evaluate([], { action: READ, resource: secret('/prod/a') }), 'implicit-deny');
	const other = document(allow(secret('/prod/*')));
	t.is(evaluate(other, { action: READ, resource: secret('/dev/a-AbCdEf') }), 'implicit-deny');
	t.is(
		evaluate(other, { action: 'secretsmanager:PutSecretValue', resource: secret('/prod/a') }),
		'implicit-deny',
	);
});

test('a statement that denies wins over every one that allows', t => {
	const deny: Statement = { Effect: 'Deny', Action: 'secretsmanager:*', Resource: secret('/prod/a-*') };
	const documents = [...document(allow(secret('/prod/*'))), ...document(deny)];
	t.is(evaluate(documents, { action: READ, resource: secret('/prod/a-AbCdEf') }), 'explicit-deny');
	t.is(evaluate(documents, { action: READ, resource: secret('/prod/b-AbCdEf') }), 'allowed');
});

test('six question marks stand for the suffix of one secret and no other', t => {
	const exact = document(allow(secret('prod/db-??????')));
	t.is(evaluate(exact, { action: READ, resource: secret('prod/db-AbCdEf') }), 'allowed');
	t.is(evaluate(exact, { action: READ, resource: secret('prod/db-admin-AbCdEf') }), 'implicit-deny');
	t.is(evaluate(exact, { action: READ, resource: secret('prod/db') }), 'implicit-deny');
});

test('actions match whatever their case, resources only in theirs', t => {
	const documents = document(allow(secret('/prod/*'), 'SecretsManager:getsecret*'));
	t.is(evaluate(documents, { action: READ, resource: secret('/prod/a') }), 'allowed');
	t.is(evaluate(documents, { action: READ, resource: secret('/PROD/a') }), 'implicit-deny');
});

test('a trust policy holds who asks and every condition', t => {
	const issuer = 'bucket.s3.eu-west-1.amazonaws.com';
	const trust = document({
		Effect: 'Allow',
		Principal: { Federated: 'arn:provider' },
		Action: 'sts:AssumeRoleWithWebIdentity',
		Condition: { StringEquals: { [`${issuer}:aud`]: 'sts.amazonaws.com', [`${issuer}:sub`]: 'me' } },
	});
	const ask = (sub: string, aud = 'sts.amazonaws.com', id = 'arn:provider') =>
		evaluate(trust, {
			action: 'sts:AssumeRoleWithWebIdentity',
			principal: { type: 'Federated', id },
			context: { [`${issuer}:aud`]: aud, [`${issuer}:sub`]: sub },
		});
	t.is(ask('me'), 'allowed');
	t.is(ask('you'), 'implicit-deny');
	t.is(ask('me', 'other'), 'implicit-deny');
	t.is(ask('me', 'sts.amazonaws.com', 'arn:else'), 'implicit-deny');
});

test('a condition on a key that the call lacks is not fulfilled, unless it is negated or waits for it', t => {
	const under = (operator: string) =>
		evaluate(document({ ...allow('*'), Condition: { [operator]: { 'aws:tag': 'x' } } }), {
			action: READ,
			resource: secret('a'),
		});
	t.is(under('StringEquals'), 'implicit-deny');
	t.is(under('StringEqualsIfExists'), 'allowed');
	t.is(under('StringNotEquals'), 'allowed');
});

test('a statement that cannot be evaluated is an error', t => {
	const check = (statement: object) => () =>
		evaluate(document({ ...allow('*'), ...statement } as Statement), {
			action: READ,
			resource: secret('a'),
			context: { 'aws:tag': '0' },
		});
	t.throws(check({ Condition: { NumericLessThan: { 'aws:tag': '1' } } }), { message: /NumericLessThan/ });
	t.throws(check({ Effect: 'Maybe' }), { message: /Maybe/ });
	t.throws(check({ Surprise: true }), { message: /Surprise/ });
	t.throws(check({ Resource: '$'.concat('{aws:username}') }), { message: /variables/ });
});

test('a pattern without wildcards matches itself and nothing else', t => {
	const text = fc.stringMatching(/^[A-Za-z0-9/_+=.@()[\]^|-]{1,20}$/);
	t.notThrows(() =>
		fc.assert(
			fc.property(text, text, (pattern, name) => {
				const verdict = evaluate(document(allow(secret(pattern))), { action: READ, resource: secret(name) });
				return (verdict === 'allowed') === (pattern === name);
			}),
		),
	);
});

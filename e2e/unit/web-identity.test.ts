// What the gate recognises as a request to AWS, and which tokens it accepts as an identity.
import { generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import { awsCall } from '../cloud/aws/aws-call.ts';
import { checkWebIdentity, isSigned, type PublicKey, type Registry } from '../cloud/aws/web-identity.ts';

const HOST = 'bucket.s3.eu-west-1.amazonaws.com';
const ISSUER = `https://${HOST}`;
const SUBJECT = 'system:serviceaccount:jasm:jasm';
const NOW = Date.UTC(2030, 0, 1);
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

function token(claims: object = {}, kid = 'k1'): string {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const given = { iss: ISSUER, aud: ['sts.amazonaws.com'], sub: SUBJECT, exp: NOW / 1000 + 600, ...claims };
	const text = `${part({ alg: 'RS256', kid })}.${part(given)}`;
	return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
}

const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] });
const discovery = JSON.stringify({ issuer: ISSUER, jwks_uri: `${ISSUER}/openid/v1/jwks` });
const registry: Registry = {
	provider: async host =>
		host === HOST ? { arn: 'arn:provider', audiences: ['sts.amazonaws.com'] } : undefined,
	document: async url =>
		({ [`${ISSUER}/.well-known/openid-configuration`]: discovery, [`${ISSUER}/openid/v1/jwks`]: jwks })[url],
	trust: async () => ({
		Statement: {
			Effect: 'Allow',
			Principal: { Federated: 'arn:provider' },
			Action: 'sts:AssumeRoleWithWebIdentity',
			Condition: { StringEquals: { [`${HOST}:sub`]: SUBJECT, [`${HOST}:aud`]: 'sts.amazonaws.com' } },
		},
	}),
};
const check = (text: string, known: Partial<Registry> = {}) =>
	checkWebIdentity(text, 'arn:aws:iam::123456789012:role/jasm', { ...registry, ...known }, NOW);

test('the token of the trusted ServiceAccount takes the role', async t => {
	t.is(await check(token()), undefined);
});

test('another ServiceAccount, another audience and an ended token are refused', async t => {
	t.is((await check(token({ sub: 'system:serviceaccount:jasm:default' })))?.code, 'AccessDenied');
	t.is((await check(token({ aud: ['vault'] })))?.code, 'InvalidIdentityToken');
	t.is((await check(token({ exp: NOW / 1000 })))?.code, 'ExpiredTokenException');
});

test('a token is refused where its issuer is not registered or its key not published', async t => {
	t.is((await check(token({ iss: 'https://elsewhere.example' })))?.code, 'InvalidIdentityToken');
	t.is((await check(token({}, 'k2')))?.code, 'InvalidIdentityToken');
	t.is((await check(token(), { document: async () => undefined }))?.code, 'InvalidIdentityToken');
	t.is((await check('not a token'))?.code, 'InvalidIdentityToken');
});

test('a token with another body under its signature is refused', async t => {
	const [head, , signature] = token({ sub: 'x' }).split('.');
	const [, body] = token().split('.');
	t.is((await check([head, body, signature].join('.')))?.code, 'InvalidIdentityToken');
});

test('a role that does not exist is not taken', async t => {
	t.is((await check(token(), { trust: async () => undefined }))?.code, 'AccessDenied');
});

test('a call is recorded by service, action and names, never by a token or a value', t => {
	const identity = new URLSearchParams({
		Action: 'AssumeRoleWithWebIdentity',
		RoleArn: 'arn:role',
		WebIdentityToken: token(),
	});
	const sts = awsCall({ method: 'POST', path: '/', headers: {}, body: String(identity) });
	t.like(sts, { service: 'sts', action: 'AssumeRoleWithWebIdentity', accessKeyId: undefined });
	t.is(sts.facts['token.sub'], SUBJECT);
	t.is(sts.facts['token.aud'], 'sts.amazonaws.com');
	t.false(JSON.stringify(sts).includes(token().split('.')[2]!));

	const put = awsCall({
		method: 'POST',
		path: '/',
		headers: {
			'x-amz-target': 'secretsmanager.PutSecretValue',
			authorization:
				'AWS4-HMAC-SHA256 Credential=AKID/20300101/eu-west-1/secretsmanager/aws4_request, Signature=x',
		},
		body: JSON.stringify({ SecretId: '/prod/a', SecretString: 'hunter2' }),
	});
	t.deepEqual(put, {
		service: 'secretsmanager',
		action: 'PutSecretValue',
		accessKeyId: 'AKID',
		region: 'eu-west-1',
		facts: { SecretId: '/prod/a' },
	});
});

test('a token is signed by the key of its own id and by no other', t => {
	const { keys } = JSON.parse(jwks) as { keys: PublicKey[] };
	const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
	t.true(isSigned(token(), keys));
	t.false(isSigned(token({}, 'k2'), keys));
	t.false(isSigned(token(), [{ ...stranger, kid: 'k1' }]));
	t.false(isSigned(token(), []));
});

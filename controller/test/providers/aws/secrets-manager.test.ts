// AWS Secrets Manager keeps every provider's promises, and its own: names, ARNs, versions, errors, retries.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import {
	CreateSecretCommand,
	DeleteSecretCommand,
	PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import test from 'ava';
import type { ErrorCode } from '../../../src/errors.ts';
import { ACCOUNT, startAws } from '../../helpers/servers/aws.ts';
import { clientOf } from '../../helpers/servers/secrets-manager-client.ts';
import { refusal, testProvider } from '../shared/contract.ts';
import { AWS } from './product.ts';

testProvider(AWS);

const elsewhere = process.env['JASM_TEST_AWS_ENDPOINT'];
if (elsewhere !== undefined) {
	test(`${elsewhere}: another implementation of AWS is signed in to and read alike`, async t => {
		const { read } = await startAws(t, { config: { endpoint: elsewhere, stsEndpoint: elsewhere } });
		const client = clientOf(t, elsewhere);
		const Name = `/test/${randomUUID()}`;
		t.is((await refusal(read(Name))).code, 'SECRET_NOT_FOUND');
		const { VersionId } = await client.send(new CreateSecretCommand({ Name, SecretString: '{"n":1.10}' }));
		await client.send(new PutSecretValueCommand({ SecretId: Name, SecretBinary: new Uint8Array([0, 255]) }));
		t.deepEqual([...(await read(Name)).payload()], [0, 255]);
		t.is((await read(Name, VersionId)).payload().toString(), '{"n":1.10}');
		t.is((await read(Name, 'AWSPREVIOUS')).version, VersionId!);
		await client.send(new DeleteSecretCommand({ SecretId: Name }));
		t.is((await refusal(read(Name))).code, 'SECRET_DELETED');
	});
}

test('a leading slash is part of the name', async t => {
	const { server, read } = await startAws(t);
	server.put('/prod/db', 'with');
	server.put('prod/db', 'without');
	t.is((await read('/prod/db')).payload().toString(), 'with');
	t.is((await read('prod/db')).payload().toString(), 'without');
});

test('a name that ends in a hyphen and six characters is a name like any other', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'short');
	server.put('prod/db-admins', 'long');
	t.is((await read('prod/db-admins')).payload().toString(), 'long');
});

test('a complete ARN of a listed account is read, and its region is asked', async t => {
	const { server, read } = await startAws(t, {
		config: { accounts: [ACCOUNT], regions: ['eu-west-1', 'us-east-2'] },
	});
	const { arn } = server.put('/prod/db', 'here');
	t.is((await read(arn)).payload().toString(), 'here');
	t.is((await refusal(read(arn.replace('eu-west-1', 'us-east-2')))).code, 'SECRET_NOT_FOUND');
	t.deepEqual(
		server.calls.filter(({ operation }) => operation === 'GetSecretValue').map(({ region }) => region),
		['eu-west-1', 'us-east-2'],
	);
});

test('versions of 32 to 64 characters are ids, all others are stages', async t => {
	const { server, read } = await startAws(t);
	const { versionId } = server.put('prod/db', 'first');
	server.put('prod/db', 'second');
	t.is((await read('prod/db', versionId)).payload().toString(), 'first');
	t.is((await read('prod/db', 'AWSPREVIOUS')).payload().toString(), 'first');
	t.is((await read('prod/db', 'AWSCURRENT')).payload().toString(), 'second');
	t.is((await refusal(read('prod/db', 'x'.repeat(32)))).code, 'SECRET_NOT_FOUND');
	t.is((await refusal(read('prod/db', 'NOSUCHSTAGE'))).code, 'SECRET_NOT_FOUND');
	t.is((await refusal(read('prod/db', 'x'.repeat(257)))).code, 'PROVIDER_REQUEST_INVALID');
	t.is((await refusal(read('prod/db', 'a b'))).code, 'PROVIDER_REQUEST_INVALID');
});

test('a secret that is marked for deletion is told from one that never was', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	server.delete('prod/db');
	t.is((await refusal(read('prod/db'))).code, 'SECRET_DELETED');
});

test('a value of 65,536 bytes arrives whole', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x'.repeat(65_536));
	t.is((await read('prod/db')).size, 65_536);
});

for (const [type, code] of [
	['ThrottlingException', 'PROVIDER_THROTTLED'],
	['TooManyRequestsException', 'PROVIDER_THROTTLED'],
	['RequestLimitExceeded', 'PROVIDER_THROTTLED'],
	['AccessDeniedException', 'PROVIDER_DENIED'],
	['DecryptionFailure', 'PROVIDER_DECRYPTION_FAILED'],
	['InvalidParameterException', 'PROVIDER_REQUEST_INVALID'],
	['InvalidRequestException', 'PROVIDER_REQUEST_INVALID'],
	['ValidationException', 'PROVIDER_REQUEST_INVALID'],
	['UnrecognizedClientException', 'PROVIDER_AUTH'],
	['InvalidSignatureException', 'PROVIDER_AUTH'],
	['ExpiredTokenException', 'PROVIDER_AUTH'],
	['ServiceUnavailableException', 'PROVIDER_UNAVAILABLE'],
	['NeverHeardOfException', 'PROVIDER_UNAVAILABLE'],
] as const satisfies readonly (readonly [string, ErrorCode])[]) {
	test(`${type} is ${code}, by its name and not by its status 400`, async t => {
		const { server, read } = await startAws(t);
		server.inject({ type, message: 'as documented' });
		t.is((await refusal(read('prod/db'))).code, code);
	});
}

for (const [status, code] of [
	[200, 'PROVIDER_UNAVAILABLE'],
	[400, 'PROVIDER_UNAVAILABLE'],
	[401, 'PROVIDER_AUTH'],
	[403, 'PROVIDER_DENIED'],
	[404, 'PROVIDER_UNAVAILABLE'],
	[429, 'PROVIDER_THROTTLED'],
	[503, 'PROVIDER_UNAVAILABLE'],
] as const) {
	test(`a proxy that answers ${status} in HTML is ${code}, never absence`, async t => {
		const { server, read } = await startAws(t);
		server.put('prod/db', 'x');
		server.inject({ html: status });
		const error = await refusal(read('prod/db'));
		t.is(error.code, code);
		t.is(error.details['status'], status);
	});
}

test('a refusal of the key is told from a refusal of the secret', async t => {
	const { server, read } = await startAws(t);
	server.inject('kms-denied');
	const error = await refusal(read('prod/db'));
	t.is(error.code, 'PROVIDER_DECRYPTION_FAILED');
	t.regex(error.message, /kms:Decrypt/);
});

test('a denial names the permissions that are needed, and no account, role or request id', async t => {
	const { server, read } = await startAws(t, {
		server: { allow: name => name !== 'prod/db' },
		config: { accounts: [ACCOUNT] },
	});
	const { arn } = server.put('prod/db', 'x');
	const error = await refusal(read(arn));
	t.is(error.code, 'PROVIDER_DENIED');
	t.regex(error.message, /secretsmanager:GetSecretValue/);
	t.regex(error.message, /kms:Decrypt/);
	t.regex(error.message, /^reading secret "prod\/db" from aws: /);
	const { requestId, ...details } = error.details;
	t.deepEqual(details, { error: 'AccessDeniedException', status: 400, attempts: 1 });
	t.regex(String(requestId), /^[0-9a-f-]{36}$/);
	t.false(error.message.includes(String(requestId)));
	t.false(/\d{12}|role/.test(error.message.replace('or the role lacks', '')));
});

test('the same failure reads the same every time, so that Events repeat', async t => {
	const { server, read } = await startAws(t);
	server.inject('access-denied');
	const [first, second] = [await refusal(read('prod/db')), await refusal(read('prod/db'))];
	t.is(first.message, second.message);
	t.not(first.details['requestId'], second.details['requestId']);
});

test('what the other side calls its error reaches the log only if it is an identifier', async t => {
	const { server, read } = await startAws(t);
	server.inject({ type: 'Evil\nlevel=error canary', message: 'canary' });
	const error = await refusal(read('prod/db'));
	t.false(inspect(error, { showHidden: true, depth: 10 }).includes('canary'));
});

test('the SDK retries a throttled read; after its last try no client retries soon', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	server.inject('throttling', { times: 1 });
	t.is((await read('prod/db')).payload().toString(), 'x');
	t.is(server.count('GetSecretValue'), 2);
	server.inject('throttling');
	t.is((await refusal(read('prod/db'))).retryAfterMs, 5_000);
	t.is(server.count('GetSecretValue'), 5);
});

test('an attempt that hangs really times out, and the next one can succeed', async t => {
	const { server, read } = await startAws(t, { config: { timeoutMs: 3_000 } });
	server.put('prod/db', 'x');
	server.inject('hang', { times: 1 });
	t.is((await read('prod/db')).payload().toString(), 'x');
	t.is(server.count('GetSecretValue'), 2);
});

test('an outage tells how many attempts were made', async t => {
	const { server, read } = await startAws(t);
	server.inject('reset');
	const error = await refusal(read('prod/db'));
	t.is(error.code, 'PROVIDER_UNAVAILABLE');
	t.is(error.retry, 'fast');
	t.is(error.details['attempts'], 3);
	// The connection of the sign-in is used again: its end says nothing about the read, which is sent once more.
	t.is(server.count('GetSecretValue'), 4);
});

test('an answer about another secret is not taken', async t => {
	const { server, read } = await startAws(t, { config: { accounts: [ACCOUNT] } });
	const { arn } = server.put('prod/db', 'x');
	// An ARN whose suffix is taken for the name's end is found here as a partial one.
	server.put('prod/db-admins', 'other');
	const error = await refusal(read(`${arn.slice(0, -7)}-admins`));
	t.is(error.code, 'PROVIDER_UNAVAILABLE');
	t.regex(error.message, /another secret/);
});

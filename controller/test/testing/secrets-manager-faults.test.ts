// What only the embedded Secrets Manager has: limits, policy and trust, faults on demand, a call log.
import {
	CreateSecretCommand,
	DescribeSecretCommand,
	GetSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { fromTokenFile } from '@aws-sdk/credential-providers';
import test from 'ava';
import { CLAIMS, ROLE_ARN, tokenFile } from '../helpers/servers/aws.ts';
import { callerIdentity, clientOf, embedded, failure } from '../helpers/servers/secrets-manager-client.ts';

test('values end at 65,536 bytes', async t => {
	const client = clientOf(t, (await embedded(t)).url);
	const SecretString = 'é'.repeat(32_768);
	await client.send(new CreateSecretCommand({ Name: 'full', SecretString }));
	const refused = await failure(
		client.send(new CreateSecretCommand({ Name: 'more', SecretString: `${SecretString}x` })),
	);
	t.is(refused.name, 'ValidationException');
	t.is(
		(await failure(client.send(new DescribeSecretCommand({ SecretId: 'more' })))).name,
		'ResourceNotFoundException',
	);
});

test('names that AWS refuses are refused', async t => {
	const client = clientOf(t, (await embedded(t)).url);
	for (const Name of ['a b', 'a:b', 'a%b', 'x'.repeat(513)]) {
		const refused = await failure(client.send(new CreateSecretCommand({ Name, SecretString: 'x' })));
		t.is(refused.name, 'ValidationException', Name);
	}
});

test('each region has its own secrets', async t => {
	const server = await embedded(t);
	const { arn } = server.put('db', 'ireland');
	t.regex(arn, /:eu-west-1:/);
	const ohio = clientOf(t, server.url, { region: 'us-east-2' });
	t.is(
		(await failure(ohio.send(new GetSecretValueCommand({ SecretId: 'db' })))).name,
		'ResourceNotFoundException',
	);
});

test('a forbidden secret is denied whether it exists or not', async t => {
	const server = await embedded(t, {
		allow: (name, principal) => name === 'mine' && principal.includes('user/'),
	});
	const client = clientOf(t, server.url);
	server.put('mine', 'x');
	const { arn } = server.put('other', 'x');
	t.is((await client.send(new GetSecretValueCommand({ SecretId: 'mine' }))).SecretString, 'x');
	for (const SecretId of ['other', arn, 'missing']) {
		const refused = await failure(client.send(new GetSecretValueCommand({ SecretId })));
		t.like(refused, { name: 'AccessDeniedException', status: 400 });
		t.regex(refused.message, /not authorized to perform: secretsmanager:GetSecretValue/);
	}
});

for (const [what, claims, name] of [
	['a wrong issuer', { iss: 'https://other.example' }, 'InvalidIdentityTokenException'],
	['a wrong audience', { aud: 'vault' }, 'InvalidIdentityTokenException'],
	['a wrong subject', { sub: 'system:serviceaccount:team:app' }, 'AccessDenied'],
	['a past expiry', { exp: 1 }, 'ExpiredTokenException'],
] as const) {
	test(`STS refuses a token with ${what}`, async t => {
		const { url } = await embedded(t, { trust: { issuer: CLAIMS.iss, subjects: [CLAIMS.sub] } });
		const credentials = fromTokenFile({
			roleArn: ROLE_ARN,
			webIdentityTokenFile: tokenFile(t, { ...CLAIMS, ...claims }),
			clientConfig: { region: 'eu-west-1', endpoint: url },
		});
		t.is((await failure(credentials())).name, name);
	});
}

test('STS refuses a role that does not exist, a token that is none and one whose signature is wrong', async t => {
	const { url } = await embedded(t, {
		trust: { roles: [ROLE_ARN], verify: token => token.endsWith('good') },
	});
	const assume = async (token: string, roleArn = ROLE_ARN) => {
		const body = new URLSearchParams({
			Action: 'AssumeRoleWithWebIdentity',
			RoleArn: roleArn,
			RoleSessionName: 'jasm',
			WebIdentityToken: token,
		});
		const response = await fetch(url, { method: 'POST', body });
		return { status: response.status, code: /<Code>(\w+)</.exec(await response.text())?.[1] };
	};
	const token = `e30.${Buffer.from(JSON.stringify(CLAIMS)).toString('base64url')}`;
	t.is((await assume(`${token}.good`)).status, 200);
	t.deepEqual(await assume(`${token}.bad`), { status: 400, code: 'InvalidIdentityToken' });
	t.deepEqual(await assume('garbage'), { status: 400, code: 'InvalidIdentityToken' });
	t.deepEqual(await assume(`${token}.good`, `${ROLE_ARN}-other`), { status: 403, code: 'AccessDenied' });
});

test('a session that was ended, or that STS never gave out, is refused', async t => {
	const server = await embedded(t);
	const { url } = server;
	const credentials = fromTokenFile({
		roleArn: ROLE_ARN,
		webIdentityTokenFile: tokenFile(t),
		roleSessionName: 'jasm',
		clientConfig: { region: 'eu-west-1', endpoint: url },
	});
	const identity = await credentials();
	t.regex(await callerIdentity(url, identity.accessKeyId), /assumed-role\/jasm-reader\/jasm/);
	const client = clientOf(t, url, { credentials: async () => identity });
	server.expireSessions();
	t.is(
		(await failure(client.send(new GetSecretValueCommand({ SecretId: 'x' })))).name,
		'ExpiredTokenException',
	);
	const stranger = clientOf(t, url, {
		credentials: async () => ({ ...identity, accessKeyId: 'ASIASTRANGER' }),
	});
	t.is(
		(await failure(stranger.send(new GetSecretValueCommand({ SecretId: 'x' })))).name,
		'UnrecognizedClientException',
	);
});

for (const [fault, name] of [
	['throttling', 'ThrottlingException'],
	['internal-error', 'InternalServiceError'],
	['access-denied', 'AccessDeniedException'],
	['kms-denied', 'AccessDeniedException'],
	['expired-token', 'ExpiredTokenException'],
	['decryption-failure', 'DecryptionFailure'],
	['hang', 'TimeoutError'],
	['reset', 'TimeoutError'],
	['truncate', 'Error'],
	[{ html: 503 }, 'SyntaxError'],
	[{ type: 'OddException', message: 'odd' }, 'OddException'],
] as const) {
	test(`the fault ${JSON.stringify(fault)} reaches the SDK as ${name}, as often as it was asked for`, async t => {
		const server = await embedded(t);
		server.put('db', 'x');
		const patient = clientOf(t, server.url);
		// Only what never answers has to be given up.
		const client = fault === 'hang' ? clientOf(t, server.url, { timeoutMs: 500 }) : patient;
		server.inject(fault, { times: 1 });
		t.is((await failure(client.send(new GetSecretValueCommand({ SecretId: 'db' })))).name, name);
		t.is((await patient.send(new GetSecretValueCommand({ SecretId: 'db' }))).SecretString, 'x');
	});
}

test('a stalled body never ends by itself', async t => {
	const server = await embedded(t);
	server.put('db', 'x'.repeat(1_000));
	server.inject('stall');
	const client = clientOf(t, server.url);
	const controller = new AbortController();
	const sent = failure(
		client.send(new GetSecretValueCommand({ SecretId: 'db' }), { abortSignal: controller.signal }),
	);
	await server.waitForCall(({ name }) => name === 'db');
	controller.abort();
	t.regex((await sent).name, /Error$/);
});

test('throttling and errors of the server are what the standard retry mode retries', async t => {
	const server = await embedded(t);
	server.put('db', 'x');
	const client = clientOf(t, server.url, { maxAttempts: 3 });
	server.inject('internal-error', { times: 2 });
	const read = await client.send(new GetSecretValueCommand({ SecretId: 'db' }));
	t.is(read.$metadata.attempts, 3);
	t.is(server.count('GetSecretValue', 'db'), 3);
});

test('a fault hits what it is aimed at, and only until it is stopped', async t => {
	const server = await embedded(t);
	server.put('a', 'x');
	server.put('b', 'x');
	const client = clientOf(t, server.url);
	const fault = server.inject('access-denied', { when: ({ name }) => name === 'a' });
	const read = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }));
	t.is((await failure(read('a'))).name, 'AccessDeniedException');
	t.is((await read('b')).SecretString, 'x');
	fault.stop();
	t.is((await read('a')).SecretString, 'x');
});

test('answers come late by the latency of the server and of the fault together', async t => {
	const server = await embedded(t, { latencyMs: 30 });
	server.put('db', 'x');
	server.inject({ latencyMs: 40 }, { times: 1 });
	const client = clientOf(t, server.url);
	await client.send(new GetSecretValueCommand({ SecretId: 'db' }));
	t.true(performance.now() - server.calls[0]!.at >= 65);
});

test('every call is logged with what it asked for, and can be waited for before it comes', async t => {
	const server = await embedded(t);
	const client = clientOf(t, server.url);
	const { arn } = server.put('prod/db', 'x');
	const waited = server.waitForCall(({ name }) => name === 'prod/db');
	await client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: 'AWSCURRENT' }));
	await failure(client.send(new GetSecretValueCommand({ SecretId: 'prod/none' })));
	t.like(await waited, {
		operation: 'GetSecretValue',
		name: 'prod/db',
		version: 'AWSCURRENT',
		region: 'eu-west-1',
		accessKeyId: 'AKIATEST',
	});
	t.is(server.count(), 2);
	t.is(server.count('GetSecretValue'), 2);
	t.is(server.count('GetSecretValue', 'prod/db'), 1);
	await t.throwsAsync(
		server.waitForCall(() => false, 1),
		{ message: /none of 2/ },
	);
});

test('put replaces and revives, delete marks or removes', async t => {
	const server = await embedded(t);
	const client = clientOf(t, server.url);
	const read = (selector = {}) => client.send(new GetSecretValueCommand({ SecretId: 'db', ...selector }));
	const first = server.put('db', { n: 1 });
	t.is((await read()).SecretString, '{"n":1}');
	server.delete('db');
	t.is((await failure(read())).name, 'InvalidRequestException');
	const taken = await failure(client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' })));
	t.is(taken.name, 'InvalidRequestException');
	const second = server.put('db', Buffer.from([1, 2]));
	t.is(second.arn, first.arn);
	t.deepEqual([...(await read()).SecretBinary!], [1, 2]);
	t.is((await read({ VersionId: first.versionId })).SecretString, '{"n":1}');
	server.delete('db', { forever: true });
	t.is((await failure(read())).name, 'ResourceNotFoundException');
});

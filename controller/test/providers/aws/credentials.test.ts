// JASM's identity at AWS: exactly the configured source; the node's role never by accident.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { rmSync, writeFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nameOf } from '../../../src/config/schema-walk.ts';
import { awsSecretsManagerSchema } from '../../../src/providers/aws/schema.ts';
import { CLAIMS, folder, jwt, startAws, tokenFile } from '../../helpers/servers/aws.ts';
import { startHttp } from '../../helpers/servers/plain-http.ts';
import { refusal } from '../shared/contract.ts';

const signIns = (server: { count(operation: string): number }) => server.count('AssumeRoleWithWebIdentity');

const KEYS = {
	AccessKeyId: 'AKIANODE',
	SecretAccessKey: 'secret',
	Token: 'token',
	Expiration: new Date(4_000_000_000_000).toISOString(),
};

test('web identity: a burst of first reads signs in once', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	await Promise.all(Array.from({ length: 100 }, () => read('prod/db')));
	t.is(signIns(server), 1);
	t.is(server.count('GetSecretValue'), 100);
});

test('web identity: a session that was ended is dropped, and the same read signs in again', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	await read('prod/db');
	server.expireSessions();
	t.is((await read('prod/db')).payload().toString(), 'x');
	t.is(signIns(server), 2);
});

test('web identity: a session that was ended under a burst of reads costs one sign-in, and fails none of them', async t => {
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	await read('prod/db');
	server.expireSessions();
	await Promise.all(Array.from({ length: 50 }, () => read('prod/db')));
	t.is(signIns(server), 2);
});

test('web identity: the token file is read again at every sign-in', async t => {
	const file = tokenFile(t, { ...CLAIMS, exp: 1 });
	const { server, read } = await startAws(t, { config: { tokenFile: file } });
	server.put('prod/db', 'x');
	t.is((await refusal(read('prod/db'))).code, 'PROVIDER_AUTH');
	writeFileSync(file, jwt(CLAIMS));
	t.is((await read('prod/db')).payload().toString(), 'x');
	rmSync(file);
	server.expireSessions();
	await refusal(read('prod/db'));
	const error = await refusal(read('prod/db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.false(error.message.includes(file));
});

for (const [what, claims, says] of [
	['another issuer', { iss: 'https://other.example' }, /no identity provider for the issuer/],
	[
		'another ServiceAccount',
		{ sub: 'system:serviceaccount:team:app' },
		/the role does not exist or does not trust/,
	],
	['another audience', { aud: ['vault'] }, /the token is for another audience/],
	['a past expiry', { exp: 1 }, /the token has expired, check the clock/],
] as const) {
	test(`web identity: a token of ${what} is a matter of identity, says its cause, and no read is made`, async t => {
		const { server, read } = await startAws(t, {
			config: { tokenFile: tokenFile(t, { ...CLAIMS, ...claims }) },
		});
		const error = await refusal(read('prod/db'));
		t.is(error.code, 'PROVIDER_AUTH');
		t.regex(error.message, /sts:AssumeRoleWithWebIdentity/);
		t.regex(error.message, says);
		t.notRegex(error.message, /arn:|\d{12}|issuer\.example|serviceaccount:/);
		t.is(error.cause, undefined);
		t.is(server.count('GetSecretValue'), 0);
	});
}

test('web identity: a token file that is missing is no refusal of AWS; its path is for the log', async t => {
	const { read } = await startAws(t, { config: { tokenFile: '/nowhere/token' } });
	const error = await refusal(read('prod/db'));
	t.is(error.code, 'PROVIDER_AUTH');
	t.regex(error.message, /signing in lacks the file of tokenFile, which does not exist$/);
	t.like(error.details, { file: '/nowhere/token', errno: 'ENOENT' });
	const empty = await startAws(t, { config: { tokenFile: folder(t) } });
	t.regex((await refusal(empty.read('prod/db'))).message, /which is a folder$/);
});

test('web identity: STS that refuses, throttles or fails is told apart', async t => {
	const when = ({ operation }: { operation: string }) => operation === 'AssumeRoleWithWebIdentity';
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	for (const [fault, code] of [
		[{ type: 'AccessDenied', message: 'Not authorized', status: 403 }, 'PROVIDER_AUTH'],
		[{ type: 'Throttling', message: 'Rate exceeded' }, 'PROVIDER_THROTTLED'],
		[{ type: 'InternalFailure', message: '', status: 500 }, 'PROVIDER_UNAVAILABLE'],
		[{ html: 502 }, 'PROVIDER_UNAVAILABLE'],
		['reset', 'PROVIDER_UNAVAILABLE'],
	] as const) {
		const injected = server.inject(fault, { when });
		t.is((await refusal(read('prod/db'))).code, code, JSON.stringify(fault));
		injected.stop();
	}

	t.is((await read('prod/db')).payload().toString(), 'x');
});

test('web identity: a sign-in that hangs does not hold up other callers for ever', async t => {
	const { server, read } = await startAws(t, { config: { timeoutMs: 500 } });
	server.put('prod/db', 'x');
	const hang = server.inject('hang', { when: ({ operation }) => operation === 'AssumeRoleWithWebIdentity' });
	t.is((await refusal(read('prod/db'))).code, 'PROVIDER_UNAVAILABLE');
	hang.stop();
	t.is((await read('prod/db')).payload().toString(), 'x');
});

test('container: the agent of the node is asked with the token of the pod', async t => {
	const agent = await startHttp(t, (_request, response) => response.end(JSON.stringify(KEYS)));
	const tokenPath = join(folder(t), 'pod-token');
	writeFileSync(tokenPath, 'pod-token');
	const { server, read } = await startAws(t, {
		config: { credentials: 'container' },
		env: {
			AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`,
			AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenPath,
		},
	});
	server.put('prod/db', 'x');
	await read('prod/db');
	t.is(server.calls.at(-1)?.accessKeyId, 'AKIANODE');
	t.is(agent.requests[0]?.url, '/v1/credentials');
	t.is(agent.requests[0]?.headers.authorization, 'pod-token');
});

test('container: an agent that once answered nothing does not hold up later reads', async t => {
	let hangs = true;
	const agent = await startHttp(t, (_request, response) => {
		if (!hangs) {
			response.end(JSON.stringify(KEYS));
		}
	});
	const { server, read } = await startAws(t, {
		config: { credentials: 'container', timeoutMs: 300 },
		env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url },
	});
	server.put('prod/db', 'x');
	t.is((await refusal(read('prod/db'))).code, 'PROVIDER_UNAVAILABLE');
	hangs = false;
	t.is((await read('prod/db')).payload().toString(), 'x');
});

test('environment: the keys of the environment are used, with their session', async t => {
	const { server, read } = await startAws(t, {
		config: { credentials: 'environment' },
		env: { AWS_ACCESS_KEY_ID: 'AKIADEV', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' },
	});
	server.put('prod/db', 'x');
	await read('prod/db');
	t.is(server.calls.at(-1)?.accessKeyId, 'AKIADEV');
	t.is(signIns(server), 0);
});

function profileEnv(t: ExecutionContext, config: string) {
	const path = join(folder(t), 'config');
	writeFileSync(path, config);
	return { AWS_CONFIG_FILE: path, AWS_SHARED_CREDENTIALS_FILE: `${path}-none` };
}

test('profile: the profile codnod is used unless the config names another', async t => {
	const env = profileEnv(
		t,
		'[profile codnod]\naws_access_key_id=AKIACODNOD\naws_secret_access_key=s\n' +
			'[profile other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=s\n',
	);
	const { server, read } = await startAws(t, { config: { credentials: 'profile' }, env });
	server.put('prod/db', 'x');
	await read('prod/db');
	t.is(server.calls.at(-1)?.accessKeyId, 'AKIACODNOD');
	const other = await startAws(t, { config: { credentials: 'profile', profile: 'other' }, env });
	other.server.put('prod/db', 'x');
	await other.read('prod/db');
	t.is(other.server.calls.at(-1)?.accessKeyId, 'AKIAOTHER');
});

/** The hosts that were asked while `action` ran, by any client. */
async function hostsAskedBy(action: () => Promise<unknown>): Promise<Set<string>> {
	const hosts = new Set<string>();
	const listener = (message: unknown) => hosts.add((message as { request: ClientRequest }).request.host);
	subscribe('http.client.request.start', listener);
	try {
		await action();
	} finally {
		unsubscribe('http.client.request.start', listener);
	}

	return hosts;
}

const NODE_HOSTS = ['169.254.169.254', '[fd00:ec2::254]', 'fd00:ec2::254'];

test.serial(
	"without an identity of its own JASM never asks for the node's, whatever the SDK's environment",
	async t => {
		const imds = await startHttp(t, (_request, response) => response.end('node-role'));
		Object.assign(process.env, {
			AWS_DEFAULTS_MODE: 'auto',
			AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
			AWS_CONFIG_FILE: '/nowhere',
			AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
		});
		delete process.env['AWS_EC2_METADATA_DISABLED'];
		const sources = awsSecretsManagerSchema._zod.def.options.map(form => nameOf(form, 'credentials'));
		t.true(sources.includes('instance'));
		for (const credentials of sources.filter(source => source !== 'instance')) {
			const hosts = await hostsAskedBy(async () => {
				const { read } = await startAws(t, {
					config: { credentials, roleArn: undefined, tokenFile: undefined, region: undefined },
					env: { AWS_REGION: 'eu-west-1', AWS_CONFIG_FILE: '/nowhere' },
				});
				const error = await refusal(read('prod/db'));
				t.is(error.code, 'PROVIDER_AUTH', credentials);
			});
			t.deepEqual([...hosts], [], credentials);
		}

		t.is(imds.requests.length, 0);
	},
);

test.serial(
	"a profile cannot lead to the node's role either, not even by way of another profile",
	async t => {
		const imds = await startHttp(t, (_request, response) => response.end('node-role'));
		process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = imds.url;
		const env = profileEnv(
			t,
			'[profile codnod]\nrole_arn=arn:aws:iam::123456789012:role/a\nsource_profile=node\n' +
				'[profile node]\nrole_arn=arn:aws:iam::123456789012:role/b\ncredential_source=Ec2InstanceMetadata\n',
		);
		const { read } = await startAws(t, { config: { credentials: 'profile' }, env });
		const hosts = await hostsAskedBy(async () => {
			const error = await refusal(read('prod/db'));
			t.is(error.code, 'PROVIDER_AUTH');
			t.regex(error.message, /credentials: instance/);
		});
		t.false(NODE_HOSTS.some(host => hosts.has(host)));
		t.is(imds.requests.length, 0);
	},
);

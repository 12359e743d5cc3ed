// Every way to sign in of every kind, over http and https, through redirects and proxies, as one configuration.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSecretsManager } from '../../../testing/aws/secrets-manager.ts';
import { CLAIMS, folder, ROLE_ARN, tokenFile } from '../servers/aws.ts';
import { prepareKeyVault, requestToken } from '../servers/azure.ts';
import { startConnectProxy } from '../servers/connect-proxy.ts';
import { startHttp } from '../servers/plain-http.ts';
import { startTlsFront } from '../servers/tls-front.ts';
import { allowKubernetes, serviceAccountToken, startReviewer } from '../servers/token-reviewer.ts';
import { identityToken } from '../servers/tokens.ts';
import { prepareVault } from '../servers/vault.ts';
import { startEmbedded } from '../servers/vault-target.ts';
import type { Teardown } from './file-teardown.ts';

export type Entry = {
	readonly config: Readonly<Record<string, unknown>>;
	/** What a pod asks for. */
	readonly path: string;
	/** The value of key `from`, or what the Event has to say where the store is out of reach here. */
	readonly expected: string | RegExp;
};

export type Matrix = {
	readonly entries: Readonly<Record<string, Entry>>;
	readonly env: Readonly<Record<string, string>>;
};

type Part = { entries: Record<string, Entry>; env?: Record<string, string> };

const LIMITS = { concurrency: 2, readsPerSecond: 50 };
const PROXY_CREDENTIALS = 'jasm:of the proxy';

export async function startMatrix(t: Teardown): Promise<Matrix> {
	const parts = await Promise.all([aws(t), vault(t), azure(t)]);
	return {
		entries: Object.assign({}, ...parts.map(({ entries }) => entries)),
		env: Object.assign({}, ...parts.map(({ env }) => env)),
	};
}

function file(t: Teardown, content: string): string {
	const path = join(folder(t), 'file');
	writeFileSync(path, content);
	return path;
}

/** A proxy that wants credentials, as fields of a provider. */
async function proxied(t: Teardown) {
	const proxy = await startConnectProxy(t, { credentials: PROXY_CREDENTIALS });
	return { proxy: proxy.url, proxyCredentialsFile: file(t, PROXY_CREDENTIALS) };
}

/** A proxy that lets nothing out: what it refuses is said with its address, so the option was followed. */
async function closed(t: Teardown) {
	const proxy = await startConnectProxy(t);
	proxy.fault = { status: 403 };
	return { proxy: proxy.url };
}

async function aws(t: Teardown): Promise<Part> {
	const trust = { issuer: CLAIMS.iss, subjects: [CLAIMS.sub], roles: [ROLE_ARN] };
	const server = await startSecretsManager({ trust });
	t.teardown(() => server.close());
	const { arn } = server.put('db', { from: 'aws' });
	const front = await startTlsFront(t, server.url);
	const secure = `https://localhost:${front.port}`;
	const keys = {
		AccessKeyId: 'AKIANODE',
		SecretAccessKey: 's',
		Token: 't',
		Expiration: '2100-01-01T00:00:00Z',
	};
	const agent = await startHttp(t, (request, response) =>
		request.headers.authorization === 'of the pod'
			? response.end(JSON.stringify(keys))
			: response.writeHead(401).end(),
	);
	const metadata = await startHttp(t, (request, response) => {
		const answers: Record<string, string> = {
			'/latest/api/token': 'session',
			'/latest/meta-data/iam/security-credentials/': 'node-role',
			'/latest/meta-data/iam/security-credentials/node-role': JSON.stringify({ ...keys, Code: 'Success' }),
		};
		response.end(answers[request.url ?? '']);
	});
	const common = { kind: 'aws-secretsmanager', region: server.region, endpoint: server.url };
	const identity = { roleArn: ROLE_ARN, tokenFile: tokenFile(t) };
	const tls = { ...common, endpoint: secure, caFile: file(t, front.ca) };
	const read = { path: 'db', expected: 'aws' };
	const refused = /the proxy 127\.0\.0\.1:\d+ refused the connection \(403\)/;
	const outside = {
		kind: 'aws-secretsmanager',
		region: 'eu-west-1',
		credentials: 'environment',
		...(await closed(t)),
	};
	return {
		entries: {
			'aws-web-identity-http': { ...read, config: { ...common, stsEndpoint: server.url, ...identity } },
			'aws-web-identity-https': { ...read, config: { ...tls, stsEndpoint: secure, ...identity } },
			'aws-web-identity-proxy': {
				...read,
				config: { ...tls, stsEndpoint: secure, ...identity, ...(await proxied(t)) },
			},
			'aws-container': { ...read, config: { ...common, credentials: 'container' } },
			'aws-profile': { ...read, config: { ...common, credentials: 'profile', profile: 'development' } },
			'aws-environment': {
				...read,
				config: { ...common, credentials: 'environment', ...LIMITS },
			},
			'aws-instance': { ...read, config: { ...common, credentials: 'instance' } },
			'aws-arn': {
				...read,
				path: arn,
				config: {
					...common,
					credentials: 'environment',
					accounts: ['123456789012'],
					regions: [server.region],
					proxy: 'none',
				},
			},
			'aws-region': { config: outside, path: 'db', expected: refused },
			'aws-fips': { config: { ...outside, fips: true }, path: 'db', expected: refused },
			'aws-dual-stack': { config: { ...outside, dualStack: true }, path: 'db', expected: refused },
		},
		env: {
			AWS_ACCESS_KEY_ID: 'AKIATEST',
			AWS_SECRET_ACCESS_KEY: 'test',
			AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`,
			AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file(t, 'of the pod'),
			AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
			AWS_CONFIG_FILE: file(t, '[profile development]\naws_access_key_id=AKIADEV\naws_secret_access_key=s\n'),
			AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
		},
	};
}

async function vault(t: Teardown): Promise<Part> {
	const ground = await prepareVault(await startEmbedded());
	t.teardown(() => ground.close());
	const { vault: server, role, policy, config, put } = ground;
	await put('db', '{"from":"vault"}');
	const reviewer = await startReviewer(t);
	const authMount = `kubernetes-${role}`;
	await allowKubernetes(server, { ...reviewer, authMount, role, policy });
	const approle = `approle-${role}`;
	await server.request('POST', `sys/auth/${approle}`, { type: 'approle' });
	await server.request('POST', `auth/${approle}/role/${role}`, { token_policies: [policy] });
	const { data: ids } = await server.request('GET', `auth/${approle}/role/${role}/role-id`);
	const { data: secret } = await server.request('POST', `auth/${approle}/role/${role}/secret-id`);
	const { auth } = await server.request('POST', 'auth/token/create', { policies: [policy] });
	const front = await startTlsFront(t, server.url);
	const { kind, mount, kvVersion } = config as typeof config & {
		readonly mount: string;
		readonly kvVersion: number;
	};
	const http = { kind, mount, kvVersion, address: server.url, allowInsecure: true };
	const https = {
		kind,
		mount,
		kvVersion,
		address: `https://localhost:${front.port}`,
		caFile: file(t, front.ca),
	};
	const methods = {
		kubernetes: {
			authMount,
			role,
			tokenFile: file(t, serviceAccountToken('jasm', 'jasm')),
			audience: 'vault',
		},
		jwt: { authMount: ground.authMount, role, tokenFile: file(t, identityToken('vault')) },
		approle: {
			authMount: approle,
			roleId: ids!['role_id'],
			secretIdFile: file(t, String(secret!['secret_id'])),
		},
		token: { tokenFile: file(t, String(auth!['client_token'])) },
	};
	const standby = await startHttp(t, (request, response) =>
		response.writeHead(307, { location: `${server.url}${request.url}` }).end(),
	);
	const read = { path: 'db', expected: 'vault' };
	const each = Object.entries(methods).flatMap(([credentials, own]) => [
		[`vault-${credentials}-http`, { ...read, config: { ...http, credentials, ...own } }] as const,
		[`vault-${credentials}-https`, { ...read, config: { ...https, credentials, ...own } }] as const,
	]);
	const jwt = { credentials: 'jwt', ...methods.jwt };
	const kv1 = await prepareVault(await startEmbedded(), { kvVersion: 1 });
	t.teardown(() => kv1.close());
	await kv1.put('db', '{"from":"kv1"}');
	return {
		entries: {
			...Object.fromEntries(each),
			'vault-kv1': { path: 'db', expected: 'kv1', config: kv1.config },
			'vault-redirect': {
				...read,
				config: { ...http, ...jwt, address: standby.url, redirectHosts: [new URL(server.url).host] },
			},
			'vault-proxy': { ...read, config: { ...https, ...jwt, ...(await proxied(t)) } },
			'vault-namespace': {
				...read,
				// Signed in at the root namespace; the token of that has no rights in another.
				expected: /permission denied/,
				config: { ...http, ...jwt, ...LIMITS, namespace: 'team', authNamespace: 'root' },
			},
		},
	};
}

async function azure(t: Teardown): Promise<Part> {
	const ground = await prepareKeyVault();
	t.teardown(() => ground.close());
	const { server, config } = ground;
	server.put('db', { from: 'azure' });
	const { tokenFile: _, ...application } = config as typeof config & { readonly tokenFile: string };
	const {
		clientId: __,
		authorityHost: ___,
		...common
	} = application as typeof application & Readonly<Record<'clientId' | 'authorityHost', string>>;
	const issued = join(folder(t), 'bin');
	mkdirSync(issued);
	const token = await requestToken(server.url, server.ca, server);
	const printed = JSON.stringify({ accessToken: token, expires_on: 4_000_000_000 });
	writeFileSync(join(issued, 'az'), `#!/bin/sh\nprintf '%s' '${printed}'\n`);
	chmodSync(join(issued, 'az'), 0o755);
	const read = { path: 'db', expected: 'azure' };
	const { endpoint: ____, ...outside } = config;
	return {
		entries: {
			'azure-workload-identity': { ...read, config: { ...config, audience: 'api://AzureADTokenExchange' } },
			'azure-client-secret': { ...read, config: { ...application, credentials: 'client-secret' } },
			'azure-cli': { ...read, config: { ...common, credentials: 'cli', ...LIMITS } },
			'azure-proxy': { ...read, config: { ...config, ...(await proxied(t)) } },
			'azure-vault-url': {
				path: 'db',
				expected: /the proxy 127\.0\.0\.1:\d+ refused the connection \(403\)/,
				config: { ...outside, ...(await closed(t)) },
			},
		},
		env: { AZURE_CLIENT_SECRET: 'client-secret', PATH: `${issued}:/usr/bin:/bin` },
	};
}

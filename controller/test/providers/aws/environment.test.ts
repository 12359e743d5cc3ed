// Nothing but the configuration and the documented variables decides where AWS is asked.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { KINDS, nameOfKind } from '../../../src/providers/registry.ts';
import { checked, faultsOf } from '../../helpers/provider-config.ts';
import { startAws } from '../../helpers/servers/aws.ts';
import { fileOf } from '../../helpers/servers/behind-proxy.ts';

const BARE = { kind: 'aws-secretsmanager', region: 'eu-west-1', credentials: 'container' } as const;

test('variables and files that the AWS SDK reads by itself change nothing', async t => {
	const asked: string[] = [];
	const stranger = createServer((request, response) => {
		asked.push(String(request.url));
		response.end('{}');
	});
	await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve));
	t.teardown(() => stranger.close());
	const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
	const file = fileOf(
		t,
		`[default]\nendpoint_url = ${url}\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\nregion = us-east-1\n`,
	);
	Object.assign(process.env, {
		AWS_ENDPOINT_URL: url,
		AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
		AWS_ENDPOINT_URL_STS: url,
		AWS_CONFIG_FILE: file,
		AWS_SHARED_CREDENTIALS_FILE: file,
		AWS_PROFILE: 'nowhere',
		AWS_REGION: 'us-east-1',
		AWS_DEFAULT_REGION: 'us-east-1',
		AWS_USE_FIPS_ENDPOINT: 'true',
		AWS_USE_DUALSTACK_ENDPOINT: 'true',
		AWS_MAX_ATTEMPTS: 'many',
		AWS_RETRY_MODE: 'never',
		AWS_DEFAULTS_MODE: 'auto',
		AWS_AUTH_SCHEME_PREFERENCE: 'noAuth',
		AWS_SDK_UA_APP_ID: 'x'.repeat(100),
		AWS_STS_REGIONAL_ENDPOINTS: 'legacy',
		HTTP_PROXY: url,
		HTTPS_PROXY: url,
		NODE_USE_ENV_PROXY: '1',
	});
	const { server, read } = await startAws(t);
	server.put('prod/db', 'x');
	t.is((await read('prod/db')).payload().toString(), 'x');
	t.deepEqual(asked, []);
	t.true(server.calls.every(({ region }) => region === 'eu-west-1'));
});

test('the documented variables fill fields that the configuration leaves out', t => {
	const env = {
		AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
		AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:2',
		AWS_CA_BUNDLE: '/etc/ca.pem',
	};
	t.like(checked(BARE, env), {
		endpoint: 'http://127.0.0.1:1',
		stsEndpoint: 'http://127.0.0.1:2',
		caFile: '/etc/ca.pem',
		fips: false,
	});
	t.like(checked(BARE, { AWS_USE_FIPS_ENDPOINT: 'TRUE', AWS_USE_DUALSTACK_ENDPOINT: 'false' }), {
		fips: true,
		dualStack: false,
	});
	t.like(
		checked(
			{ ...BARE, fips: false, caFile: '/own.pem' },
			{ AWS_USE_FIPS_ENDPOINT: 'true', AWS_CA_BUNDLE: '/x' },
		),
		{
			fips: false,
			caFile: '/own.pem',
		},
	);
});

test('a documented variable that holds nonsense is a fault at start', t => {
	t.deepEqual(faultsOf(BARE, { AWS_USE_FIPS_ENDPOINT: 'yes', AWS_CA_BUNDLE: 'ca.pem' }), [
		'providers.p.fips: "yes" is not true or false (from AWS_USE_FIPS_ENDPOINT in the environment)',
		'providers.p.caFile: "ca.pem" is not an absolute path (from AWS_CA_BUNDLE in the environment)',
	]);
	t.regex(
		faultsOf(BARE, { AWS_ENDPOINT_URL: 'http://169.254.169.254' }).join(),
		/endpoint: .* is a link-local address .*\(from AWS_ENDPOINT_URL in the environment\)/,
	);
});

test('an endpoint of its own has no FIPS or dual-stack variant', t => {
	t.deepEqual(faultsOf({ ...BARE, fips: true, endpoint: 'https://proxy.example' }), [
		'providers.p.fips: must not be set together with endpoint or stsEndpoint',
	]);
});

for (const kind of KINDS) {
	const folder = { 'aws-secretsmanager': 'aws', vault: 'vault', 'azure-keyvault': 'azure' }[nameOfKind(kind)];
	test(`every variable that the folder of ${nameOfKind(kind)} reads is documented`, t => {
		const root = new URL(`../../../src/providers/${folder}/`, import.meta.url);
		const read = readdirSync(root).flatMap(name =>
			Array.from(
				readFileSync(new URL(name, root), 'utf8').matchAll(/\benv\['([A-Z_]+)'\]/g),
				([, each]) => each!,
			),
		);
		t.deepEqual(
			read.filter(each => !(each in kind.environment)),
			[],
		);
	});
}

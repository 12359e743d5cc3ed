// What the installation is told that each provider needs: tokens, files, hosts.
import test from 'ava';
import { loadConfig } from '../src/config/config.ts';
import { installationOf, SAMPLES } from '../src/installation.ts';

const AWS = { kind: 'aws-secretsmanager', region: 'eusc-de-east-1' };
const VAULT = { kind: 'vault', address: 'https://vault.example:8200', role: 'jasm' };
const GUID = '11111111-2222-4333-8444-555555555555';
const AZURE = {
	kind: 'azure-keyvault',
	vaultUrl: 'https://team-secrets.vault.azure.cn',
	tenantId: GUID,
	clientId: GUID,
};

const hosts = (config: object, env = {}) =>
	installationOf(config as Record<string, unknown>, env)?.egress.map(({ host, port }) => `${host}:${port}`);

test('AWS is asked at the hosts of its partition, regions and variants', t => {
	t.deepEqual(hosts(AWS), [
		'secretsmanager.eusc-de-east-1.amazonaws.eu:443',
		'sts.eusc-de-east-1.amazonaws.eu:443',
	]);
	t.deepEqual(hosts({ ...AWS, region: 'us-east-1', regions: ['us-east-1', 'us-west-2'], fips: true }), [
		'secretsmanager-fips.us-east-1.amazonaws.com:443',
		'secretsmanager-fips.us-west-2.amazonaws.com:443',
		'sts-fips.us-east-1.amazonaws.com:443',
	]);
	t.deepEqual(hosts({ ...AWS, endpoint: 'http://emulator:4566', credentials: 'environment' }), [
		'emulator:4566',
	]);
});

test('an identity of the node is served by the node', t => {
	t.true(hosts({ ...AWS, credentials: 'container' })?.includes('169.254.170.23:80'));
	t.true(hosts({ ...AWS, credentials: 'instance' })?.includes('169.254.169.254:80'));
});

test('Vault and Key Vault are asked at their addresses, redirects and authorities', t => {
	t.deepEqual(hosts({ ...VAULT, redirectHosts: ['standby.example'] }), [
		'vault.example:8200',
		'standby.example:443',
	]);
	t.deepEqual(hosts(AZURE), ['team-secrets.vault.azure.cn:443', 'login.chinacloudapi.cn:443']);
});

test('behind a proxy only the proxy is asked, but for hosts that are exceptions', t => {
	t.deepEqual(hosts({ ...AWS, proxy: 'http://proxy.example:3128' }), ['proxy.example:3128']);
	const env = { HTTPS_PROXY: 'http://user:password@proxy.example:3128', NO_PROXY: '.vault.azure.cn' };
	t.deepEqual(hosts(AZURE, env), ['team-secrets.vault.azure.cn:443', 'proxy.example:3128']);
	t.deepEqual(hosts({ ...AWS, credentials: 'container' }, env), [
		'proxy.example:3128',
		'169.254.170.23:80',
		'fd00:ec2::23:80',
	]);
});

test('files are told apart by what is in them', t => {
	const config = {
		...VAULT,
		role: undefined,
		credentials: 'approle',
		roleId: 'r',
		secretIdFile: '/etc/jasm/secret-id',
		caFile: '/etc/jasm/ca.pem',
		proxyCredentialsFile: '/etc/jasm/proxy',
	};
	t.like(installationOf(JSON.parse(JSON.stringify(config))), {
		authorities: ['/etc/jasm/ca.pem'],
		credentialFiles: ['/etc/jasm/proxy', '/etc/jasm/secret-id'],
	});
	t.like(installationOf(AWS, { AWS_CA_BUNDLE: '/etc/jasm/aws.pem' }), { authorities: ['/etc/jasm/aws.pem'] });
});

test('a ServiceAccount token has one file and one audience', t => {
	t.deepEqual(installationOf(VAULT)?.token, { file: '/var/run/secrets/vault/token', audience: 'vault' });
	t.is(installationOf(AZURE)?.token?.audience, 'api://AzureADTokenExchange');
	t.is(
		installationOf({ ...VAULT, role: undefined, credentials: 'token', tokenFile: '/t' })?.token,
		undefined,
	);
});

test('a configuration that the controller refuses needs nothing', t => {
	t.is(installationOf({ ...VAULT, address: 'http://vault' }), undefined);
	t.is(installationOf({ kind: 'gcp' }), undefined);
});

test('every kind has a sample, and what its sample asks for is allowed by a rule of its own', t => {
	for (const [kind, pods] of Object.entries(SAMPLES)) {
		t.true(pods.length > 0, kind);
		for (const { requests } of pods) {
			const paths = requests.map(({ path }) => path);
			const policy = [{ namespaces: ['a'], provider: 'p', paths }];
			const provider = [AWS, VAULT, AZURE].find(each => each.kind === kind);
			const file = JSON.stringify({ providers: { p: provider }, policy });
			t.notThrows(() =>
				loadConfig({ argv: ['--config=x'], env: {}, readFile: path => (path === 'x' ? file : '') }),
			);
		}
	}
});

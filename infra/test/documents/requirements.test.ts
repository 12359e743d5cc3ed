// What the controller needs from pod and network: each needed thing is allowed, and nothing that is not needed.
import test from 'ava';
import fc from 'fast-check';
import { installationFaults } from '../../src/documents/checks.ts';
import type { ControllerConfig, ProviderConfig } from '../../src/documents/controller-config.ts';
import { egressRules } from '../../src/documents/egress.ts';
import { networkOf, type PlatformSettings, type ProxySettings } from '../../src/documents/platform.ts';
import { podFiles } from '../../src/documents/pod-files.ts';
import { confinedPod } from '../../src/documents/pod-security.ts';
import { requirementsOf } from '../../src/documents/requirements.ts';
import { configurations, settings } from '../helpers/configurations.ts';
import { allows, filesIn } from '../helpers/pod-world.ts';
import { AZURE, VAULT } from '../helpers/stack-config.ts';

const AGENT = '169.254.170.23';
const METADATA = '169.254.169.254';

const rulesOf = (provider: ProviderConfig, platform: PlatformSettings = {}) =>
	egressRules(requirementsOf({ providers: { provider }, policy: [] }, platform), platform);

/** Host and port of everything that a provider connects to, read from its fields and the settings. */
function destinations(
	provider: Record<string, unknown>,
	platform: PlatformSettings,
): [host: string, port: number][] {
	const scheme = String(provider['address']).startsWith('http:') ? 'http' : 'https';
	const { kind, endpoint, vaultUrl, credentials = '' } = provider as Record<string, string>;
	const redirects = (provider['redirectHosts'] ?? []) as string[];
	const aws = kind === 'aws-secretsmanager';
	const azure = kind === 'azure-keyvault';
	const urls = [
		provider['address'] ?? endpoint ?? (azure ? vaultUrl : 'https://secretsmanager.eu-west-1.amazonaws.com'),
		...(aws && credentials === '' ? [provider['stsEndpoint'] ?? 'https://sts.eu-west-1.amazonaws.com'] : []),
		...(azure ? [provider['authorityHost'] ?? 'https://login.microsoftonline.com'] : []),
		...redirects.map(host => `${scheme}://${host}`),
	].map(url => throughProxy(new URL(String(url)), provider['proxy'] as string | undefined, platform.proxy));
	const named = urls.map(({ hostname, port, protocol }): [string, number] => [
		hostname,
		Number(port || (protocol === 'http:' ? 80 : 443)),
	]);
	const agents: Record<string, [string, number][]> = {
		container: [
			[AGENT, 80],
			['fd00:ec2::23', 80],
		],
		instance: [
			[METADATA, 80],
			['fd00:ec2::254', 80],
		],
	};
	return [...named, ...(agents[credentials] ?? [])];
}

/** Where a request goes: to the proxy of the provider, else to that of the settings except for its exceptions. */
function throughProxy(
	target: URL,
	own: string | undefined,
	{ url, noProxy = [] }: Partial<ProxySettings> = {},
): URL {
	if (own !== undefined) return own === 'none' ? target : new URL(own);
	const excepted = noProxy.some(
		host => target.hostname === host || target.hostname.endsWith(host.startsWith('.') ? host : `.${host}`),
	);
	return url === undefined || excepted ? target : new URL(url);
}

test('every configuration that is accepted reaches all that it names, and finds every file that it reads', t => {
	let accepted = 0;
	fc.assert(
		fc.property(configurations, settings, (config, platform) => {
			const around = { region: 'eu-west-1', role: true };
			const setting = { ...platform, role: true };
			if (installationFaults({ config, profile: 'write-only', around, setting, pod: {} }).length > 0) return;
			accepted += 1;
			const needs = requirementsOf(config, setting);
			const rules = egressRules(needs, setting);
			const reachable = (host: string, port: number, protocol: 'TCP' | 'UDP' = 'TCP') =>
				t.true(allows(rules, host, port, protocol), `${protocol} ${host}:${port} ${JSON.stringify(config)}`);
			const providers = Object.values(config.providers) as Record<string, unknown>[];
			for (const provider of providers) {
				for (const [host, port] of destinations(provider, platform)) reachable(host, port);
			}
			const network = networkOf(setting);
			for (const port of network.apiServerPorts) reachable('10.0.0.1', port);
			for (const port of network.dnsPorts) {
				reachable('10.0.0.10', port);
				reachable('10.0.0.10', port, 'UDP');
			}
			t.is(needs.env['HTTPS_PROXY'], platform.proxy?.url);
			t.is(needs.env['HTTP_PROXY'], platform.proxy?.url);
			t.is(needs.env['NO_PROXY'], platform.proxy?.noProxy?.join(','));

			const files = filesIn(podFiles(needs));
			for (const provider of providers) {
				const { tokenFile, audience, caFile, credentials = 'default' } = provider as Record<string, string>;
				const signsIn = ['default', 'kubernetes', 'jwt', 'web-identity', 'workload-identity'].includes(
					credentials,
				);
				if (tokenFile !== undefined && signsIn) {
					t.is(files.get(tokenFile), audience ?? 'sts.amazonaws.com', tokenFile);
				}
				if (caFile !== undefined) t.is(files.get(caFile), 'jasm-authorities', caFile);
			}
			if (platform.trustBundle !== undefined) {
				t.is(files.get(needs.env['NODE_EXTRA_CA_CERTS'] ?? ''), 'jasm-authorities');
			}
			// Tokens are readable for the group of the pod, which the platform sets where the installation does not.
			t.truthy(confinedPod('image').fsGroup);
		}),
		{ numRuns: 300 },
	);
	t.true(accepted > 100, `only ${accepted} configurations were accepted`);
});

test('the role of the node is out of reach, except for a configuration that asks for it', t => {
	fc.assert(
		fc.property(configurations, settings, (config, platform) => {
			const { egress: _, ...network } = platform.network ?? {};
			const setting = { ...platform, network };
			const asked = Object.values(config.providers).some(
				provider => 'credentials' in provider && provider.credentials === 'instance',
			);
			const opened = [
				...Object.values(config.providers).flatMap(each => destinations(each, platform)),
				['', 0],
			].some(
				([host, port]) => port === 80 && host !== AGENT && host !== METADATA && !String(host).includes('ec2'),
			);
			const needs = requirementsOf(config, setting);
			// A port that something else needs is open to every address.
			if (
				!opened &&
				!networkOf(setting).apiServerPorts.includes(80) &&
				!networkOf(setting).dnsPorts.includes(80)
			) {
				t.is(allows(egressRules(needs, setting), METADATA, 80, 'TCP'), asked);
			}
			t.is(needs.env['AWS_EC2_METADATA_DISABLED'], asked ? undefined : 'true');
		}),
	);
});

for (const [title, provider, ports] of [
	['a Vault and its redirects', { ...VAULT, redirectHosts: ['a.example:8210', 'b.example'] }, [8200, 8210]],
	[
		'a Vault over http',
		{ ...VAULT, address: 'http://v:8200', allowInsecure: true, redirectHosts: ['b'] },
		[80, 8200],
	],
	['an authority of Azure', { ...AZURE, authorityHost: 'https://login.example:9443' }, [9443]],
	['an emulator', { ...AZURE, endpoint: 'https://emulator:4997' }, [4997]],
	['no address', { ...VAULT, address: 'https://vault.example', audience: 'http://vault.example' }, []],
	['AWS', { kind: 'aws-secretsmanager', endpoint: 'https://proxy.example' }, []],
] as [string, ProviderConfig, number[]][]) {
	test(`ports that are open for ${title}: ${ports.join(', ') || 'the usual ones'}`, t => {
		const open = rulesOf(provider)[1]?.ports.map(({ port }) => port);
		t.deepEqual(
			open?.filter(port => ![443, 6443, 8443, 16443].includes(port)),
			ports,
		);
	});
}

test('EKS Pod Identity opens port 80 to its agent only, over both families of addresses', t => {
	const rules = rulesOf({ kind: 'aws-secretsmanager', credentials: 'container' });
	t.deepEqual(rules.at(-1), {
		ports: [{ port: 80, protocol: 'TCP' }],
		to: [{ ipBlock: { cidr: '169.254.170.23/32' } }, { ipBlock: { cidr: 'fd00:ec2::23/128' } }],
	});
	t.false(allows(rules, METADATA, 80, 'TCP'));
});

test('OpenShift has the DNS port of its pods, and settings replace the defaults of ports', t => {
	const dns = (platform: PlatformSettings) =>
		[53, 5353].map(port => allows(rulesOf(VAULT, platform), '10.0.0.10', port, 'UDP'));
	t.deepEqual(dns({}), [true, false]);
	t.deepEqual(dns({ platform: 'openshift' }), [true, true]);
	t.deepEqual(dns({ platform: 'openshift', network: { dnsPorts: [5353] } }), [false, true]);
	const rules = rulesOf(VAULT, {
		network: { apiServerPorts: [7443], egress: [{ ports: [88], cidr: '10.0.0.0/8' }, { ports: [99] }] },
	});
	t.true(allows(rules, '203.0.113.1', 7443, 'TCP'));
	t.false(allows(rules, '203.0.113.1', 6443, 'TCP'));
	t.deepEqual(
		['10.1.2.3', '203.0.113.1'].map(host => [88, 99].map(port => allows(rules, host, port, 'TCP'))),
		[
			[true, true],
			[false, true],
		],
	);
});

test('the network policy lets the controller reach a queue of change notices, by the way of its provider', t => {
	const source = {
		kind: 'service-bus' as const,
		queueUrl: 'https://bus.example:5671/jasm',
		providers: ['azure'],
	};
	const needsOf = (fields: object) =>
		requirementsOf({
			providers: {
				azure: { ...AZURE, endpoint: 'https://emulator.example:8443', ...fields } as ProviderConfig,
			},
			policy: [],
			changes: { sources: [source] },
		});
	const direct = needsOf({});
	t.true(direct.hosts.some(({ host, port }) => host === 'bus.example' && port === 5671));
	t.true(allows(egressRules(direct, {}), '203.0.113.1', 5671, 'TCP'));
	const proxied = needsOf({ proxy: 'http://proxy.example:3128' });
	t.false(proxied.hosts.some(({ host }) => host === 'bus.example'));
	t.false(allows(egressRules(proxied, {}), '203.0.113.1', 5671, 'TCP'));
	t.true(allows(egressRules(proxied, {}), '203.0.113.1', 3128, 'TCP'));
});

test('a role that a provider names itself brings the token for it', t => {
	const roleArn = 'arn:aws:iam::111122223333:role/reader';
	const config: ControllerConfig = {
		providers: { aws: { kind: 'aws-secretsmanager', roleArn } },
		policy: [],
	};
	const needs = requirementsOf(config);
	const file = '/var/run/secrets/eks.amazonaws.com/serviceaccount/token';
	t.is(filesIn(podFiles(needs)).get(file), 'sts.amazonaws.com');
	t.is(needs.env['AWS_WEB_IDENTITY_TOKEN_FILE'], file);
	// The webhook of EKS leaves a pod alone that has a volume of this name.
	t.is(podFiles(needs).volumes[1]?.name, 'aws-iam-token');
});

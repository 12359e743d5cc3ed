// A webhook of change notices: its port, its files from Secrets, who may connect, and the way to its issuer.
import test from 'ava';
import { installationWarnings } from '../../src/documents/checks.ts';
import type { ControllerConfig } from '../../src/documents/controller-config.ts';
import { declareJasm } from '../../src/stack.ts';
import { declare } from '../helpers/declare.ts';
import { allows, filesIn } from '../helpers/pod-world.ts';
import { FACTS, STORES, stackConfig, VAULT } from '../helpers/stack-config.ts';
import { WEBHOOK } from '../helpers/stack-variants.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;

const FROM = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'pipelines' } } }];
const SOURCE = {
	kind: 'webhook',
	providers: ['vault-eu'],
	tlsCertFile: '/etc/jasm-webhook/tls.crt',
	tlsKeyFile: '/etc/jasm-webhook/tls.key',
	bearerFiles: ['/etc/jasm-webhook/token'],
};

const keysOf = (
	sources: object[],
	webhook: object = { from: FROM },
	others: Record<string, string> = {},
) => ({
	...STORES,
	changes: JSON.stringify({ sources }),
	webhook: JSON.stringify(webhook),
	...others,
});

async function objects(keys: Record<string, string>): Promise<Record<string, Manifest>> {
	const { resources } = await declare(() => declareJasm(stackConfig(keys), FACTS));
	return Object.fromEntries(
		resources.map(({ type, inputs }) => [
			`${type.split(':').at(-1)} ${(inputs as Manifest).metadata?.name}`,
			inputs,
		]),
	);
}

test.serial('a webhook has a port, a Service to it, and senders that the operator lists', async t => {
	const found = await objects(keysOf([SOURCE]));
	const [container] = found['Deployment jasm'].spec.template.spec.containers;
	t.deepEqual(container.ports.at(-1), { name: 'webhook-0', containerPort: 8082, protocol: 'TCP' });
	t.like(found['Service jasm-webhook'].spec, { type: 'ClusterIP', selector: { app: 'jasm' } });
	t.deepEqual(found['Service jasm-webhook'].spec.ports, [
		{ name: 'webhook-0', port: 8082, targetPort: 'webhook-0', protocol: 'TCP' },
	]);
	t.deepEqual(found['NetworkPolicy jasm'].spec.ingress, [
		{ ports: [8080, 8081].map(port => ({ port, protocol: 'TCP' })) },
		{ ports: [{ port: 8082, protocol: 'TCP' }], from: FROM },
	]);

	const without = await objects(STORES);
	t.is(without['Service jasm-webhook'], undefined);
	t.is(without['NetworkPolicy jasm'].spec.ingress.length, 1);
	t.is(without['Deployment jasm'].spec.template.spec.containers[0].ports.length, 2);
});

test.serial(
	'the files of a webhook are keys of a Secret, mounted as a directory so that they follow it',
	async t => {
		const source = {
			...SOURCE,
			tlsCertFile: '/etc/jasm-tls/tls.crt',
			tlsKeyFile: '/etc/jasm-tls/tls.key',
			hmacFiles: ['/etc/jasm-webhook/key'],
			clientCaFile: '/etc/jasm-tls/ca.crt',
			clientNames: ['shipper'],
			oidc: {
				issuer: 'https://issuer.example',
				audience: 'a',
				subjects: ['s'],
				caFile: '/etc/jasm/issuer-ca.pem',
				proxyCredentialsFile: '/etc/jasm-webhook/proxy',
			},
		};
		const found = await objects(
			keysOf([source], { from: FROM, secrets: { '/etc/jasm-tls': 'webhook-tls' } }),
		);
		const { volumes, containers } = found['Deployment jasm'].spec.template.spec;
		const mounts: Manifest[] = containers[0].volumeMounts;
		const files = filesIn({ volumes, mounts });
		t.deepEqual(
			[...SOURCE.bearerFiles, ...source.hmacFiles, source.tlsCertFile, source.tlsKeyFile].map(file =>
				files.get(file),
			),
			['jasm-webhook', 'jasm-webhook', 'webhook-tls', 'webhook-tls'],
		);
		t.is(files.get(source.clientCaFile), 'webhook-tls');
		t.is(files.get(source.oidc.proxyCredentialsFile), 'jasm-webhook');
		t.is(files.get(source.oidc.caFile), 'jasm-authorities');
		t.deepEqual(
			mounts.filter(mount => 'subPath' in mount || mount.readOnly !== true),
			[],
		);
	},
);

test.serial(
	'the network policy lets the controller reach the issuer, or the proxy that leads there',
	async t => {
		const oidc = { issuer: 'https://issuer.example:9443/realm', audience: 'a', subjects: ['s'] };
		const source = { kind: 'webhook', providers: ['vault-eu'], allowInsecure: true };
		const egress = async (fields: object, others: Record<string, string> = {}) => {
			const keys = keysOf([{ ...source, oidc: { ...oidc, ...fields } }], { from: FROM }, others);
			const { spec } = (await objects(keys))['NetworkPolicy jasm'];
			return [9443, 3128, 3129].map(port => allows(spec.egress, '203.0.113.1', port, 'TCP'));
		};
		t.deepEqual(await egress({}), [true, false, false]);
		t.deepEqual(await egress({ proxy: 'http://proxy.example:3129' }), [false, false, true]);
		const proxy = { proxy: JSON.stringify({ url: 'http://proxy.example:3128' }) };
		t.deepEqual(await egress({}, proxy), [false, true, false]);
		t.deepEqual(await egress({ proxy: 'none' }, proxy), [true, true, false]);
	},
);

for (const [title, sources, webhook, fault] of [
	['no sender is listed', [SOURCE], {}, /jasm:webhook\.from: is required: who may post/],
	['the list is empty', [SOURCE], { from: [] }, /jasm:webhook\.from: is required/],
	['a peer says nothing', [SOURCE], { from: [{}] }, /jasm:webhook\.from\[0\]: needs namespaceSelector/],
	['a peer is misspelt', [SOURCE], { from: [{ podSelectr: {} }] }, /jasm:webhook\.from\[0\]/],
	[
		'an address is no CIDR',
		[SOURCE],
		{ from: [{ ipBlock: { cidr: '10.0.0.1' } }] },
		/webhook\.from\[0\]\.ipBlock\.cidr: .*is not a CIDR/,
	],
	['there is no webhook', [], { from: FROM }, /no source in changes\.sources is of kind webhook/],
	[
		'a Secret is for a directory without files',
		[SOURCE],
		{ from: FROM, secrets: { '/etc/other': 'a' } },
		/webhook\.secrets: no token, .* is in "\/etc\/other"; there are \/etc\/jasm-webhook/,
	],
	[
		'it listens on the loopback',
		[{ ...SOURCE, address: '127.0.0.1:8082' }],
		{ from: FROM },
		/sources\[0\]\.address: no sender reaches .* use ":8082"/,
	],
	[
		'it has no fixed port',
		[{ ...SOURCE, address: ':0' }],
		{ from: FROM },
		/sources\[0\]\.address: needs a port/,
	],
	[
		'its port is that of metrics',
		[{ ...SOURCE, address: ':8080' }],
		{ from: FROM },
		/sources\[0\]\.address: port 8080 is that of metrics/,
	],
	[
		'two have one port',
		[SOURCE, SOURCE],
		{ from: FROM },
		/sources\[1\]\.address: port 8082 is that of changes\.sources\[0\]/,
	],
	[
		'a token lies beside the config file',
		[{ ...SOURCE, bearerFiles: ['/etc/jasm/token'] }],
		{ from: FROM },
		/files of a webhook cannot be mounted at "\/etc\/jasm\/".*use another directory, such as \/etc\/jasm-webhook/,
	],
	[
		'a token lies where the token for a store is',
		[{ ...SOURCE, bearerFiles: ['/var/run/secrets/vault/mine'] }],
		{ from: FROM },
		/files of a webhook cannot be mounted at "\/var\/run\/secrets\/vault\/"/,
	],
] as [string, object[], object, RegExp][]) {
	test(`a webhook is refused before anything is declared: ${title}`, t => {
		const keys =
			sources.length === 0 ? { ...STORES, webhook: JSON.stringify(webhook) } : keysOf(sources, webhook);
		t.throws(() => stackConfig(keys), { message: fault });
	});
}

test('a file of an issuer that no Secret of the webhook fills is a matter of the image or of a mount', t => {
	const oidc = {
		...{ issuer: 'https://issuer.example', audience: 'a', subjects: ['s'] },
		caFile: '/etc/ssl/certs/ca-certificates.crt',
		proxyCredentialsFile: '/var/run/secrets/proxy/user',
	};
	const changes = { sources: [{ ...SOURCE, oidc }] } as ControllerConfig['changes'];
	const config = { providers: { 'vault-eu': VAULT }, policy: [], changes };
	const installation = { config, profile: 'write-only', around: {}, setting: {}, pod: {} } as const;
	const mounts = [{ name: 'proxy', mountPath: '/var/run/secrets/proxy' }];
	const warnings = (pod: object) =>
		installationWarnings({ ...installation, pod }).filter(text => text.startsWith('webhook/0'));
	t.deepEqual(warnings({}), [
		'webhook/0 reads "/var/run/secrets/proxy/user", which the image does not have: mount it with pod.volumes and pod.volumeMounts',
	]);
	t.deepEqual(warnings({ volumeMounts: mounts }), []);
});

test('without a network policy no sender has to be listed', t => {
	t.notThrows(() => stackConfig(keysOf([SOURCE], {}, { networkPolicy: 'false' })));
	t.notThrows(() => stackConfig(WEBHOOK));
});

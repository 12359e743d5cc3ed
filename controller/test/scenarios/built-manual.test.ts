// The controller as it is shipped starts with every configuration of the manual, and asks each of its providers.
import test from 'ava';
import { Limiter } from '../../src/runtime/limiter.ts';
import { makeServerCertificate } from '../../testing/index.ts';
import { configsIn, documentedConfigs, yamlBlocks } from '../helpers/documented-configs.ts';
import { startBuilt } from '../helpers/environment/built-controller.ts';
import { BuiltReads } from '../helpers/environment/built-reads.ts';
import { startEnvironment } from '../helpers/environment/test-environment.ts';
import { startConnectProxy } from '../helpers/servers/connect-proxy.ts';

/** Kinds of the manual that a program brings along; the controller as it is shipped has only its own. */
const BROUGHT_ALONG = ['files'];

/** Codes of a provider that signs in to nothing: the files of the manual are not here, and a proxy lets nothing out. */
const OUT_OF_REACH = ['PROVIDER_AUTH', 'PROVIDER_MISCONFIGURED', 'PROVIDER_UNAVAILABLE'];

type Provider = { readonly kind: string };
type Config = Readonly<Record<string, unknown>>;

const configs = documentedConfigs().filter(
	({ config }) =>
		!Object.values((config['providers'] ?? {}) as Record<string, Provider>).some(({ kind }) =>
			BROUGHT_ALONG.includes(kind),
		),
);

// Each is a process of its own.
const turns = new Limiter({ concurrency: 3 });

for (const { place, config } of configs) {
	test(`the configuration at ${place} starts the bundle under the flags of the image`, async t => {
		t.timeout(180_000);
		await turns.run(async () => {
			const proxy = await startConnectProxy(t);
			proxy.fault = { status: 403 };
			const profile = config['profile'] === 'self-heal' ? 'self-heal' : 'write-only';
			const environment = await startEnvironment(t, { embedded: true, profile });
			const { providers, policy } = environment.configFile(config) as {
				readonly providers: Record<string, Provider>;
				readonly policy: object[];
			};
			const namespaces = [`*-${environment.cluster.id}`];
			const names = Object.keys(providers);
			const all = names.map(provider => ({ namespaces, provider, paths: ['**'] }));
			const controller = await startBuilt(t, environment, {
				config: {
					...withFiles(config, environment),
					policy: [...('policy' in config ? policy : []), ...all],
				},
				env: { HTTPS_PROXY: proxy.url },
			});
			await controller.log.waitFor({ message: 'leading' });
			const reads = new BuiltReads(controller, environment, await environment.namespace('team'));
			for (const name of names) {
				const { code, message } = await reads.refused(name, { path: 'none' });
				const here = 'providers' in config ? OUT_OF_REACH : [...OUT_OF_REACH, 'SECRET_NOT_FOUND'];
				t.true(here.includes(code), `${name}: ${message}`);
			}

			t.is(controller.stderr, '');
		}, new AbortController().signal);
	});
}

/** A webhook does not start without its files: those of the manual are put in place, on any free port. */
function withFiles(config: Config, stage: { file(content: string): string }): Config {
	const { changes } = config as { changes?: { sources?: readonly { kind: string }[] } };
	const { cert, key } = makeServerCertificate(new Date());
	const sources = changes?.sources?.map(source =>
		source.kind === 'webhook'
			? {
					...source,
					address: '127.0.0.1:0',
					tlsCertFile: stage.file(cert),
					tlsKeyFile: stage.file(key),
					bearerFiles: [stage.file('a-token-of-thirty-two-characters')],
				}
			: source,
	);
	return sources === undefined ? config : { ...config, changes: { ...changes, sources } };
}

test('every block of the manual that names a kind of provider is one of these configurations', t => {
	t.true(configs.length >= 12);
	for (const { place, text } of yamlBlocks()) {
		if (/\bkind: (aws-secretsmanager|vault|azure-keyvault)\b/.test(text)) {
			t.true(
				configs.some(config => config.place === place),
				place,
			);
		}
	}
});

test('a configuration inside of a stack file or a patch would be noticed', t => {
	t.deepEqual(configsIn({ config: { 'jasm:providers': { a: {} }, 'jasm:image': 'x' } }), [
		{ providers: { a: {} } },
	]);
	t.deepEqual(configsIn({ patches: [{ patch: '- value: |\n    providers: {}\n    policy: []\n' }] }), [
		{ providers: {}, policy: [] },
	]);
	t.deepEqual(configsIn({ 'jasm:pod': { resources: { limits: { cpu: '1' } } } }), []);
	t.deepEqual(configsIn('providers: {a: {}}\npolicy: []'), [{ providers: { a: {} }, policy: [] }]);
});

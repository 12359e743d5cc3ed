// A company's network around a running controller: stores behind a proxy, authorities of its own; source and bundle.
import test from 'ava';
import { startBuilt } from '../helpers/environment/built-controller.ts';
import {
	annotation,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';
import { fileOf, HOST, STORES } from '../helpers/servers/behind-proxy.ts';
import { startConnectProxy } from '../helpers/servers/connect-proxy.ts';
import { startTlsFront } from '../helpers/servers/tls-front.ts';
import { prepareVault } from '../helpers/servers/vault.ts';
import { startEmbedded } from '../helpers/servers/vault-target.ts';

const PASSWORD = 'QZ7proxy-canary';

type Start = (
	t: Parameters<typeof startBuilt>[0],
	environment: TestEnvironment,
	options: { config: object; env: Record<string, string> },
) => ReturnType<typeof startBuilt>;

const CONTROLLERS: Readonly<Record<string, Start>> = {
	'from source': (_t, environment, options) => environment.startProcess(options),
	'as it is built': startBuilt,
};

const slug = (name: string) => name.toLowerCase().replaceAll(' ', '-');

for (const [how, start] of Object.entries(CONTROLLERS)) {
	test.serial(
		`${how}: every kind of store is read through HTTPS_PROXY, and the API server never is`,
		async t => {
			const environment = await startEnvironment(t);
			const proxy = await startConnectProxy(t, { credentials: `jasm:${PASSWORD}` });
			const stores = await Promise.all(
				Object.entries(STORES).map(async ([name, open]) => [slug(name), await open(t)] as const),
			);
			const namespaces = [`*-${environment.cluster.id}`];
			const controller = await start(t, environment, {
				config: {
					providers: Object.fromEntries(
						stores.map(([name, { config }]) => [name, { ...config, timeoutMs: 20_000 }]),
					),
					policy: stores.map(([provider]) => ({ namespaces, provider, paths: ['db'] })),
				},
				env: {
					HTTPS_PROXY: `http://jasm:${PASSWORD}@127.0.0.1:${proxy.port}`,
					// By this variable Node itself sends requests of its global agent to the proxy.
					NODE_USE_ENV_PROXY: '1',
				},
			});
			const team = await environment.namespace('team');
			for (const [provider] of stores) {
				await environment.pod(team, provider, annotation({ provider, path: 'db', secretName: provider }));
			}

			for (const [provider, { calls }] of stores) {
				t.deepEqual({ ...(await environment.secret(team, provider)).data }, { a: '1' }, provider);
				t.true((await environment.event(team, provider, 'SecretSyncSuccess')).note.includes(provider));
				t.true(calls() >= 2, `${provider} is signed in to and read`);
			}

			const asked = [...new Set(proxy.requests)].sort();
			t.deepEqual(asked, stores.map(([, { port }]) => `CONNECT ${HOST}:${port}`).sort());
			t.false(controller.log.text.join('\n').includes(PASSWORD));
			t.is(controller.stderr, '');
		},
	);

	test.serial(`${how}: a proxy that refuses is named in the Event, the password in nothing`, async t => {
		const environment = await startEnvironment(t);
		const proxy = await startConnectProxy(t, { credentials: 'jasm:other' });
		const store = await STORES['Vault']!(t);
		const controller = await start(t, environment, {
			config: {
				providers: { vault: { ...store.config, timeoutMs: 20_000 } },
				policy: [{ namespaces: ['*'], provider: 'vault', paths: ['db'] }],
			},
			env: { HTTPS_PROXY: `http://jasm:${PASSWORD}@127.0.0.1:${proxy.port}` },
		});
		const team = await environment.namespace('team');
		await environment.pod(team, 'web', annotation({ provider: 'vault', path: 'db' }));
		const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
		t.true(note.includes(`the proxy 127.0.0.1:${proxy.port} refused JASM's credentials (407)`), note);
		t.true(note.includes('(PROVIDER_MISCONFIGURED)'), note);
		t.is(environment.world.secrets(team).length, 0);
		t.is(store.calls(), 0);
		t.false((note + controller.log.text.join('\n') + controller.stderr).includes(PASSWORD));
	});

	test.serial(
		`${how}: AWS_CA_BUNDLE names the authority of AWS, NODE_EXTRA_CA_CERTS that of a proxy that speaks TLS`,
		async t => {
			const environment = await startEnvironment(t);
			const store = await STORES['Secrets Manager']!(t);
			const proxy = await startConnectProxy(t);
			const front = await startTlsFront(t, proxy.url);
			const { caFile: _, ...config } = store.config;
			await start(t, environment, {
				config: {
					providers: { aws: { ...config, proxy: `https://localhost:${front.port}`, timeoutMs: 20_000 } },
					policy: [{ namespaces: ['*'], provider: 'aws', paths: ['db'] }],
				},
				env: { AWS_CA_BUNDLE: fileOf(t, store.ca), NODE_EXTRA_CA_CERTS: fileOf(t, front.ca) },
			});
			const team = await environment.namespace('team');
			await environment.pod(team, 'web', annotation({ provider: 'aws', path: 'db' }));
			t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { a: '1' });
			t.deepEqual([...new Set(proxy.requests)], [`CONNECT ${HOST}:${store.port}`]);
		},
	);

	test.serial(`${how}: the Event names a certificate that is not trusted, also that of AWS`, async t => {
		const environment = await startEnvironment(t);
		const store = await STORES['Secrets Manager']!(t);
		const proxy = await startConnectProxy(t);
		const { caFile: _, ...config } = store.config;
		await start(t, environment, {
			config: {
				providers: { aws: { ...config, proxy: proxy.url, timeoutMs: 20_000 } },
				policy: [{ namespaces: ['*'], provider: 'aws', paths: ['db'] }],
			},
			env: {},
		});
		const team = await environment.namespace('team');
		await environment.pod(team, 'web', annotation({ provider: 'aws', path: 'db' }));
		const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
		t.regex(
			note,
			/the certificate of STS, through the proxy 127\.0\.0\.1:\d+, is not trusted for its address \(\w+\): check caFile/,
		);
	});

	test.serial(`${how}: Vault over http works where it is allowed, also through HTTP_PROXY`, async t => {
		const environment = await startEnvironment(t);
		const ground = await prepareVault(await startEmbedded());
		t.teardown(() => ground.close());
		await ground.put('db', '{"a":"1"}');
		const proxy = await startConnectProxy(t, { hosts: { [HOST]: Number(new URL(ground.vault.url).port) } });
		await start(t, environment, {
			config: {
				providers: {
					direct: ground.config,
					proxied: { ...ground.config, address: `http://${HOST}:8200` },
				},
				policy: ['direct', 'proxied'].map(provider => ({ namespaces: ['*'], provider, paths: ['db'] })),
			},
			env: { HTTP_PROXY: `127.0.0.1:${proxy.port}` },
		});
		const team = await environment.namespace('team');
		for (const provider of ['direct', 'proxied']) {
			await environment.pod(team, provider, annotation({ provider, path: 'db', secretName: provider }));
			t.deepEqual({ ...(await environment.secret(team, provider)).data }, { a: '1' }, provider);
		}

		t.true(proxy.requests.length > 0);
		t.true(proxy.requests.every(request => request.includes(` http://${HOST}:8200/v1/`)));
	});
}

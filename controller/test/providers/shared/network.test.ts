// Every kind of store through a proxy, signing in included: what it sees, what its faults look like, what stays secret.
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { makeServerCertificate } from '../../../testing/api-server/wire/certificate.ts';
import { startSecretsManager } from '../../../testing/aws/secrets-manager.ts';
import { until } from '../../helpers/clocks/until.ts';
import { changed } from '../../helpers/provider-config.ts';
import { fileOf, HOST, readerOf, STORES } from '../../helpers/servers/behind-proxy.ts';
import { startConnectProxy } from '../../helpers/servers/connect-proxy.ts';
import { startTlsFront } from '../../helpers/servers/tls-front.ts';
import { prepareVault } from '../../helpers/servers/vault.ts';
import { startEmbedded } from '../../helpers/servers/vault-target.ts';
import { refusal } from '../shared/contract.ts';

const PASSWORD = 'QZ7proxy-canary';

for (const [name, start] of Object.entries(STORES)) {
	async function stage(t: ExecutionContext, credentials?: string) {
		const store = await start(t);
		const proxy = await startConnectProxy(t, credentials === undefined ? {} : { credentials });
		return { store, proxy };
	}

	test.serial(`${name}: the proxy of the configuration carries the reads and the sign-in`, async t => {
		const { store, proxy } = await stage(t);
		const read = await readerOf(t, store, { proxy: proxy.url });
		t.is((await read()).payload().toString(), '{"a":"1"}');
		t.true(store.calls() >= 2);
		t.deepEqual([...new Set(proxy.requests)], [`CONNECT ${HOST}:${store.port}`]);
		await read();
		t.true(proxy.requests.length <= 3, 'connections are used again');
	});

	test.serial(`${name}: HTTPS_PROXY of the environment carries the reads, with its credentials`, async t => {
		const { store, proxy } = await stage(t, `jasm:${PASSWORD}`);
		const read = await readerOf(
			t,
			store,
			{},
			{ HTTPS_PROXY: `http://jasm:${PASSWORD}@127.0.0.1:${proxy.port}` },
		);
		t.is((await read()).payload().toString(), '{"a":"1"}');
		t.true(proxy.requests.length > 0);
	});

	test.serial(`${name}: a host of NO_PROXY, and a proxy "none", are reached without the proxy`, async t => {
		const { store, proxy } = await stage(t);
		const env = { HTTPS_PROXY: proxy.url };
		const read = await readerOf(t, store, {}, { ...env, NO_PROXY: `.example` });
		const none = await readerOf(t, store, { proxy: 'none' }, env);
		for (const each of [read, none]) {
			// Without the proxy, nothing leads to the host.
			t.is((await refusal(each())).code, 'PROVIDER_UNAVAILABLE');
		}

		t.deepEqual(proxy.requests, []);
	});

	test.serial(
		`${name}: credentials for the proxy come from a file, and are read again after a refusal`,
		async t => {
			const { store, proxy } = await stage(t, `jasm:${PASSWORD}`);
			const proxyCredentialsFile = fileOf(t, `jasm:${PASSWORD}\n`);
			const read = await readerOf(t, store, { proxy: proxy.url, proxyCredentialsFile });
			t.is((await read()).payload().toString(), '{"a":"1"}');
			writeFileSync(proxyCredentialsFile, 'jasm:old');
			const changing = await readerOf(t, store, { proxy: proxy.url, proxyCredentialsFile });
			t.is((await refusal(changing())).code, 'PROVIDER_MISCONFIGURED');
			writeFileSync(proxyCredentialsFile, `jasm:${PASSWORD}`);
			t.is((await changing()).payload().toString(), '{"a":"1"}');
			const missing = await readerOf(t, store, { proxy: proxy.url, proxyCredentialsFile: '/nowhere' });
			t.regex((await refusal(missing())).message, /the file of proxyCredentialsFile cannot be read/);
		},
	);

	for (const [what, fault, code, text] of [
		[
			'refuses the credentials',
			{ status: 407 },
			'PROVIDER_MISCONFIGURED',
			/refused JASM's credentials \(407\)/,
		],
		['refuses the host', { status: 403 }, 'PROVIDER_MISCONFIGURED', /refused the connection \(403\)/],
		['cannot connect', { status: 502 }, 'PROVIDER_UNAVAILABLE', /could not connect \(502\)/],
		['closes the connection', 'close', 'PROVIDER_UNAVAILABLE', /no answer from the proxy/],
		['answers garbage', 'garbage', 'PROVIDER_UNAVAILABLE', /no answer from the proxy/],
	] as const) {
		test.serial(
			`${name}: a proxy that ${what} is named by host and port, and its password is not`,
			async t => {
				const { store, proxy } = await stage(t);
				proxy.fault = fault;
				const read = await readerOf(
					t,
					store,
					{},
					{ HTTPS_PROXY: `http://jasm:${PASSWORD}@127.0.0.1:${proxy.port}` },
				);
				const error = await refusal(read());
				t.is(error.code, code);
				t.regex(error.message, text);
				t.true(error.message.includes(`the proxy 127.0.0.1:${proxy.port}`), error.message);
				t.is(error.details['proxy'], `127.0.0.1:${proxy.port}`);
				t.false(inspect(error, { depth: 9, showHidden: true }).includes(PASSWORD));
				t.is(store.calls(), 0);
				proxy.fault = undefined;
				t.is((await read()).payload().toString(), '{"a":"1"}');
			},
		);
	}

	test.serial(`${name}: a proxy that is not there is named, and so is one that never answers`, async t => {
		const { store, proxy } = await stage(t);
		const absent = await readerOf(t, store, { proxy: 'http://127.0.0.1:1' });
		const error = await refusal(absent());
		t.is(error.code, 'PROVIDER_UNAVAILABLE');
		t.regex(error.message, /no answer from the proxy 127\.0\.0\.1:1$/);
		proxy.fault = 'hang';
		const hung = await readerOf(t, store, { proxy: proxy.url, timeoutMs: 6_000 });
		const late = await refusal(hung());
		t.is(late.code, 'PROVIDER_UNAVAILABLE');
		t.true(late.message.includes(`no answer from the proxy 127.0.0.1:${proxy.port}`), late.message);
		// A tunnel without a reader must not stay open.
		await until(() => proxy.open === 0);
		t.is(proxy.open, 0);
	});

	test.serial(
		`${name}: a certificate of an unknown authority is told by name, and read again once it is trusted`,
		async t => {
			const { store, proxy } = await stage(t);
			const caFile = fileOf(t, makeServerCertificate(new Date()).ca);
			const read = await readerOf(t, store, { proxy: proxy.url, caFile });
			const error = await refusal(read());
			t.is(error.code, 'PROVIDER_UNAVAILABLE');
			t.regex(
				error.message,
				/the certificate of .+ is not trusted for its address \([A-Z_]+\): check caFile/,
			);
			t.true(error.message.includes(`through the proxy 127.0.0.1:${proxy.port}`));
			t.is(store.calls(), 0);
			writeFileSync(caFile, 'no certificate');
			t.is((await refusal(read())).code, 'PROVIDER_UNAVAILABLE');
			writeFileSync(caFile, store.ca);
			t.is((await read()).payload().toString(), '{"a":"1"}');
		},
	);

	test.serial(
		`${name}: the certificate of a proxy that speaks TLS is named beside that of the store`,
		async t => {
			const { store, proxy } = await stage(t);
			const front = await startTlsFront(t, proxy.url);
			const read = await readerOf(t, store, { proxy: `https://localhost:${front.port}` });
			const error = await refusal(read());
			t.is(error.code, 'PROVIDER_UNAVAILABLE');
			t.true(error.message.includes(`the certificate of the proxy localhost:${front.port}, or that of`));
			t.regex(error.message, /NODE_EXTRA_CA_CERTS/);
			t.deepEqual(proxy.requests, []);
		},
	);
}

test.serial('an http address has its own proxy, which sees the request in the open', async t => {
	const harness = await prepareVault(await startEmbedded());
	t.teardown(() => harness.close());
	await harness.put('db', '{"a":"1"}');
	const proxy = await startConnectProxy(t, { hosts: { [HOST]: Number(new URL(harness.vault.url).port) } });
	const config = changed(harness.config, { address: `http://${HOST}:8200` });
	const env = {
		HTTP_PROXY: `http://jasm:${PASSWORD}@127.0.0.1:${proxy.port}`,
		HTTPS_PROXY: 'http://127.0.0.1:1',
	};
	const read = await readerOf(t, { config, port: 0, calls: () => 0, ca: '' }, {}, env);
	t.is((await read()).payload().toString(), '{"a":"1"}');
	t.true(proxy.requests.every(request => /^(GET|POST) http:\/\/store\.example:8200\/v1\//.test(request)));
	proxy.fault = { status: 407 };
	const again = await readerOf(t, { config, port: 0, calls: () => 0, ca: '' }, {}, env);
	const error = await refusal(again());
	t.is(error.code, 'PROVIDER_MISCONFIGURED');
	t.true(error.message.includes(`the proxy 127.0.0.1:${proxy.port} refused JASM's credentials (407)`));
	t.false(inspect(error, { depth: 9, showHidden: true }).includes(PASSWORD));
});

test.serial('the time that a proxy has to connect does not cut a slow answer short', async t => {
	const server = await startSecretsManager({ latencyMs: 5_500 });
	t.teardown(() => server.close());
	server.put('db', { a: '1' });
	const proxy = await startConnectProxy(t);
	const config = {
		kind: 'aws-secretsmanager',
		region: server.region,
		endpoint: server.url,
		credentials: 'environment',
		timeoutMs: 10_000,
	} as const;
	const env = { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' };
	const read = await readerOf(
		t,
		{ config, port: 0, calls: () => 0, ca: '' },
		{ proxy: proxy.url, timeoutMs: 10_000 },
		env,
	);
	t.is((await read()).payload().toString(), '{"a":"1"}');
	t.is(server.calls.length, 1);
});

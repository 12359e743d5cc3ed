// Which requests go through a proxy: the one of the configuration, or those of the environment by their exceptions.
import { inspect } from 'node:util';
import test from 'ava';
import {
	ProxyServer,
	proxyFault,
	proxyRules,
	proxyVariableFaults,
} from '../../../src/providers/shared/proxy.ts';

const name = (env: Record<string, string>, url: string, proxy?: string) =>
	proxyRules(proxy, env)(new URL(url))?.name;

const BOTH = { HTTPS_PROXY: 'http://secure:3128', HTTP_PROXY: 'http://plain:8080' };

test('an https address has the proxy of HTTPS_PROXY, an http address that of HTTP_PROXY', t => {
	t.is(name(BOTH, 'https://vault.example:8200'), 'secure:3128');
	t.is(name(BOTH, 'http://vault.example:8200'), 'plain:8080');
	t.is(name({ HTTP_PROXY: 'http://plain:8080' }, 'https://vault.example'), undefined);
	t.is(name({}, 'https://vault.example'), undefined);
});

test('lower case is read as well, and upper case wins', t => {
	t.is(name({ https_proxy: 'http://lower:1' }, 'https://a.example'), 'lower:1');
	t.is(
		name({ https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:2' }, 'https://a.example'),
		'upper:2',
	);
	t.is(name({ ...BOTH, no_proxy: 'a.example' }, 'https://a.example'), undefined);
});

test('a proxy may be written as HOST:PORT in a variable, and has the port of its scheme by default', t => {
	t.is(name({ HTTPS_PROXY: 'proxy.example:3128' }, 'https://a'), 'proxy.example:3128');
	t.is(name({ HTTPS_PROXY: 'http://proxy.example/' }, 'https://a'), 'proxy.example:80');
	t.is(name({ HTTPS_PROXY: 'https://proxy.example' }, 'https://a'), 'proxy.example:443');
});

test('the proxy of the configuration is for every request, whatever the environment says', t => {
	const env = { ...BOTH, NO_PROXY: '*' };
	t.is(name(env, 'https://a.example', 'http://own:1'), 'own:1');
	t.is(name(env, 'http://127.0.0.1', 'http://own:1'), 'own:1');
	t.is(name(BOTH, 'https://a.example', 'none'), undefined);
});

for (const [list, direct, proxied] of [
	['*', ['https://a.example', 'https://10.0.0.1'], []],
	[
		'example.com',
		['https://example.com', 'https://a.b.example.com'],
		['https://badexample.com', 'https://com'],
	],
	['.example.com', ['https://a.example.com'], ['https://example.com', 'https://aexample.com']],
	['*.example.com', ['https://a.example.com'], ['https://example.com']],
	['EXAMPLE.com.', ['https://example.COM', 'https://example.com.'], ['https://example.org']],
	['example.com:8443', ['https://example.com:8443'], ['https://example.com', 'https://example.com:8444']],
	['example.com:443', ['https://example.com'], ['http://example.com']],
	['10.0.0.0/8', ['https://10.1.2.3', 'http://10.255.255.255'], ['https://11.0.0.1', 'https://10.example']],
	['10.0.0.1', ['https://10.0.0.1'], ['https://10.0.0.2', 'https://110.0.0.1']],
	['10.0.0.1:8200', ['https://10.0.0.1:8200'], ['https://10.0.0.1']],
	['fd00::/8, [fd01::2]:443', ['https://[fd00::1]'], ['https://[fe00::1]']],
	['2001:db8::1', ['https://[2001:db8::1]'], ['https://[2001:db8::2]']],
	[
		'a.example b.example,,c.example',
		['https://a.example', 'https://b.example', 'https://c.example'],
		['https://d'],
	],
	['.svc,.cluster.local', ['https://vault.vault.svc:8200', 'https://v.x.svc.cluster.local'], ['https://svc']],
	['10.0.0.0/99,[,:,/8', [], ['https://10.0.0.1', 'https://a']],
	['', [], ['https://a']],
] as const) {
	test(`NO_PROXY="${list}" excepts what it names, and nothing else`, t => {
		for (const url of direct) {
			t.is(name({ ...BOTH, NO_PROXY: list }, url), undefined, url);
		}

		for (const url of proxied) {
			t.is(
				name({ ...BOTH, NO_PROXY: list }, url),
				url.startsWith('https:') ? 'secure:3128' : 'plain:8080',
				url,
			);
		}
	});
}

test('a proxy of the environment never sees loopback, nor the addresses where the node serves credentials', t => {
	for (const host of [
		'localhost',
		'127.0.0.1',
		'127.9.9.9',
		'[::1]',
		'169.254.169.254',
		'169.254.170.23',
		'[fe80::1]',
	]) {
		t.is(name(BOTH, `https://${host}`), undefined, host);
		t.is(name(BOTH, `http://${host}:8080`), undefined, host);
	}
});

test('credentials reach the address of the proxy, and nothing that prints it', t => {
	const server = proxyRules(undefined, { HTTPS_PROXY: 'http://us%40er:p%3Ass@proxy:3128' })(
		new URL('https://a'),
	)!;
	t.is(server.address(), 'http://us%40er:p%3Ass@proxy:3128/');
	t.is(server.name, 'proxy:3128');
	for (const text of [
		JSON.stringify(server),
		String(server),
		inspect(server, { showHidden: true, depth: 9 }),
	]) {
		t.notRegex(text, /er:|p%3A|p:ss/);
	}
});

test('credentials of a file stand in for those that the address lacks', t => {
	t.is(
		new ProxyServer(new URL('http://proxy:1')).address('us@er:p:s/s'),
		'http://us%40er:p%3As%2Fs@proxy:1/',
	);
	t.is(new ProxyServer(new URL('http://a:b@proxy:1')).address('c:d'), 'http://a:b@proxy:1/');
});

test('a configured proxy is an http or https address without credentials, or none', t => {
	for (const proxy of ['http://proxy:3128', 'https://proxy.example', 'http://10.0.0.1:80/', 'none']) {
		t.is(proxyFault(proxy), undefined, proxy);
	}

	for (const proxy of [
		'proxy:3128',
		'socks5://proxy:1080',
		'http://proxy/path',
		'http://proxy?x',
		'',
		'http://',
	]) {
		t.is(proxyFault(proxy), 'is not http://HOST:PORT, https://HOST:PORT or none', proxy);
	}

	t.regex(
		proxyFault('http://user:hunter2@proxy:3128') ?? '',
		/^must not carry credentials: .*proxyCredentialsFile$/,
	);
});

test('a variable that names no proxy is a fault, which does not repeat it', t => {
	t.deepEqual(proxyVariableFaults({ HTTPS_PROXY: 'socks5://user:hunter2@proxy', http_proxy: 'http://a b' }), [
		'HTTPS_PROXY: is not the address of an http or https proxy (http://HOST:PORT)',
		'HTTP_PROXY: is not the address of an http or https proxy (http://HOST:PORT)',
	]);
	t.deepEqual(proxyVariableFaults({ HTTPS_PROXY: '', HTTP_PROXY: 'proxy:80' }), []);
});

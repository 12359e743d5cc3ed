// The fields of a cluster and of a context: what kubectl 1.37 and the controller make of them.
import { bearer, type Case, type Parts, type Place } from './case.ts';
import { identities } from './recording-server.ts';

export function clusterCases({ server, config }: Place): Case[] {
	const { port, ca, httpProxy, httpsProxy } = server;
	const tok = bearer('tok');
	const row = (what: string, parts: Parts, rest: Omit<Case, 'what' | 'files'>, files = {}): Case => ({
		what,
		files: { config: config(parts), ...files },
		...rest,
	});
	const cluster = (what: string, fields: object, rest: Omit<Case, 'what' | 'files'>, files = {}) =>
		row(`cluster ${what}`, { cluster: fields }, rest, files);
	const noData = { 'certificate-authority-data': undefined };
	const proxied = (proxy: string) => ({ 'proxy-url': proxy });
	const target = `127.0.0.1:${port}`;
	return [
		row('one context with a token', {}, { seen: tok }),
		cluster(
			'server: a path goes before every request, query and fragment are dropped',
			{ server: `https://127.0.0.1:${port}/k8s/c1/?a=b#c` },
			{ seen: { ...tok, path: '/k8s/c1/version' } },
		),
		cluster(
			'server: a name is sent and verified',
			{ server: `https://localhost:${port}` },
			{ seen: { ...tok, serverName: 'localhost' } },
		),
		cluster(
			'server: http is refused',
			{ server: `http://127.0.0.1:${port}` },
			{ refused: /the server "http:.*" is not an https address$/ },
		),
		cluster(
			'server: an address without a scheme is refused',
			{ server: target },
			{ refused: /the server "127.*" is not an https address$/ },
		),
		cluster('server: is required', { server: '' }, { refused: /the server "" is not an https address$/ }),
		cluster(
			'tls-server-name: is sent and verified in place of the host',
			{ 'tls-server-name': 'kubernetes.default.svc' },
			{ seen: { ...tok, serverName: 'kubernetes.default.svc' } },
		),
		cluster(
			'tls-server-name: an address is verified and not sent',
			{ server: `https://localhost:${port}`, 'tls-server-name': '127.0.0.1' },
			{ seen: tok },
		),
		cluster(
			'tls-server-name: another name than that of the certificate ends the connection',
			{ 'tls-server-name': 'other' },
			{ refused: /ERR_TLS_CERT_ALTNAME_INVALID/ },
		),
		cluster('certificate-authority-data: without one the server is not trusted', noData, {
			refused: /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/,
		}),
		cluster(
			'certificate-authority: a path is relative to the file',
			{ ...noData, 'certificate-authority': 'pki/ca.crt' },
			{ seen: tok },
			{ 'pki/ca.crt': ca },
		),
		cluster(
			'certificate-authority: a missing file is named',
			{ ...noData, 'certificate-authority': 'pki/ca.crt' },
			{ refused: /reading "\/.*\/pki\/ca\.crt": ENOENT$/ },
		),
		cluster(
			'certificate-authority: beside certificate-authority-data it is refused',
			{ 'certificate-authority': 'pki/ca.crt' },
			{ refused: /the cluster: certificate-authority-data and certificate-authority exclude each other$/ },
			{ 'pki/ca.crt': ca },
		),
		cluster(
			'certificate-authority-data: text that is not base64 is refused',
			{ 'certificate-authority-data': '%%%' },
			{ refused: /cluster "dev": certificate-authority-data: is not base64$/ },
		),
		cluster(
			'certificate-authority-data: data that is no certificate is refused',
			{ 'certificate-authority-data': Buffer.from('hello').toString('base64') },
			{ refused: /the certificate-authority cannot be used \(ERR_OSSL_PEM_NO_START_LINE\)$/ },
		),
		cluster(
			'certificate-authority-data: another authority is not trusted',
			{ 'certificate-authority-data': Buffer.from(identities.first.ca).toString('base64') },
			{ refused: /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/ },
		),
		cluster(
			'insecure-skip-tls-verify: any certificate is accepted',
			{ ...noData, 'insecure-skip-tls-verify': true },
			{ seen: tok },
		),
		cluster(
			'insecure-skip-tls-verify: beside an authority it is refused',
			{ 'insecure-skip-tls-verify': true },
			{ refused: /insecure-skip-tls-verify and a certificate-authority exclude each other$/ },
		),
		cluster(
			'insecure-skip-tls-verify: text is refused',
			{ ...noData, 'insecure-skip-tls-verify': 'true' },
			{ refused: /cluster "dev": insecure-skip-tls-verify: must be true or false$/ },
		),
		cluster('proxy-url: an http proxy is asked to connect', proxied(`http://127.0.0.1:${httpProxy}`), {
			seen: { ...tok, proxy: { target } },
		}),
		cluster('proxy-url: an https proxy is asked to connect', proxied(`https://127.0.0.1:${httpsProxy}`), {
			seen: { ...tok, proxy: { target } },
		}),
		cluster(
			'proxy-url: name and password are sent to the proxy, decoded',
			proxied(`http://us%40er:pa%3Ass@127.0.0.1:${httpProxy}`),
			{ seen: { ...tok, proxy: { target, authorization: 'Basic dXNAZXI6cGE6c3M=' } } },
		),
		cluster(
			'proxy-url: the proxy resolves the name of the server',
			{ server: `https://localhost:${port}`, ...proxied(`http://127.0.0.1:${httpProxy}`) },
			{ seen: { ...tok, serverName: 'localhost', proxy: { target: `localhost:${port}` } } },
		),
		...['socks4://127.0.0.1:1', 'ftp://127.0.0.1:1', '127.0.0.1:1'].map(url =>
			cluster(`proxy-url: ${url} is refused`, proxied(url), {
				refused: /proxy-url must be an http or https address: other proxies are not supported$/,
			}),
		),
		cluster(
			'disable-compression: changes nothing, nothing is compressed',
			{ 'disable-compression': true },
			{
				seen: tok,
			},
		),
		cluster(
			'extensions: have no effect',
			{ extensions: [{ name: 'x', extension: { a: 1 } }] },
			{ seen: tok },
		),
		cluster(
			'fields that do not exist are refused by name',
			{ 'certificate-authorty': 'x' },
			{
				refused:
					/cluster "dev": unknown field "certificate-authorty", did you mean "certificate-authority"\?$/,
				kubectl: 'honours',
			},
		),
		row(
			'context namespace: has no effect on a request without one',
			{ context: { namespace: 'team' } },
			{
				seen: tok,
			},
		),
		row('context extensions: have no effect', { context: { extensions: [] } }, { seen: tok }),
		row(
			'context user: a name without an entry is refused',
			{ context: { user: 'other' } },
			{
				refused: /there is no user "other", which context "dev" names$/,
			},
		),
		row(
			'context user: is required',
			{ context: { user: undefined } },
			{
				refused: /context "dev": it names no user$/,
			},
		),
		row(
			'context cluster: a name without an entry is refused',
			{ context: { cluster: 'other' } },
			{
				refused: /there is no cluster "other", which context "dev" names$/,
			},
		),
		row(
			'current-context: is required',
			{ top: { 'current-context': undefined } },
			{
				refused: /no context is chosen: current-context is not set$/,
			},
		),
		row(
			'current-context: a name without an entry is refused',
			{ top: { 'current-context': 'x' } },
			{
				refused: /there is no context "x"$/,
			},
		),
		row(
			'preferences and extensions of the file have no effect',
			{
				top: { preferences: { colors: true }, extensions: [{ name: 'x', extension: {} }] },
			},
			{ seen: tok },
		),
		row(
			'kind and apiVersion may be absent',
			{ top: { kind: undefined, apiVersion: undefined } },
			{ seen: tok },
		),
		...[{ kind: 'Pod' }, { apiVersion: 'v2' }].map(top =>
			row(
				`a file of ${JSON.stringify(top)} is refused`,
				{ top },
				{
					refused: /is not of apiVersion v1 and kind Config$/,
				},
			),
		),
	];
}

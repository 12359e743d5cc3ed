// The fields of a user's `exec`: what kubectl 1.37 and the controller make of them.
import { base64, bearer, type Case, type Parts, type Place } from './case.ts';
import { identities } from './recording-server.ts';

const API = 'client.authentication.k8s.io';

/** A plugin that prints an ExecCredential of this status. */
const plugin = (status: object | undefined, more: object = {}, printed: object = {}) => ({
	apiVersion: `${API}/v1`,
	interactiveMode: 'Never',
	...printing(JSON.stringify({ apiVersion: `${API}/v1`, kind: 'ExecCredential', status, ...printed })),
	...more,
});

const printing = (text: string) => ({
	command: process.execPath,
	args: ['-e', `process.stdout.write(${JSON.stringify(text)})`],
});

/** A plugin whose token is what it learned from variables and arguments. */
const echo = {
	args: [
		'-e',
		`const { KUBERNETES_EXEC_INFO: info, A } = process.env;
		const token = Buffer.from(JSON.stringify({ info, A, arguments: process.argv.slice(1) })).toString('base64');
		console.log(JSON.stringify({ apiVersion: '${API}/v1', kind: 'ExecCredential', status: { token } }))`,
		'x',
	],
};

const echoed = (spec: object, A?: string) => {
	const info = `${JSON.stringify({ kind: 'ExecCredential', apiVersion: `${API}/v1`, spec })}\n`;
	return bearer(base64(JSON.stringify({ info, A, arguments: ['x'] })));
};

export function execCases({ server, config }: Place): Case[] {
	const row = (what: string, parts: Parts, rest: Omit<Case, 'what' | 'files'>, files = {}): Case => ({
		what: `exec ${what}`,
		files: { config: config(parts), ...files },
		...rest,
	});
	const exec = (what: string, entry: object, rest: Omit<Case, 'what' | 'files'>) =>
		row(what, { user: { exec: entry } }, rest);
	const fails = (text: string) => new RegExp(`user "dev": exec: ${text}$`);
	const { first } = identities;
	const certificate = { clientCertificateData: first.cert, clientKeyData: first.key };
	const url = `https://127.0.0.1:${server.port}`;
	const ca = base64(server.ca);
	const proxy = `http://127.0.0.1:${server.httpProxy}`;
	const x = bearer('x');
	return [
		exec('a token becomes the header', plugin({ token: 'x' }), { seen: x }),
		exec('a certificate is shown to the server', plugin(certificate), { seen: { certificate: 'first' } }),
		exec('token and certificate go together', plugin({ ...certificate, token: 'x' }), {
			seen: { ...x, certificate: 'first' },
		}),
		row(
			'is not run beside a token',
			{ user: { token: 'tok', exec: plugin({ token: 'x' }) } },
			{
				seen: bearer('tok'),
			},
		),
		row(
			'is not run beside a certificate',
			{
				user: {
					'client-certificate-data': base64(first.cert),
					'client-key-data': base64(first.key),
					exec: plugin({ token: 'x' }),
				},
			},
			{ seen: { certificate: 'first' } },
		),
		exec('a certificate without its key is refused', plugin({ clientCertificateData: first.cert }), {
			refused: fails("the plugin's output has a certificate or a key, and not both"),
		}),
		exec('a status without credentials is refused', plugin({}), {
			refused: fails("the plugin's output has neither a token nor a certificate"),
		}),
		exec('an output without a status is refused', plugin(undefined), {
			refused: fails("the plugin's output has no status"),
		}),
		exec(
			'an expired token is used, and the plugin asked again later',
			plugin({
				token: 'x',
				expirationTimestamp: '2020-01-01T00:00:00Z',
			}),
			{ seen: x },
		),
		exec('an output that is not YAML is refused', plugin({}, printing('secret-token: [')), {
			refused: fails("the plugin's output is not an ExecCredential"),
		}),
		exec('an output of another kind is refused', plugin({ token: 'x' }, {}, { kind: 'Pod' }), {
			refused: fails("the plugin's output is not an ExecCredential"),
		}),
		exec('an output without a kind is accepted', plugin({ token: 'x' }, {}, { kind: undefined }), {
			seen: x,
		}),
		exec(
			'an output in YAML is accepted',
			plugin({}, printing(`apiVersion: ${API}/v1\nkind: ExecCredential\nstatus: {token: x}\n`)),
			{ seen: x },
		),
		exec('apiVersion: is required', plugin({ token: 'x' }, { apiVersion: undefined }), {
			refused: fails('apiVersion is required'),
		}),
		exec(
			'apiVersion: v1beta1 needs no interactiveMode',
			plugin(
				{ token: 'x' },
				{ apiVersion: `${API}/v1beta1`, interactiveMode: undefined },
				{ apiVersion: `${API}/v1beta1` },
			),
			{ seen: x },
		),
		exec('apiVersion: v1alpha1 is refused', plugin({ token: 'x' }, { apiVersion: `${API}/v1alpha1` }), {
			refused: fails(`apiVersion must be ${API}/v1 or ${API}/v1beta1`),
		}),
		exec(
			'apiVersion: an output of another version is refused',
			plugin({ token: 'x' }, { apiVersion: `${API}/v1beta1` }),
			{ refused: fails(`the plugin's output is not of apiVersion ${API}/v1beta1`) },
		),
		exec('command: is required', plugin({ token: 'x' }, { command: undefined }), {
			refused: fails('command is required'),
		}),
		exec(
			'command: one that is not installed is named, with the installHint',
			plugin(
				{},
				{
					command: 'no-such-plugin',
					installHint: 'install it',
				},
			),
			{ refused: fails('"no-such-plugin" is not installed; installHint: install it') },
		),
		row(
			'command: a path is relative to the file',
			{
				user: { exec: plugin({}, { command: './plugin', args: ['x'] }) },
			},
			{ refused: fails('"/.*/plugin" cannot be run \\(EACCES\\)') },
			{ plugin: '#!/bin/sh\n' },
		),
		exec(
			'command: a failure is reported by its exit code',
			plugin(
				{},
				{
					args: ['-e', 'console.error("secret-token"); process.exit(3)'],
				},
			),
			{ refused: fails('".*" ended with exit code 3: run it by hand to see why') },
		),
		exec(
			'args, env: reach the plugin, with the environment',
			plugin(
				{},
				{
					...echo,
					env: [{ name: 'A', value: 'b' }],
				},
			),
			{ seen: echoed({ interactive: false }, 'b') },
		),
		exec('env: a value may be absent', plugin({}, { ...echo, env: [{ name: 'A' }] }), {
			seen: echoed({ interactive: false }, ''),
		}),
		exec('env: a variable needs a name', plugin({ token: 'x' }, { env: [{ value: 'b' }] }), {
			refused: fails('env\\[0\\]: name is required'),
		}),
		exec('interactiveMode: is required in v1', plugin({ token: 'x' }, { interactiveMode: undefined }), {
			refused: fails('interactiveMode is required \\(Never, IfAvailable\\)'),
		}),
		exec(
			'interactiveMode: IfAvailable runs without a terminal',
			plugin({ token: 'x' }, { interactiveMode: 'IfAvailable' }),
			{ seen: x },
		),
		exec('interactiveMode: Always is refused', plugin({ token: 'x' }, { interactiveMode: 'Always' }), {
			refused: fails('interactiveMode Always is not supported: a controller has no terminal'),
		}),
		exec('interactiveMode: another word is refused', plugin({ token: 'x' }, { interactiveMode: 'No' }), {
			refused: fails('interactiveMode must be Never or IfAvailable'),
		}),
		row(
			'provideClusterInfo: the plugin learns the cluster and its extension',
			{
				cluster: {
					'tls-server-name': 'localhost',
					'proxy-url': proxy,
					'disable-compression': true,
					extensions: [
						{ name: `${API}/exec`, extension: { a: 1 } },
						{ name: 'other', extension: {} },
					],
				},
				user: { exec: plugin({}, { ...echo, provideClusterInfo: true }) },
			},
			{
				seen: {
					...echoed({
						cluster: {
							server: url,
							'tls-server-name': 'localhost',
							'certificate-authority-data': ca,
							'proxy-url': proxy,
							'disable-compression': true,
							config: { a: 1 },
						},
						interactive: false,
					}),
					serverName: 'localhost',
					proxy: { target: `127.0.0.1:${server.port}` },
				},
			},
		),
		row(
			'provideClusterInfo: an authority in a file is handed over as data',
			{
				cluster: { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.crt' },
				user: { exec: plugin({}, { ...echo, provideClusterInfo: true }) },
			},
			{
				seen: echoed({
					cluster: { server: url, 'certificate-authority-data': ca, config: null },
					interactive: false,
				}),
			},
			{ 'ca.crt': server.ca },
		),
		row(
			'provideClusterInfo: the plugin learns that nothing is verified',
			{
				cluster: { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true },
				user: { exec: plugin({}, { ...echo, provideClusterInfo: true }) },
			},
			{
				seen: echoed({
					cluster: { server: url, 'insecure-skip-tls-verify': true, config: null },
					interactive: false,
				}),
			},
		),
		exec('fields that do not exist are refused by name', plugin({ token: 'x' }, { arg: [] }), {
			refused: fails('unknown field "arg", did you mean "args"\\?'),
			kubectl: 'honours',
		}),
		row(
			'beside auth-provider it is refused',
			{
				user: { exec: plugin({ token: 'x' }), 'auth-provider': { name: 'oidc' } },
			},
			{ refused: /auth-provider is not supported/ },
		),
	];
}

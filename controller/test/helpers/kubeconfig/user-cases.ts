// The fields of a user, except `exec`: what kubectl 1.37 and the controller make of them.
import { base64, bearer, type Case, type Place } from './case.ts';
import { identities } from './recording-server.ts';

export function userCases({ config }: Place): Case[] {
	const user = (what: string, fields: object, rest: Omit<Case, 'what' | 'files'>, files = {}): Case => ({
		what: `user ${what}`,
		files: { config: config({ user: fields }), ...files },
		...rest,
	});
	const { first, second } = identities;
	const certificate = {
		'client-certificate-data': base64(first.cert),
		'client-key-data': base64(first.key),
	};
	const tok = bearer('tok');
	const exclude = (a: string, b: string) => new RegExp(`user "dev": ${a} and ${b} exclude each other$`);
	const noCredentials =
		/user "dev": it has no credentials: set token, tokenFile, client-certificate, exec or username$/;
	return [
		user('without any field is refused: it would be anonymous', {}, { refused: noCredentials }),
		user('token: an empty one is none', { token: '' }, { refused: noCredentials }),
		user(
			'token: a number is refused',
			{ token: 123 },
			{
				refused: /user "dev": token: is not text \(put it in quotation marks\)$/,
			},
		),
		user(
			'tokenFile: is read, relative to the file',
			{ tokenFile: 'sub/tok' },
			{ seen: bearer('file') },
			{
				'sub/tok': 'file\n',
			},
		),
		user(
			'tokenFile: goes before token',
			{ token: 'tok', tokenFile: 't' },
			{ seen: bearer('file') },
			{
				t: 'file',
			},
		),
		user(
			'tokenFile: token is what is left of a missing file',
			{ token: 'tok', tokenFile: 't' },
			{ seen: tok },
		),
		user(
			'tokenFile: token is what is left of an empty file',
			{ token: 'tok', tokenFile: 't' },
			{ seen: tok },
			{
				t: '\n',
			},
		),
		user(
			'tokenFile: a missing file is named',
			{ tokenFile: 't' },
			{
				refused: /reading "\/.*\/t": ENOENT$/,
			},
		),
		user(
			'tokenFile: an empty file is named',
			{ tokenFile: 't' },
			{
				refused: /reading "\/.*\/t": the file is empty$/,
			},
			{ t: '\n' },
		),
		user(
			'tokenFile: the spelling of other clients is refused',
			{ token: 'tok', 'token-file': 't' },
			{
				refused: /user "dev": unknown field "token-file", did you mean "tokenFile"\?$/,
				kubectl: 'honours',
			},
		),
		user(
			'username: with password it is a header',
			{ username: 'ü', password: 'p:w' },
			{
				seen: { authorization: `Basic ${base64('ü:p:w')}` },
			},
		),
		user(
			'username: the password may be empty',
			{ username: 'u' },
			{
				seen: { authorization: `Basic ${base64('u:')}` },
			},
		),
		user(
			'password: without username there are no credentials',
			{ password: 'p' },
			{ refused: noCredentials },
		),
		user(
			'username: beside token it is refused',
			{ username: 'u', token: 't' },
			{
				refused: exclude('token', 'username'),
			},
		),
		user(
			'username: beside tokenFile it is refused',
			{ username: 'u', tokenFile: 't' },
			{
				refused: exclude('tokenFile', 'username'),
			},
			{ t: 'x' },
		),
		user('client-certificate-data, client-key-data: are shown to the server', certificate, {
			seen: { certificate: 'first' },
		}),
		user(
			'client-certificate, client-key: are read, relative to the file',
			{
				'client-certificate': 'c.pem',
				'client-key': 'k.pem',
			},
			{ seen: { certificate: 'first' } },
			{ 'c.pem': first.cert, 'k.pem': first.key },
		),
		user(
			'client-key: may be a file while the certificate is data',
			{
				'client-certificate-data': base64(first.cert),
				'client-key': 'k.pem',
			},
			{ seen: { certificate: 'first' } },
			{ 'k.pem': first.key },
		),
		user(
			'client-certificate: beside client-certificate-data it is refused',
			{
				...certificate,
				'client-certificate': 'c.pem',
			},
			{ refused: exclude('client-certificate-data', 'client-certificate') },
			{ 'c.pem': second.cert },
		),
		user(
			'client-key: beside client-key-data it is refused',
			{ ...certificate, 'client-key': 'k.pem' },
			{
				refused: exclude('client-key-data', 'client-key'),
			},
			{ 'k.pem': second.key },
		),
		user(
			'client-certificate: a missing file is named',
			{
				'client-certificate': 'c.pem',
				'client-key-data': base64(first.key),
			},
			{ refused: /reading "\/.*\/c\.pem": ENOENT$/ },
		),
		user(
			'client-certificate: needs a key',
			{ 'client-certificate-data': base64(first.cert) },
			{
				refused: /user "dev": client-certificate needs client-key or client-key-data$/,
			},
		),
		user(
			'client-certificate: a key that is not its own is refused',
			{
				'client-certificate-data': base64(first.cert),
				'client-key-data': base64(second.key),
			},
			{ refused: /client-certificate and client-key cannot be used \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)$/ },
		),
		user(
			'client-key: a key alone is no credential',
			{ 'client-key-data': base64(first.key) },
			{
				refused: noCredentials,
			},
		),
		user(
			'client-certificate: goes together with token',
			{ ...certificate, token: 'tok' },
			{
				seen: { ...tok, certificate: 'first' },
			},
		),
		user(
			'client-certificate: goes together with username',
			{ ...certificate, username: 'u' },
			{
				seen: { certificate: 'first', authorization: `Basic ${base64('u:')}` },
			},
		),
		user(
			'as: the user to act as is sent',
			{ token: 'tok', as: 'jane' },
			{
				seen: { ...tok, impersonate: { 'impersonate-user': ['jane'] } },
			},
		),
		user(
			'as: also where a certificate is the identity',
			{ ...certificate, as: 'jane' },
			{
				seen: { certificate: 'first', impersonate: { 'impersonate-user': ['jane'] } },
			},
		),
		user(
			'as-uid, as-groups, as-user-extra: are sent, each value of a list by itself',
			{
				token: 'tok',
				as: 'jäne',
				'as-uid': '42',
				'as-groups': ['dev', 'ops'],
				'as-user-extra': { 'acme.com/Reason': ['a', 'b'], 'x y%': ['c'] },
			},
			{
				seen: {
					...tok,
					impersonate: {
						'impersonate-user': ['jäne'],
						'impersonate-uid': ['42'],
						'impersonate-group': ['dev', 'ops'],
						'impersonate-extra-acme.com%2freason': ['a', 'b'],
						'impersonate-extra-x%20y%25': ['c'],
					},
				},
			},
		),
		...[{ 'as-uid': '1' }, { 'as-groups': ['dev'] }, { 'as-user-extra': { a: ['b'] } }].map(fields =>
			user(
				`${Object.keys(fields)[0]}: without as it is refused`,
				{ token: 'tok', ...fields },
				{
					refused: /user "dev": as-uid, as-groups and as-user-extra need as$/,
				},
			),
		),
		...['gcp', 'oidc', 'tokenFile'].map(name =>
			user(
				`auth-provider: ${name} is refused`,
				{ token: 'tok', 'auth-provider': { name, config: {} } },
				{
					refused: /user "dev": auth-provider is not supported: use a credential plugin \(exec\)$/,
				},
			),
		),
		user('extensions: have no effect', { token: 'tok', extensions: [] }, { seen: tok }),
	];
}

// The configuration of a webhook: it names who may send, and how the connection is protected, or it is refused.
import test from 'ava';
import { loadConfig } from '../../src/config/config.ts';
import type { JasmError } from '../../src/errors.ts';

const TOKEN = '/etc/jasm/webhook/token';
const load = (fields: object) =>
	loadConfig({
		argv: ['--config', '/config.yaml'],
		env: { POD_NAMESPACE: 'jasm' },
		readFile: () =>
			JSON.stringify({
				providers: { v: { kind: 'vault', address: 'https://vault.example', role: 'jasm' } },
				changes: { sources: [{ kind: 'webhook', providers: ['v'], ...fields }] },
			}),
	});
const faultsOf = (fields: object): readonly string[] => {
	try {
		load(fields);
		return [];
	} catch (error) {
		return (error as JasmError).faults;
	}
};

const TLS = { tlsCertFile: '/tls.crt', tlsKeyFile: '/tls.key' };

test('a webhook listens on port 8082 with TLS and tokens, for providers of every kind', t => {
	t.deepEqual(load({ ...TLS, bearerFiles: [TOKEN] }).changes?.sources, [
		{
			kind: 'webhook',
			address: ':8082',
			providers: ['v'],
			...TLS,
			allowInsecure: false,
			bearerFiles: [TOKEN],
		},
	]);
	t.deepEqual(faultsOf({ allowInsecure: true, bearerFiles: [TOKEN, '/second'] }), []);
	t.deepEqual(faultsOf({ allowInsecure: true, hmacFiles: ['/key'] }), []);
	t.deepEqual(faultsOf({ ...TLS, clientCaFile: '/ca.crt', clientNames: ['a.example', 'spiffe://a/b'] }), []);
});

test('a webhook without authentication, or without TLS unless that is said, is refused with the field to set', t => {
	const cases: readonly (readonly [object, RegExp])[] = [
		[TLS, /\.bearerFiles: is required, or hmacFiles, .*: no webhook listens without authentication$/],
		[{ ...TLS, bearerFiles: [] }, /\.bearerFiles: must not be empty/],
		[{ ...TLS, clientCaFile: '/ca.crt' }, /\.clientNames: is required: .* go together$/],
		[{ ...TLS, bearerFiles: [TOKEN], clientNames: ['a'] }, /\.clientCaFile: is required: .* go together$/],
		[
			{ allowInsecure: true, clientCaFile: '/ca.crt', clientNames: ['a'] },
			/\.tlsCertFile: is required: a certificate of a sender needs TLS$/,
		],
		[
			{ ...TLS, clientCaFile: '/ca.crt', clientNames: ['a, DNS:b'] },
			/\.clientNames\[0\]: "a, DNS:b" is not a DNS name or a URI/,
		],
		[{ bearerFiles: [TOKEN] }, /\.tlsCertFile: is required, or allowInsecure: true/],
		[{ bearerFiles: [TOKEN], tlsCertFile: '/tls.crt' }, /\.tlsKeyFile: is required: .* go together$/],
		[
			{ bearerFiles: [TOKEN], tlsKeyFile: '/tls.key', allowInsecure: true },
			/\.tlsCertFile: is required: .* go together$/,
		],
		[{ ...TLS, bearerFiles: ['token'] }, /\.bearerFiles\[0\]: "token" is not an absolute path/],
		[{ ...TLS, bearerFiles: [TOKEN], address: '0' }, /\.address: "0" is not HOST:PORT or :PORT/],
		[{ ...TLS, bearerFiles: [TOKEN], address: '8082' }, /\.address: "8082" is not HOST:PORT or :PORT/],
		[
			{ ...TLS, bearerFiles: [TOKEN], providers: ['w'] },
			/\.providers\[0\]: "w" is not a configured provider/,
		],
	];
	for (const [fields, expected] of cases) {
		const faults = faultsOf(fields);
		t.is(faults.length, 1, JSON.stringify([fields, faults]));
		t.regex(faults[0]!, expected);
		t.regex(faults[0]!, /^changes\.sources\[0\]/);
	}
});

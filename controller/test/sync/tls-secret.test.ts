// A Secret of type kubernetes.io/tls holds a certificate that a server can start with, whatever form the source has.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { parseAnnotation } from '../../src/requests/annotation.ts';
import { desiredSecret } from '../../src/sync/desired-secret.ts';
import { payloadToValues } from '../../src/sync/payload.ts';
import { fileOf, INTERMEDIATE, KEY, LEAF, ROOT } from '../certificates/files.ts';

const CHAIN = LEAF + INTERMEDIATE + ROOT;

/** The data of the Secret that a pod gets for this payload. */
function written(payload: string | Buffer, fields: object = {}, binary = false): Record<string, string> {
	const request = { provider: 'p', path: 'site', secretName: 'site', type: 'kubernetes.io/tls', ...fields };
	const [sync] = parseAnnotation(JSON.stringify(request));
	const values = payloadToValues(new SecretValue({ payload, binary, version: '1' }), sync);
	const { data } = JSON.parse(
		JSON.stringify(desiredSecret({ namespace: 'team', sync: sync!, values, version: '1' })),
	);
	return Object.fromEntries(
		Object.entries(data as Record<string, string>).map(([key, text]) => [
			key,
			Buffer.from(text, 'base64').toString(),
		]),
	);
}

const members = (crt: string, key: string, more = {}) =>
	JSON.stringify({ 'tls.crt': crt, 'tls.key': key, ...more });

test('a JSON object keeps its bytes where certificate and key match and the chain is in order', t => {
	const more = { 'ca.crt': 'anything' };
	t.deepEqual(written(members(CHAIN, KEY, more)), { ...more, 'tls.crt': CHAIN, 'tls.key': KEY });
});

test('a chain that begins with its root is written with the certificate of the key first', t => {
	t.is(written(members(ROOT + INTERMEDIATE + LEAF, KEY))['tls.crt'], CHAIN);
	t.is(
		written(JSON.stringify({ c: ROOT + LEAF, k: KEY }), { keys: { 'tls.crt': 'c', 'tls.key': 'k' } })[
			'tls.crt'
		],
		LEAF + ROOT,
	);
});

test('PEM blocks in one text become tls.crt and tls.key, from any store', t => {
	for (const text of [KEY + ROOT + INTERMEDIATE + LEAF, `${LEAF}\n${KEY}\n${INTERMEDIATE}${ROOT}`]) {
		t.deepEqual(written(text), { 'tls.crt': CHAIN, 'tls.key': KEY });
		t.deepEqual(written(Buffer.from(text)), { 'tls.crt': CHAIN, 'tls.key': KEY });
	}
});

test('a PKCS #12 file becomes tls.crt and tls.key, as bytes and as base64 with or without line breaks', t => {
	for (const form of ['aes256-sha256', 'rc2-40-and-3des', 'unencrypted']) {
		const bytes = fileOf(`${form}.p12`);
		const base64 = bytes.toString('base64');
		for (const secret of [
			written(bytes, {}, true),
			written(base64),
			written(base64.replace(/.{76}/g, '$&\n')),
		]) {
			t.is(secret['tls.crt'], CHAIN, form);
			t.is(secret['tls.key'], KEY, form);
		}
	}
});

test('a PKCS #12 file for another type, or under a key, is bytes as before', t => {
	const bytes = fileOf('aes256-sha256.p12');
	t.throws(() => written(bytes, { type: 'Opaque' }, true), {
		message: /type kubernetes.io\/tls makes tls.crt and tls.key/,
	});
	const values = payloadToValues(new SecretValue({ payload: bytes, binary: true, version: '1' }), {
		key: 'site.p12',
	});
	t.deepEqual(values.get('site.p12'), bytes);
});

for (const [what, payload, binary, says] of [
	['a key of another certificate', members(ROOT, KEY), false, /no certificate in tls.crt matches/],
	['a certificate that is no certificate', members('canary', KEY), false, /tls.crt holds no certificate/],
	['a PKCS #12 file with a password', fileOf('password.p12'), true, /protected by a password/],
	['no key at all', JSON.stringify({ 'tls.crt': LEAF }), false, /the keys "tls.crt" and "tls.key"/],
] as const) {
	test(`${what} is refused, so that no success is reported for it`, t => {
		const error = t.throws(() => written(payload, {}, binary), { instanceOf: JasmError });
		t.is(error.code, 'SECRET_TYPE_INVALID');
		t.regex(error.message, says);
		t.is(error.cause, undefined);
		t.false(error.message.includes('canary'));
	});
}

test('a payload that is neither JSON nor a certificate is refused as before', t => {
	for (const payload of ['plain', LEAF, KEY, 'TUlJ', 'x'.repeat(300_000)]) {
		t.throws(() => written(payload), { message: 'payload is not a JSON object' });
	}
});

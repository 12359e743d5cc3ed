// A certificate with its key is what a server can start with, or it is refused.
import { generateKeyPairSync } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { CertificateFault } from '../../src/certificates/fault.ts';
import { orderedKeyPair } from '../../src/certificates/key-pair.ts';
import { fileOf, INTERMEDIATE, KEY, LEAF, ROOT } from './files.ts';

const NAMES = { certificates: 'tls.crt', key: 'tls.key' };
const CHAIN = LEAF + INTERMEDIATE + ROOT;

const ordered = (certificates: string, key = KEY) => orderedKeyPair({ certificates, key }, NAMES);

const pemKey = () =>
	generateKeyPairSync('ec', { namedCurve: 'P-256' })
		.privateKey.export({ type: 'pkcs8', format: 'pem' })
		.toString();

test('a chain in order is returned byte for byte, with whatever stands between its blocks', t => {
	for (const certificates of [
		LEAF,
		CHAIN,
		`Bag Attributes\n  friendlyName: site\n${LEAF}\n# issuer\n${INTERMEDIATE}`,
		CHAIN.replaceAll('\n', '\r\n'),
	]) {
		t.deepEqual(ordered(certificates), { certificates, key: KEY });
	}
});

test('in whatever order the certificates come, that of the key is first and each issuer follows what it issued', t => {
	fc.assert(
		fc.property(fc.shuffledSubarray([LEAF, INTERMEDIATE, ROOT], { minLength: 3 }), certificates => {
			t.is(ordered(certificates.join('')).certificates, CHAIN);
		}),
	);
	t.is(ordered(INTERMEDIATE + LEAF).certificates, LEAF + INTERMEDIATE);
});

test('a certificate that does not belong to the chain comes last, and none is lost', t => {
	t.is(ordered(ROOT + LEAF).certificates, LEAF + ROOT);
	t.is(ordered(LEAF + ROOT + INTERMEDIATE).certificates, CHAIN);
});

test('a block with lost or odd line breaks is written with lines that every server reads', t => {
	const flat = (pem: string, line: string) =>
		pem.replace(
			/-----\n([^-]*)\n-----/,
			(_, body: string) => `-----${line}${body.replaceAll('\n', line)}${line}-----`,
		);
	for (const line of [' ', '', '\n\n', '\n  ']) {
		t.deepEqual(
			ordered(flat(LEAF, line), flat(KEY, line)),
			{ certificates: LEAF, key: KEY },
			JSON.stringify(line),
		);
	}

	t.is(ordered(`\ufeff${LEAF}`).certificates, LEAF);
	t.is(ordered(`  ${LEAF}`).certificates, LEAF);
});

test('a key in each unencrypted form is taken as it is', t => {
	for (const [type, options] of [
		['rsa', { modulusLength: 2048 }],
		['ed25519', {}],
	] as const) {
		const key = generateKeyPairSync(type as 'rsa', options as { modulusLength: number }).privateKey;
		const pem = key.export({ type: type === 'rsa' ? 'pkcs1' : 'pkcs8', format: 'pem' }).toString();
		t.throws(() => ordered(LEAF, pem), { message: /^no certificate in tls.crt matches/ }, type);
	}

	const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
	t.is(ordered(LEAF, parameters + KEY).key, parameters + KEY);
});

for (const [what, certificates, key, message] of [
	[
		'a key of another certificate',
		CHAIN,
		pemKey(),
		'no certificate in tls.crt matches the private key in tls.key',
	],
	[
		'a chain without its first certificate',
		INTERMEDIATE + ROOT,
		KEY,
		'no certificate in tls.crt matches the private key in tls.key',
	],
	['no certificate', 'canary', KEY, 'tls.crt holds no certificate in PEM form'],
	['a key in place of the certificate', KEY, KEY, 'tls.crt holds no certificate in PEM form'],
	['a certificate that is cut', LEAF.slice(0, 300), KEY, 'tls.crt holds no certificate in PEM form'],
	[
		'a certificate that is broken',
		LEAF + INTERMEDIATE.replace(/MII/, 'MIK'),
		KEY,
		'certificate 2 in tls.crt cannot be read',
	],
	['no key', LEAF, 'canary', 'tls.key holds no private key in PEM form'],
	['a certificate in place of the key', LEAF, LEAF, 'tls.key holds no private key in PEM form'],
	['two keys', LEAF, KEY + KEY, 'tls.key holds more than one private key'],
	['a broken key', LEAF, KEY.replace(/MIG/, 'MIK'), 'the private key in tls.key cannot be read'],
	['an encrypted key', LEAF, fileOf('encrypted.key').toString(), 'the private key in tls.key is encrypted'],
	[
		'a key encrypted in the old form',
		LEAF,
		fileOf('encrypted-old.key').toString(),
		'the private key in tls.key is encrypted',
	],
	['more certificates than a chain has', LEAF.repeat(101), KEY, 'tls.crt holds more than 100 certificates'],
	['a text of a megabyte', `${LEAF}${'x'.repeat(1_000_000)}`, KEY, 'tls.crt has more than 262144 characters'],
] as const) {
	test(`${what} is refused by a text that holds nothing of it`, t => {
		t.throws(() => ordered(certificates, key), { instanceOf: CertificateFault, message });
	});
}

test('any text is answered or refused, and quickly', t => {
	const piece = fc.constantFrom(
		'-----BEGIN CERTIFICATE-----',
		'-----END CERTIFICATE-----',
		'-',
		'\n',
		'MII',
		'=',
		LEAF,
		KEY,
		'a-b',
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
			try {
				ordered(pieces.join(''));
			} catch (error) {
				t.true(error instanceof CertificateFault);
			}
		}),
	);
	for (const part of [
		'-----BEGIN CERTIFICATE-----',
		'-----BEGIN A-----a-',
		'-',
		'a-',
		'-----BEGIN CERTIFICATE-----\nMII\n',
	]) {
		const since = performance.now();
		t.throws(() => ordered(part.repeat(Math.floor(262_000 / part.length))));
		t.true(performance.now() - since < 2_000, part);
	}
});

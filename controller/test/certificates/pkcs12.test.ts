// PKCS #12 files without a password are opened in every form that tools write; all others are refused by name.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { CertificateFault } from '../../src/certificates/fault.ts';
import { pemBlocks } from '../../src/certificates/pem.ts';
import { isPkcs12, openPkcs12 } from '../../src/certificates/pkcs12.ts';
import { fileOf, INTERMEDIATE, KEY, LEAF, ROOT } from './files.ts';

const sorted = (pem: string) =>
	pemBlocks(pem)
		.map(block => block.pem)
		.sort();

for (const form of [
	'aes256-sha256',
	'aes128-sha512',
	'rc2-40-and-3des',
	'3des',
	'rc2-128-and-2des',
	'unencrypted',
]) {
	test(`a file of the form ${form} gives its key and all its certificates`, t => {
		const bytes = fileOf(`${form}.p12`);
		t.true(isPkcs12(bytes));
		const { certificates, key } = openPkcs12(bytes);
		t.deepEqual(sorted(certificates), sorted(LEAF + INTERMEDIATE + ROOT));
		t.true(createPrivateKey(key).equals(createPrivateKey(KEY)));
	});
}

test('a file with an RSA key, in the form that Key Vault and Windows write, gives the key of its certificate', t => {
	const { certificates, key } = openPkcs12(fileOf('rsa.p12'));
	t.true(new X509Certificate(certificates).checkPrivateKey(createPrivateKey(key)));
});

test('a file with indefinite lengths and texts in pieces, as Java libraries write it, is the same', t => {
	for (const form of ['aes256-sha256', 'unencrypted']) {
		const { certificates, key } = openPkcs12(indefinite(fileOf(`${form}.p12`)));
		t.deepEqual(sorted(certificates), sorted(LEAF + INTERMEDIATE + ROOT));
		t.true(createPrivateKey(key).equals(createPrivateKey(KEY)));
	}
});

for (const [file, message] of [
	['password', /protected by a password/],
	['password-3des', /protected by a password/],
	['rc4', /encrypted in a way that JASM does not know/],
	['iterations-5000000', /more than 100000 iterations/],
	['without-key', /holds no private key/],
] as const) {
	test(`the file ${file} is refused for its own reason`, t => {
		t.throws(() => openPkcs12(fileOf(`${file}.p12`)), { instanceOf: CertificateFault, message });
	});
}

test('no other file is taken for PKCS #12', t => {
	for (const bytes of [Buffer.alloc(0), Buffer.from('{"a":"b"}'), Buffer.from(LEAF), Buffer.from([0x30])]) {
		t.false(isPkcs12(bytes));
	}

	const der = new X509Certificate(LEAF).raw;
	t.false(isPkcs12(der));
	t.throws(() => openPkcs12(der), { instanceOf: CertificateFault });
});

test('a damaged file is opened or refused, and ends in nothing else', t => {
	const files = ['aes256-sha256', 'rc2-40-and-3des', 'unencrypted'].map(form => fileOf(`${form}.p12`));
	fc.assert(
		fc.property(
			fc.constantFrom(...files),
			fc.array(fc.tuple(fc.nat(2_500), fc.nat(255)), { minLength: 1, maxLength: 4 }),
			fc.option(fc.nat(2_500), { nil: undefined }),
			(file, changes, length) => {
				const bytes = Buffer.from(file.subarray(0, length));
				for (const [place, byte] of changes) {
					if (place < bytes.length) {
						bytes[place] = byte;
					}
				}

				try {
					openPkcs12(bytes);
				} catch (error) {
					if (!(error instanceof CertificateFault)) {
						throw error;
					}
				}
			},
		),
		{ numRuns: 300 },
	);
	t.pass();
});

/** The same elements with the lengths that BER allows: constructed ones end by a mark, texts are cut into two. */
function indefinite(der: Buffer): Buffer {
	const out: Buffer[] = [];
	for (let at = 0; at < der.length; ) {
		const tag = der[at]!;
		const first = der[at + 1]!;
		const octets = first > 0x80 ? first & 0x7f : 0;
		const from = at + 2 + octets;
		const end = from + (octets > 0 ? der.readUIntBE(at + 2, octets) : first);
		const content = der.subarray(from, end);
		if ((tag & 0x20) !== 0) {
			out.push(Buffer.from([tag, 0x80]), indefinite(content), Buffer.alloc(2));
		} else if (tag === 0x04) {
			const half = content.length >> 1;
			const pieces = [content.subarray(0, half), content.subarray(half)].map(piece =>
				Buffer.concat([Buffer.from([0x04, 0x82, piece.length >> 8, piece.length & 0xff]), piece]),
			);
			out.push(Buffer.from([0x24, 0x80]), ...pieces, Buffer.alloc(2));
		} else {
			out.push(der.subarray(at, end));
		}

		at = end;
	}

	return Buffer.concat(out);
}

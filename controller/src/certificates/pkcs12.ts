// Opens a PKCS #12 file without a password: its certificates and its one private key as PEM; pure.
//
// Node itself only takes such a file for a connection, and a library in JavaScript would stop everything else for half
// a second where V8 has no compiler (docs/decisions).
import { type Der, oidOf, part, readDer, TAG } from './der.ts';
import { CertificateFault } from './fault.ts';
import type { KeyPair } from './key-pair.ts';
import { pemOf } from './pem.ts';
import { decrypted, type Work, workForOneFile } from './pkcs12-cipher.ts';

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAG = '1.2.840.113549.1.12.10.1';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
/** Bags may hold bags. */
const MAX_DEPTH = 4;

type Content = { readonly certificates: Buffer[]; readonly keys: Buffer[]; readonly work: Work };

/** Whether bytes begin as a PKCS #12 file does: a sequence that begins with the version 3. */
export function isPkcs12(bytes: Buffer): boolean {
	const first = bytes[1] ?? 0;
	const at = 2 + (first > 0x80 ? first & 0x7f : 0);
	return bytes[0] === 0x30 && bytes.subarray(at, at + 3).equals(Buffer.from([2, 1, 3]));
}

/** @throws CertificateFault */
export function openPkcs12(bytes: Buffer): KeyPair {
	const content: Content = { certificates: [], keys: [], work: workForOneFile() };
	const file = readDer(bytes);
	const safes = contentOf(part(file, 1, TAG.sequence));
	for (const safe of readDer(safes).parts) {
		readSafe(safe, content);
	}

	const [key, ...more] = content.keys;
	if (key === undefined || content.certificates.length === 0) {
		throw new CertificateFault(
			`the PKCS #12 file holds no ${key === undefined ? 'private key' : 'certificate'}`,
		);
	}

	if (more.length > 0) {
		throw new CertificateFault('the PKCS #12 file holds more than one private key');
	}

	return {
		certificates: content.certificates.map(der => pemOf('CERTIFICATE', der)).join(''),
		key: pemOf('PRIVATE KEY', key),
	};
}

/** The text of a ContentInfo of type data. */
function contentOf(info: Der): Buffer {
	if (oidOf(part(info, 0, TAG.oid)) !== DATA) {
		throw new CertificateFault('the PKCS #12 file is protected by keys rather than by a password');
	}

	return part(part(info, 1, TAG.context0), 0, TAG.octets).bytes;
}

function readSafe(safe: Der, content: Content): void {
	if (oidOf(part(safe, 0, TAG.oid)) !== ENCRYPTED_DATA) {
		readBags(readDer(contentOf(safe)), content, 0);
		return;
	}

	const info = part(part(part(safe, 1, TAG.context0), 0, TAG.sequence), 1, TAG.sequence);
	const algorithm = part(info, 1, TAG.sequence);
	const data = part(info, 2, TAG.context0).bytes;
	const bags = decrypted(algorithm, data, content.work, plain => {
		const bags = readDer(plain);
		for (const bag of bags.parts) {
			part(bag, 0, TAG.oid);
		}

		return bags;
	});
	readBags(bags, content, 0);
}

function readBags({ parts }: Der, content: Content, depth: number): void {
	for (const bag of parts) {
		const value = part(bag, 1, TAG.context0);
		switch (oidOf(part(bag, 0, TAG.oid))) {
			case `${BAG}.1`:
				content.keys.push(part(value, 0, TAG.sequence).raw);
				break;
			case `${BAG}.2`: {
				const info = part(value, 0, TAG.sequence);
				const { bytes } = part(info, 1, TAG.octets);
				content.keys.push(decrypted(part(info, 0, TAG.sequence), bytes, content.work, privateKeyInfo));
				break;
			}
			case `${BAG}.3`: {
				const certificate = part(value, 0, TAG.sequence);
				if (oidOf(part(certificate, 0, TAG.oid)) === X509_CERTIFICATE) {
					content.certificates.push(part(part(certificate, 1, TAG.context0), 0, TAG.octets).bytes);
				}
				break;
			}
			case `${BAG}.6`:
				if (depth < MAX_DEPTH) {
					readBags(part(value, 0, TAG.sequence), content, depth + 1);
				}
		}
	}
}

/** Its own bytes, where it looks like a key. */
function privateKeyInfo(plain: Buffer): Buffer {
	const info = readDer(plain);
	part(info, 0, TAG.integer);
	part(info, 1, TAG.sequence);
	part(info, 2, TAG.octets);
	return info.raw;
}

// Proves that a certificate and a private key belong together, and puts the certificate's chain in order; pure.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CertificateFault } from './fault.ts';
import { isCertificate, isPrivateKey, type PemBlock, pemBlocks } from './pem.ts';

/** A server's chain has a handful. The bounds hold the time, which grows with the square of the number. */
const MAX_CERTIFICATES = 100;
const MAX_LENGTH = 262_144;

export type KeyPair = { readonly certificates: string; readonly key: string };

/**
 * The pair as servers need it: the certificate of the key first, then each issuer after what it issued, then whatever
 * does not belong to the chain. A text in that form already is returned as it is.
 *
 * @throws CertificateFault where no certificate matches the key, or one of the texts cannot be read
 */
export function orderedKeyPair(
	{ certificates, key }: KeyPair,
	names: { readonly certificates: string; readonly key: string },
): KeyPair {
	for (const [text, name] of [
		[certificates, names.certificates],
		[key, names.key],
	] as const) {
		if (text.length > MAX_LENGTH) {
			throw new CertificateFault(`${name} has more than ${MAX_LENGTH} characters`);
		}
	}

	const keyBlock = onlyKey(key, names.key);
	const privateKey = readKey(keyBlock, names.key);
	const blocks = pemBlocks(certificates).filter(isCertificate);
	if (blocks.length === 0) {
		throw new CertificateFault(`${names.certificates} holds no certificate in PEM form`);
	}

	if (blocks.length > MAX_CERTIFICATES) {
		throw new CertificateFault(`${names.certificates} holds more than ${MAX_CERTIFICATES} certificates`);
	}

	const read = blocks.map((block, index) => readCertificate(block, index, names.certificates));
	const leaf = read.findIndex(certificate => matches(certificate, privateKey));
	if (leaf === -1) {
		throw new CertificateFault(
			`no certificate in ${names.certificates} matches the private key in ${names.key}`,
		);
	}

	const order = chainOrder(read, leaf);
	const asItIs =
		blocks.every(({ wellFormed }) => wellFormed) && order.every((place, index) => place === index);
	return {
		certificates: asItIs ? certificates : order.map(index => blocks[index]!.pem).join(''),
		key: keyBlock.wellFormed ? key : keyBlock.pem,
	};
}

function onlyKey(text: string, name: string): PemBlock {
	const [block, ...more] = pemBlocks(text).filter(isPrivateKey);
	if (block === undefined) {
		throw new CertificateFault(`${name} holds no private key in PEM form`);
	}

	if (more.length > 0) {
		throw new CertificateFault(`${name} holds more than one private key`);
	}

	if (/^ENCRYPTED /.test(block.label) || /^Proc-Type: 4,ENCRYPTED/m.test(block.pem)) {
		throw new CertificateFault(`the private key in ${name} is encrypted`);
	}

	return block;
}

function readKey({ pem }: PemBlock, name: string): KeyObject {
	try {
		return createPrivateKey(pem);
	} catch {
		// The error is dropped: it could describe the key.
		throw new CertificateFault(`the private key in ${name} cannot be read`);
	}
}

function readCertificate({ pem }: PemBlock, index: number, name: string): X509Certificate {
	try {
		return new X509Certificate(pem);
	} catch {
		throw new CertificateFault(`certificate ${index + 1} in ${name} cannot be read`);
	}
}

/** A certificate for a kind of key that Node does not know matches none. */
function matches(certificate: X509Certificate, key: KeyObject): boolean {
	try {
		return certificate.checkPrivateKey(key);
	} catch {
		return false;
	}
}

/** Indexes: the leaf, then by preference what issued the one before, then what issued any before, then the rest. */
function chainOrder(certificates: readonly X509Certificate[], leaf: number): number[] {
	const order = [leaf];
	const rest = certificates.map((_, index) => index).filter(index => index !== leaf);
	const issued = (issuer: number, subject: number): boolean =>
		certificates[subject]!.checkIssued(certificates[issuer]!);
	while (rest.length > 0) {
		const last = order.at(-1)!;
		const next =
			rest.find(index => issued(index, last)) ??
			rest.find(index => order.some(subject => issued(index, subject))) ??
			rest[0]!;
		order.push(next);
		rest.splice(rest.indexOf(next), 1);
	}

	return order;
}

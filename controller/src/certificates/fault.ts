// What is wrong with a certificate, a key or a file of both. This folder reads them; it is pure, and knows no store.
//
// pem.ts finds the blocks of a text, key-pair.ts proves that a certificate and a key belong together, pkcs12.ts opens
// PKCS #12 files by means of der.ts, pkcs12-cipher.ts and rc2.ts. The folder imports only Node's crypto.

/** Its message is a fixed text that names no byte of the input. */
export class CertificateFault extends Error {
	override readonly name = 'CertificateFault';
}

// What Key Vault's certificates look like when they are read as secrets; pure.
import type { SecretValueOptions } from '../secret-value.ts';

/** The payload of a secret by its content type: PKCS #12 as bytes, PEM with its parts, all else as text. */
export function payloadOf(value: string, contentType = ''): Omit<SecretValueOptions, 'version'> {
	const bytes = contentType === 'application/x-pkcs12' ? fromBase64(value) : undefined;
	if (bytes !== undefined) {
		return { payload: bytes, binary: true };
	}

	const parts = contentType === 'application/x-pem-file' ? splitPem(value) : undefined;
	return { payload: Buffer.from(value), parts };
}

function fromBase64(text: string): Buffer | undefined {
	const bytes = Buffer.from(text, 'base64');
	return bytes.toString('base64') === text.trim() ? bytes : undefined;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----/g;

/** The chain as `tls.crt` and its key as `tls.key`, as kubernetes.io/tls wants them; undefined for other PEM. */
function splitPem(text: string): ReadonlyMap<string, Buffer> | undefined {
	const blocks = Array.from(text.matchAll(BLOCK), ([block, label = '']) => ({ block, label }));
	const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE');
	const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
	const join = (chosen: typeof blocks) => Buffer.from(chosen.map(({ block }) => `${block}\n`).join(''));
	return certificates.length > 0 && keys.length === 1
		? new Map([
				['tls.crt', join(certificates)],
				['tls.key', join(keys)],
			])
		: undefined;
}

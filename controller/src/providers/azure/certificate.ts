// What Key Vault's certificates look like when they are read as secrets; pure.
import { certificatesAndKey } from '../../certificates/pem.ts';
import type { SecretValueOptions } from '../secret-value.ts';
import { ProviderFailure } from '../shared/failure.ts';

/** The payload of a secret by its content type: PKCS #12 as bytes, PEM with its parts, all else as text. */
export function payloadOf(value: string, contentType = ''): Omit<SecretValueOptions, 'version'> {
	if (contentType === 'application/x-pkcs12') {
		return { payload: fromBase64(value), binary: true };
	}

	return { payload: value, parts: contentType === 'application/x-pem-file' ? partsOf(value) : undefined };
}

/** The chain as `tls.crt` and its key as `tls.key`, as kubernetes.io/tls wants them; undefined for other PEM. */
function partsOf(text: string): ReadonlyMap<string, Buffer> | undefined {
	const pair = certificatesAndKey(text);
	return (
		pair &&
		new Map([
			['tls.crt', Buffer.from(pair.certificates)],
			['tls.key', Buffer.from(pair.key)],
		])
	);
}

/**
 * Lines, blanks and missing padding do not matter; anything else that is no base64 is refused, because its text
 * would be written where bytes are expected.
 */
function fromBase64(text: string): Buffer {
	const digits = text
		.replace(/^\ufeff/, '')
		.replace(/\s/g, '')
		.replace(/=+$/, '');
	if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) {
		throw new ProviderFailure(
			'the secret has content type application/x-pkcs12, but its value is not base64',
			{
				code: 'PAYLOAD_MALFORMED',
			},
		);
	}

	return Buffer.from(digits, 'base64');
}

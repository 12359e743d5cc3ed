// The values of a Secret of type kubernetes.io/tls: taken from a certificate file, checked against each other; pure.
import { isUtf8 } from 'node:buffer';
import { CertificateFault } from '../certificates/fault.ts';
import { type KeyPair, orderedKeyPair } from '../certificates/key-pair.ts';
import { certificatesAndKey } from '../certificates/pem.ts';
import { isPkcs12, openPkcs12 } from '../certificates/pkcs12.ts';
import { JasmError } from '../errors.ts';
import { byteLength, type Value } from './encode-values.ts';

export const TLS_KEYS = { certificates: 'tls.crt', key: 'tls.key' } as const;

/** A certificate with its chain and its key has a few kilobytes. */
const MAX_FILE_BYTES = 262_144;

/**
 * The two parts of a payload that is a certificate with its key: PEM blocks in one text, or a PKCS #12 file without a
 * password, as bytes or in base64. Undefined for any other payload.
 *
 * @throws JasmError SECRET_TYPE_INVALID for a PKCS #12 file that cannot be opened
 */
export function certificateParts(payload: Value): ReadonlyMap<string, string> | undefined {
	const pair = keyPairOf(payload);
	return (
		pair &&
		new Map([
			[TLS_KEYS.certificates, pair.certificates],
			[TLS_KEYS.key, pair.key],
		])
	);
}

function keyPairOf(payload: Value): KeyPair | undefined {
	if (byteLength(payload) > MAX_FILE_BYTES) {
		return undefined;
	}

	const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
	const file = isUtf8(bytes) ? (fromBase64(bytes.toString()) ?? bytes) : bytes;
	return isPkcs12(file) ? coded(() => openPkcs12(file)) : certificatesAndKey(bytes.toString());
}

function fromBase64(text: string): Buffer | undefined {
	return /^[A-Za-z0-9+/=\s]+$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/**
 * The same values with the certificate of the key first and its chain in order.
 *
 * @throws JasmError SECRET_TYPE_INVALID where a server could not use them
 */
export function withOrderedChain(values: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
	const [certificates, key] = [values.get(TLS_KEYS.certificates), values.get(TLS_KEYS.key)];
	if (certificates === undefined || key === undefined) {
		throw new JasmError(
			`type kubernetes.io/tls requires the keys "${TLS_KEYS.certificates}" and "${TLS_KEYS.key}"`,
			{ code: 'SECRET_TYPE_INVALID' },
		);
	}

	const written = { certificates: certificates.toString(), key: key.toString() };
	const ordered = coded(() => orderedKeyPair(written, TLS_KEYS));
	return new Map([
		...values,
		[
			TLS_KEYS.certificates,
			ordered.certificates === written.certificates ? certificates : ordered.certificates,
		],
		[TLS_KEYS.key, ordered.key === written.key ? key : ordered.key],
	]);
}

function coded<T>(action: () => T): T {
	try {
		return action();
	} catch (error) {
		if (!(error instanceof CertificateFault)) {
			throw error;
		}

		throw new JasmError(`type kubernetes.io/tls requires a certificate with its key: ${error.message}`, {
			code: 'SECRET_TYPE_INVALID',
		});
	}
}

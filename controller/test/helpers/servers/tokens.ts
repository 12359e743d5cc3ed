// Keys and tokens of an issuer of the test's own, as a cluster signs them for its ServiceAccounts.
import { generateKeyPairSync, sign } from 'node:crypto';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** PEM of the issuer's key. */
export const ISSUER_KEY = publicKey.export({ type: 'spki', format: 'pem' }).toString();

export const ISSUER = 'https://issuer.example';
export const SUBJECT = 'system:serviceaccount:jasm:jasm';

/** An ES256 JWT of JASM's ServiceAccount for one audience, for an hour; `claims` go over that. */
export function identityToken(audience: string, claims: object = {}): string {
	const now = Math.floor(Date.now() / 1_000);
	const all = { iss: ISSUER, sub: SUBJECT, aud: [audience], iat: now, nbf: now, exp: now + 3_600, ...claims };
	const text = [{ alg: 'ES256', typ: 'JWT' }, all].map(part => base64url(JSON.stringify(part))).join('.');
	const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
	return `${text}.${signature.toString('base64url')}`;
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');

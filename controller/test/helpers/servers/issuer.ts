// An OpenID Connect issuer on loopback: serves its document and its keys over TLS, and signs tokens.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeServerCertificate } from '../../../testing/index.ts';
import type { Teardown } from '../environment/file-teardown.ts';

export type SigningKey = {
	readonly id: string;
	readonly algorithm: string;
	readonly publicKey: KeyObject;
	readonly privateKey: KeyObject;
};

export const rsaKey = (id: string, modulusLength = 2_048): SigningKey => ({
	id,
	algorithm: 'RS256',
	...generateKeyPairSync('rsa', { modulusLength }),
});

export const ecKey = (id: string, namedCurve = 'P-256'): SigningKey => ({
	id,
	algorithm: 'ES256',
	...generateKeyPairSync('ec', { namedCurve }),
});

export const jwkOf = ({ id, publicKey }: SigningKey, fields: object = {}): object => ({
	...publicKey.export({ format: 'jwk' }),
	kid: id,
	use: 'sig',
	...fields,
});

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

export function signToken(key: SigningKey, claims: object, header: object = {}): string {
	const text = `${encoded({ alg: key.algorithm, kid: key.id, typ: 'JWT', ...header })}.${encoded(claims)}`;
	const options = { key: key.privateKey, dsaEncoding: 'ieee-p1363' } as const;
	return `${text}.${sign('sha256', Buffer.from(text), options).toString('base64url')}`;
}

export type TestIssuer = {
	readonly url: string;
	/** PEM of its authority. */
	readonly ca: string;
	/** Paths that were asked for. */
	readonly calls: string[];
	/** What it serves; may be replaced. */
	keys: SigningKey[];
	/** Replaces fields of its document. */
	document: object;
	/** Status of every answer. */
	status: number;
};

export async function startIssuer(t: Teardown, keys: SigningKey[]): Promise<TestIssuer> {
	const { ca, cert, key } = makeServerCertificate(new Date());
	const calls: string[] = [];
	const server = createServer({ cert, key }, ({ url: path = '' }, response) => {
		calls.push(path);
		response.writeHead(issuer.status, { 'content-type': 'application/json' });
		const document = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...issuer.document };
		const body = path === '/keys' ? { keys: issuer.keys.map(each => jwkOf(each)) } : document;
		response.end(JSON.stringify(body));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const url = `https://localhost:${(server.address() as AddressInfo).port}`;
	const issuer: TestIssuer = { url, ca, calls, keys, document: {}, status: 200 };
	return issuer;
}

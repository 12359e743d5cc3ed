// Creates a certificate authority for tests, and a certificate of a server or a client that it signed; only node:crypto.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate of a server or a client, and the authority that signed it. */
export type ServerCertificate = {
	/** PEM of the authority that clients must trust. */
	readonly ca: string;
	/**
	 * PEM. A server's has CN localhost and the names localhost, kubernetes.default.svc, store.example, 127.0.0.1 and ::1.
	 */
	readonly cert: string;
	/** PEM (PKCS #8) of its key. */
	readonly key: string;
};

const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
	const body = Buffer.concat(parts);
	const size = body.length;
	const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
	return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes);
const octets = (body: Buffer): Buffer => tlv(0x04, body);
const bits = (body: Buffer): Buffer => tlv(0x03, Buffer.from([0]), body);
const truth = Buffer.from([0x01, 0x01, 0xff]);

const oid = (dotted: string): Buffer => {
	const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const groups = [arc & 0x7f];
		for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
		bytes.push(...groups);
	}
	return tlv(0x06, Buffer.from(bytes));
};

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const distinguishedName = (name: string): Buffer =>
	sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(name)))));
const utcTime = (date: Date): Buffer =>
	tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
	sequence(oid(id), ...(critical ? [truth] : []), octets(value));

const pem = (label: string, der: Buffer): string =>
	`-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`;

type Request = {
	subject: string;
	issuer: string;
	publicKey: KeyObject;
	signer: KeyObject;
	extensions: Buffer[];
	from: Date;
	days: number;
};

const issue = (request: Request): string => {
	// A leading 0x01 keeps the serial positive and minimal.
	const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)]);
	const until = new Date(request.from.getTime() + request.days * 86_400_000);
	const body = sequence(
		tlv(0xa0, integer(Buffer.from([2]))),
		integer(serial),
		ecdsaWithSha256,
		distinguishedName(request.issuer),
		sequence(utcTime(request.from), utcTime(until)),
		distinguishedName(request.subject),
		request.publicKey.export({ type: 'spki', format: 'der' }),
		tlv(0xa3, sequence(...request.extensions)),
	);
	const signature = sign('sha256', body, request.signer);
	return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, bits(signature)));
};

type Kind = { readonly subject: string; readonly names: Buffer; readonly usage: string };

const make = (now: Date, { subject, names, usage }: Kind): ServerCertificate => {
	const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const from = new Date(now.getTime() - 86_400_000);
	// Each authority has a name of its own, so that a client that trusts an older one fails by trust, not by chance.
	const issuer = `embedded-ca-${randomBytes(4).toString('hex')}`;
	return {
		ca: issue({
			subject: issuer,
			issuer,
			publicKey: authority.publicKey,
			signer: authority.privateKey,
			from,
			days: 11,
			extensions: [
				extension('2.5.29.19', true, sequence(truth)),
				// keyCertSign and cRLSign
				extension('2.5.29.15', true, Buffer.from([0x03, 0x02, 0x01, 0x06])),
			],
		}),
		cert: issue({
			subject,
			issuer,
			publicKey: server.publicKey,
			signer: authority.privateKey,
			from,
			days: 11,
			extensions: [extension('2.5.29.17', false, names), extension('2.5.29.37', false, sequence(oid(usage)))],
		}),
		key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
	};
};

/** Makes a new authority and a server certificate under it, valid from a day before `now` until ten days after it. */
export const makeServerCertificate = (now: Date): ServerCertificate =>
	make(now, {
		subject: 'localhost',
		usage: '1.3.6.1.5.5.7.3.1',
		names: sequence(
			tlv(0x82, Buffer.from('localhost')),
			tlv(0x82, Buffer.from('kubernetes.default.svc')),
			// Resolves nowhere, so that only a proxy leads there.
			tlv(0x82, Buffer.from('store.example')),
			tlv(0x87, Buffer.from([127, 0, 0, 1])),
			tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
		),
	});

/** The same for a client with these names: those with a colon as URIs, the others as DNS names. */
export const makeClientCertificate = (now: Date, names: readonly string[]): ServerCertificate =>
	make(now, {
		subject: 'client',
		usage: '1.3.6.1.5.5.7.3.2',
		names: sequence(...names.map(name => tlv(name.includes(':') ? 0x86 : 0x82, Buffer.from(name)))),
	});

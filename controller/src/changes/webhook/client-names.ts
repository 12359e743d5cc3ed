// The names in the certificate of a sender, where an authority that the operator chose has signed it.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** DNS names and URIs, as the certificate spells them; none where there is no certificate that is trusted. */
export function clientNames(socket: Socket): readonly string[] {
	const { authorized, getPeerX509Certificate } = socket as TLSSocket;
	const certificate = authorized ? getPeerX509Certificate.call(socket) : undefined;
	return certificate === undefined ? [] : namesIn(certificate.subjectAltName ?? '');
}

/** Exported for its test. */
export function namesIn(subjectAltName: string): readonly string[] {
	// A quote stands around a name that holds a separator: it could pretend to be two.
	if (subjectAltName.includes('"')) {
		return [];
	}

	return subjectAltName
		.split(', ')
		.flatMap(each => /^(?:DNS|URI):(?<name>.+)$/.exec(each)?.groups?.['name'] ?? []);
}

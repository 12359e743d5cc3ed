// Certificates of the run, made by OpenSSL. Each is its own authority, so a client that trusts it trusts nothing else.
import { mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { must } from '../cluster/processes.ts';
import { type Environment, PATHS } from '../cluster/workspace.ts';

export type Certificate = {
	readonly certFile: string;
	readonly keyFile: string;
	/** PEM of the certificate: what a client has to trust. */
	readonly cert: string;
	/** PEM (PKCS #8). */
	readonly key: string;
};

/** Makes a certificate for the given host names and addresses; the first is its common name. */
export async function makeCertificate(
	env: Environment,
	file: string,
	hosts: readonly string[],
): Promise<Certificate> {
	mkdirSync(PATHS.tls, { recursive: true });
	const [certFile, keyFile] = [join(PATHS.tls, `${file}.pem`), join(PATHS.tls, `${file}.key`)];
	await must(
		'openssl',
		[
			...[
				'req',
				'-x509',
				'-newkey',
				'ec',
				'-pkeyopt',
				'ec_paramgen_curve:prime256v1',
				'-nodes',
				'-days',
				'2',
			],
			...['-subj', `/CN=${hosts[0]}`, '-addext', `subjectAltName=${alternativeNames(hosts)}`],
			...['-keyout', keyFile, '-out', certFile],
		],
		{ env, log: 'openssl' },
	);
	return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

/** As OpenSSL writes them: addresses are no names. */
export function alternativeNames(hosts: readonly string[]): string {
	return [...new Set(hosts)].map(host => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join();
}

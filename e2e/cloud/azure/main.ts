// Key Vault and Entra as a process of their own, reachable by pods: `node main.ts CERTIFICATE KEY TRUST`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createFront, request as forward } from 'node:https';
import type { AddressInfo } from 'node:net';
import { startKeyVault } from '@jasm/controller/testing';
import { isSigned, type PublicKey } from '../aws/web-identity.ts';

/** Whose tokens Entra takes. */
export type Trust = {
	readonly issuer: string;
	readonly subject: string;
	/** The issuer's published keys. */
	readonly keys: readonly PublicKey[];
};

/** What the run, as the vault's owner, has it do. */
export type KeyVaultOrder =
	| {
			readonly put: string;
			readonly value: string;
			readonly contentType?: string;
			readonly certificate?: boolean;
	  }
	| { readonly enable: string; readonly enabled: boolean };

export type KeyVaultFacts = {
	readonly vaultUrl: string;
	readonly tenantId: string;
	readonly clientId: string;
	/** So far, of all secrets. */
	readonly reads: number;
	/** Tokens that Entra gave out or refused. */
	readonly signIns: number;
};

const [certFile = '', keyFile = '', trust = '{}'] = process.argv.slice(2);
const { issuer, subject, keys } = JSON.parse(trust) as Trust;
const keyVault = await startKeyVault({
	trust: { issuer, subjects: [subject], verify: token => isSigned(token, keys) },
});

// The embedded server serves only the loopback interface; pods reach it through this TLS server.
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
const front = createFront(tls, (incoming, response) => {
	const { method, headers, url = '/' } = incoming;
	const outgoing = forward(new URL(url, keyVault.url), { method, headers, ca: keyVault.ca }, answer => {
		response.writeHead(answer.statusCode ?? 502, answer.headers);
		answer.pipe(response);
	});
	outgoing.on('error', () => response.destroy());
	incoming.pipe(outgoing);
});

const control = createServer(async (request, response) => {
	let body = '';
	for await (const chunk of request.setEncoding('utf8')) body += chunk;
	if (request.method === 'PUT') {
		const order = JSON.parse(body) as KeyVaultOrder;
		if ('put' in order) {
			const { put, value, ...options } = order;
			keyVault.put(put, value, options);
		} else {
			keyVault.setEnabled(order.enable, order.enabled);
		}
		return response.end();
	}
	const { vaultUrl, tenantId, clientId } = keyVault;
	const counts = { reads: keyVault.count('GetSecret'), signIns: keyVault.count('RequestToken') };
	const facts: KeyVaultFacts = { vaultUrl, tenantId, clientId, ...counts };
	response.end(JSON.stringify(facts));
});

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
front.listen(0, '0.0.0.0', () => {
	control.listen(0, '127.0.0.1', () => {
		process.stdout.write(`ports ${portOf(front)} ${portOf(control)}\n`);
	});
});

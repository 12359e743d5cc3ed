// Single requests to the API server with a given token, such as an attacker who has the token could send.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Cluster } from '../cluster/cluster.ts';

export type RawRequest = {
	readonly method: string;
	readonly path: string;
	readonly body?: unknown;
	/** Of the body; default: application/json. */
	readonly type?: string;
	readonly accept?: string;
	readonly headers?: Readonly<Record<string, string>>;
};

export type RawAnswer = { readonly status: number; readonly body: string };

/** Sends one request as the owner of the token. A watch is cut off after a second. */
export function send(cluster: Cluster, token: string, raw: RawRequest): Promise<RawAnswer> {
	const target = cluster.config.getCurrentCluster();
	const options = {
		method: raw.method,
		ca:
			target?.caData === undefined
				? readFileSync(target?.caFile ?? '')
				: Buffer.from(target.caData, 'base64'),
		headers: {
			authorization: `Bearer ${token}`,
			accept: raw.accept ?? 'application/json',
			...(raw.body === undefined ? {} : { 'content-type': raw.type ?? 'application/json' }),
			...raw.headers,
		},
	};
	return new Promise((resolve, reject) => {
		const outgoing = request(`${target?.server}${raw.path}`, options, response => {
			let body = '';
			const end = () => resolve({ status: response.statusCode ?? 0, body });
			const timer = setTimeout(() => {
				end();
				outgoing.destroy();
			}, 1000);
			response
				.setEncoding('latin1')
				.on('data', (text: string) => {
					body += text;
				})
				.on('end', () => {
					clearTimeout(timer);
					end();
				})
				.on('error', () => {});
		});
		outgoing.on('error', reject);
		outgoing.end(
			typeof raw.body === 'string' ? raw.body : raw.body === undefined ? undefined : JSON.stringify(raw.body),
		);
	});
}

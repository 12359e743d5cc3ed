// A stage whose controllers listen for change notices, and a sender that posts to them.
import { randomBytes, randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Teardown } from './file-teardown.ts';
import type { LogSink } from './log-sink.ts';
import {
	annotation,
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
	type TestEnvironmentOptions,
} from './test-environment.ts';

export type WebhookEnvironmentOptions = TestEnvironmentOptions & {
	/** Replaces fields of the source. */
	readonly source?: (stage: { readonly file: (content: string) => string }) => object;
};

export type WebhookEnvironment = {
	readonly environment: TestEnvironment;
	/** What the senders of this stage show. */
	readonly token: string;
	readonly tokenFile: string;
	/** The source, for a controller that is started with other fields of it. */
	readonly source: object;
	/** A pod with a Secret that holds `password: first`; its namespace. */
	served(): Promise<string>;
	/** The number of reads of a secret's value. */
	reads(name: string): number;
};

export const newToken = () => randomBytes(24).toString('base64url');

export async function startWebhookEnvironment(
	t: Teardown,
	{ source = () => ({}), ...options }: WebhookEnvironmentOptions = {},
): Promise<WebhookEnvironment> {
	const changes: { sources: object[] } = { sources: [] };
	const environment = await startEnvironment(t, { ...options, config: { changes, ...options.config } });
	const token = newToken();
	const tokenFile = environment.file(`${token}\n`);
	const fields = {
		kind: 'webhook',
		address: '127.0.0.1:0',
		providers: [PROVIDER],
		allowInsecure: true,
		bearerFiles: [tokenFile],
		...source({ file: content => environment.file(content) }),
	};
	changes.sources.push(fields);
	return {
		environment,
		token,
		tokenFile,
		source: fields,
		reads: name => environment.secretsManager.count('GetSecretValue', name),
		async served() {
			environment.secretsManager.put('/prod/db', { password: 'first' });
			const team = await environment.namespace('team');
			await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
			await environment.event(team, 'web', 'SecretSyncSuccess');
			if (options.virtualTime) {
				// From here on no read is too soon after another.
				await environment.clock.advance(10_000);
			}

			return team;
		},
	};
}

/** The port at which a controller listens for notices. */
export async function webhookPort({ log }: { readonly log: LogSink }): Promise<number> {
	return (await log.waitFor({ message: 'listening for change notices' }))['port'] as number;
}

export type Post = {
	readonly port: number;
	readonly token?: string | undefined;
	readonly method?: string;
	readonly path?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: unknown;
	/** PEM of the authority of the listener: then TLS is used. */
	readonly ca?: string;
	/** PEM of a certificate of the sender, with its key. */
	readonly client?: { readonly cert: string; readonly key: string };
	/** Does not say how long the body is. */
	readonly chunked?: boolean;
	/** Sends the headers and a part of the body only. */
	readonly unfinished?: boolean;
};

export type Reply = {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly text: string;
};

/** A notice that names provider and path, as a CloudEvent. */
export const changed = (path: string, data: object = {}, fields: object = {}) => ({
	specversion: '1.0',
	type: 'io.codnod.jasm.secret.changed.v1',
	source: '/a-pipeline',
	id: randomUUID(),
	data: { provider: PROVIDER, path, ...data },
	...fields,
});

export function post(options: Post): Promise<Reply> {
	const { port, token, method = 'POST', path = '/v1/changes', headers, body, ca, client } = options;
	const { promise, resolve, reject } = Promise.withResolvers<Reply>();
	const text = typeof body === 'string' ? body : JSON.stringify(body ?? changed('/prod/db'));
	const send = ca === undefined ? httpRequest : httpsRequest;
	const outgoing = send({
		host: '127.0.0.1',
		port,
		method,
		path,
		agent: false,
		...(ca !== undefined && { ca, servername: 'localhost', cert: client?.cert, key: client?.key }),
		headers: {
			'content-type': 'application/cloudevents+json',
			...(method === 'POST' &&
				!options.chunked && { 'content-length': Buffer.byteLength(text) + (options.unfinished ? 1 : 0) }),
			...(token !== undefined && { authorization: `Bearer ${token}` }),
			...headers,
		},
	});
	outgoing.on('error', reject);
	outgoing.on('response', async response => {
		const chunks: Buffer[] = await response.toArray();
		const { statusCode: status = 0, headers } = response;
		resolve({ status, headers, text: Buffer.concat(chunks).toString() });
		outgoing.destroy();
	});
	outgoing.write(method === 'POST' ? text : '');
	if (!options.unfinished) {
		outgoing.end();
	}

	return promise;
}

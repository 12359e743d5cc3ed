// The wire client of the contract suite: plain HTTP/1.1 requests and watch streams against any API server.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { load } from 'js-yaml';

export type Json = { readonly [key: string]: Json | undefined } & {
	// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, not typed
	readonly [key: string]: any;
};

export type Answer = {
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	readonly text: string;
	/** The parsed body, `{}` where it is no JSON. */
	readonly body: Json;
};

export type SendOptions = {
	readonly body?: unknown;
	readonly accept?: string;
	readonly contentType?: string;
	/** A bearer token in place of the kubeconfig's credentials. */
	readonly token?: string;
	readonly userAgent?: string;
};

export const metadataAccept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
export const metadataListAccept =
	'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

type Credentials = { readonly token?: string; readonly cert?: Buffer; readonly key?: Buffer };

/** A field of a kubeconfig that is either inline (`<name>-data`, base64) or a file. */
const credential = (from: Json, name: string): Buffer | undefined => {
	const inline: unknown = from[`${name}-data`];
	const file: unknown = from[name];
	if (typeof inline === 'string') return Buffer.from(inline, 'base64');
	return typeof file === 'string' ? readFileSync(file) : undefined;
};

/** An open watch, read event by event. */
export class WatchStream {
	readonly #response: IncomingMessage;
	readonly #chunks: AsyncIterator<string>;
	#text = '';

	constructor(response: IncomingMessage) {
		this.#response = response;
		response.on('error', () => {});
		response.setEncoding('utf8');
		this.#chunks = response[Symbol.asyncIterator]();
	}

	/** The next line as it came; what is left of one, then `undefined`, at the end, however the stream ended. */
	async line(): Promise<string | undefined> {
		for (;;) {
			const end = this.#text.indexOf('\n');
			if (end >= 0) {
				const line = this.#text.slice(0, end);
				this.#text = this.#text.slice(end + 1);
				return line;
			}
			const chunk = await this.#chunks.next().catch(() => ({ done: true, value: undefined }));
			if (chunk.done || chunk.value === undefined) break;
			this.#text += chunk.value;
		}
		const rest = this.#text;
		this.#text = '';
		return rest === '' ? undefined : rest;
	}

	/** The next event. Throws where the stream ends before. */
	async next(): Promise<Json> {
		const line = await this.line();
		if (line === undefined) throw new Error('the watch ended');
		return JSON.parse(line) as Json;
	}

	/** The next `count` events as `TYPE name`, without bookmarks: these may come at any time. */
	async take(count: number): Promise<string[]> {
		const out: string[] = [];
		while (out.length < count) {
			const event = await this.next();
			if (event['type'] === 'BOOKMARK') continue;
			out.push(`${event['type']} ${event['object'].metadata.name}`);
		}
		return out;
	}

	close(): void {
		this.#response.destroy();
	}
}

/** Talks to the cluster of a kubeconfig. */
export class ContractClient {
	readonly #base: URL;
	readonly #ca: Buffer | undefined;
	readonly #credentials: Credentials;
	readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
	readonly #watches = new Set<WatchStream>();

	/** `kubeconfig` is its text; its current context counts. */
	constructor(kubeconfig: string) {
		const config = load(kubeconfig) as Json;
		const named = (list: string, name: string): Json =>
			config[list].find((entry: Json) => entry['name'] === name);
		const { context } = named('contexts', config['current-context']);
		const { cluster } = named('clusters', context.cluster);
		const { user } = named('users', context.user);
		this.#base = new URL(cluster.server);
		this.#ca = credential(cluster, 'certificate-authority');
		const cert = credential(user, 'client-certificate');
		const key = credential(user, 'client-key');
		this.#credentials = { token: user.token, ...(cert && key ? { cert, key } : {}) };
	}

	#open(method: string, path: string, options: SendOptions, agent: Agent | false): Promise<IncomingMessage> {
		const { body, token } = options;
		const own = token === undefined ? this.#credentials : { token };
		const bearer =
			own.token === undefined || own.token === '' ? {} : { authorization: `Bearer ${own.token}` };
		const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
		const request: RequestOptions = {
			host: this.#base.hostname,
			port: this.#base.port,
			method,
			path,
			agent,
			ca: this.#ca,
			...('cert' in own ? { cert: own.cert, key: own.key } : {}),
			headers: {
				...bearer,
				accept: options.accept ?? 'application/json',
				'user-agent': options.userAgent ?? 'contract/1',
				...(text === undefined
					? {}
					: {
							'content-type': options.contentType ?? 'application/json',
							'content-length': Buffer.byteLength(text),
						}),
			},
		};
		return new Promise((resolve, reject) => {
			httpsRequest(request, resolve).on('error', reject).end(text);
		});
	}

	/** One request; never throws for a status. */
	async send(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
		// Another identity needs another connection where the kubeconfig's is a client certificate.
		const agent = options.token === undefined ? this.#agent : false;
		const response = await this.#open(method, path, options, agent);
		const chunks: Buffer[] = [];
		for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const isJson = response.headers['content-type']?.startsWith('application/json') && text !== '';
		return {
			status: response.statusCode ?? 0,
			headers: response.headers,
			text,
			body: isJson ? (JSON.parse(text) as Json) : {},
		};
	}

	/** One request that must succeed: throws with the answer where it does not. */
	async must(method: string, path: string, options: SendOptions = {}): Promise<Json> {
		const answer = await this.send(method, path, options);
		if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
		return answer.body;
	}

	/** Opens a watch; `path` has no `watch` parameter yet. Throws where the answer is not 200. */
	async watch(path: string, query = '', options: SendOptions = {}): Promise<WatchStream> {
		const url = `${path}?watch=1${query === '' ? '' : `&${query}`}`;
		const response = await this.#open('GET', url, options, false);
		if (response.statusCode !== 200) {
			response.resume();
			throw new Error(`GET ${url}: ${response.statusCode}`);
		}
		const watch = new WatchStream(response);
		this.#watches.add(watch);
		return watch;
	}

	/** Repeats a request until its answer is as wanted: for what a real cluster does a moment later, and no watch tells. */
	async until(
		wanted: (answer: Answer) => boolean,
		method: string,
		path: string,
		options: SendOptions = {},
	): Promise<Answer> {
		const deadline = performance.now() + 45_000;
		for (;;) {
			const answer = await this.send(method, path, options);
			if (wanted(answer)) return answer;
			if (performance.now() > deadline)
				throw new Error(`${method} ${path}: still ${answer.status} ${answer.text}`);
			await new Promise(resolve => setTimeout(resolve, 20));
		}
	}

	/** Ends every connection, open watches included. */
	close(): void {
		for (const watch of this.#watches) watch.close();
		this.#agent.destroy();
	}
}

/** A name that no other run uses: `contract-<word>-<random>`. */
export const uniqueName = (word: string): string => `contract-${word}-${randomBytes(4).toString('hex')}`;

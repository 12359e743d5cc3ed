// One request and its answer over HTTP/1.1 or HTTP/2, with the places where faults bite.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { User } from '../auth/tokens.ts';
import { type StatusBody, StatusError } from '../objects/status.ts';
import { goJson } from './encode.ts';
import type { RequestInfo } from './request-info.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';

const bodyLimit = 3 * 1024 * 1024;

/** The answer side never throws: a client that went away is not the server's fault. */
export class Exchange {
	readonly info: RequestInfo;
	readonly entry: LoggedRequest;
	readonly request: IncomingMessage;
	user: User = { username: '', groups: [] };
	/** Pretty-printed JSON, for answers that are not streams. */
	pretty = false;
	/** The connection is destroyed once this many bytes of the body were sent. */
	cutAfterBytes = Number.POSITIVE_INFINITY;
	/** The request is carried out, but its connection is destroyed instead of answered. */
	dropAnswer = false;
	readonly #response: ServerResponse;
	readonly #log: RequestLog;
	#sent = 0;
	#warnings: string[] = [];

	constructor(
		request: IncomingMessage,
		response: ServerResponse,
		context: { info: RequestInfo; entry: LoggedRequest; log: RequestLog },
	) {
		this.request = request;
		this.info = context.info;
		this.entry = context.entry;
		this.#response = response;
		this.#log = context.log;
		response.on('error', () => {});
		response.on('close', () => {
			this.entry.closed = true;
			this.#log.changed();
		});
	}

	get closed(): boolean {
		return this.entry.closed;
	}

	/** Calls back when the answer is over, from either side. */
	onClose(callback: () => void): void {
		this.#response.on('close', callback);
	}

	onDrain(callback: () => void): void {
		this.#response.on('drain', callback);
	}

	warn(text: string): void {
		this.#warnings.push(`299 - ${JSON.stringify(text)}`);
	}

	/** Reads the body. Throws the 413 of a body over 3 MiB. */
	async body(): Promise<Buffer> {
		const chunks: Buffer[] = [];
		let size = 0;
		for await (const chunk of this.request as AsyncIterable<Buffer>) {
			size += chunk.length;
			// The rest is read and thrown away, so that the client hears the answer.
			if (size <= bodyLimit) chunks.push(chunk);
		}
		if (size > bodyLimit) {
			const message = `Request entity too large: limit is ${bodyLimit}`;
			throw new StatusError(413, 'RequestEntityTooLarge', message);
		}
		return Buffer.concat(chunks);
	}

	#head(status: number, headers: Record<string, string | number | string[]>): boolean {
		if (this.closed) return false;
		if (this.dropAnswer) {
			this.destroyConnection();
			return false;
		}
		this.entry.status = status;
		this.entry.answeredAt = performance.now();
		this.#log.changed();
		const warnings = this.#warnings.length > 0 ? { warning: this.#warnings } : {};
		this.#response.writeHead(status, {
			'cache-control': 'no-cache, private',
			...warnings,
			...headers,
		} as OutgoingHttpHeaders);
		return true;
	}

	/** Answers a complete body of JSON (already encoded) or of another `content-type`. */
	send(status: number, body: Buffer | string, headers: Record<string, string> = {}): void {
		let bytes = typeof body === 'string' ? Buffer.from(body) : body;
		if (this.pretty && headers['content-type'] === undefined) {
			bytes = Buffer.from(`${goJson(JSON.parse(bytes.toString()), 2)}\n`);
		}
		// As on the real server, only small answers announce their length.
		const length = bytes.length < 128 * 1024 ? { 'content-length': bytes.length } : {};
		if (!this.#head(status, { 'content-type': 'application/json', ...length, ...headers })) return;
		if (bytes.length > this.cutAfterBytes) this.write(bytes);
		else this.#response.end(this.request.method === 'HEAD' ? undefined : bytes);
	}

	sendJson(status: number, value: unknown, headers: Record<string, string> = {}): void {
		this.send(status, `${goJson(value)}\n`, headers);
	}

	sendStatus(status: StatusBody): void {
		const seconds = status.details?.retryAfterSeconds;
		this.sendJson(
			status.code ?? 200,
			status,
			seconds === undefined ? {} : { 'retry-after': String(seconds) },
		);
	}

	/** Starts a watch stream. */
	startStream(): void {
		if (this.#head(200, { 'content-type': 'application/json' }) && 'flushHeaders' in this.#response) {
			this.#response.flushHeaders();
		}
	}

	/** Sends a part of the body; false asks to wait for a drain. Destroys the connection where a cut is due. */
	write(bytes: Buffer): boolean {
		if (this.closed) return false;
		// Negative once the cut has happened.
		const left = this.cutAfterBytes - this.#sent;
		this.#sent += bytes.length;
		if (bytes.length < left) return this.#response.write(bytes);
		if (left >= 0) this.#response.write(bytes.subarray(0, left), () => this.destroyConnection());
		return false;
	}

	/** Resets the connection once this many further bytes were sent. */
	cutWithin(bytes: number): void {
		this.cutAfterBytes = this.#sent + bytes;
	}

	end(): void {
		if (!this.closed) this.#response.end();
	}

	/** Resets the connection under this exchange, and every other exchange on it. */
	destroyConnection(): void {
		const { stream } = this.request as unknown as Http2ServerRequest;
		if (this.request.httpVersion === '2.0') stream.session?.destroy();
		else this.request.socket.destroy();
	}
}

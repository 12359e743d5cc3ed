// One HTTP/2 connection that notices when its peer is gone: PING when nothing was heard, GOAWAY drains.
import {
	type ClientHttp2Session,
	type ClientHttp2Stream,
	constants,
	connect as http2Connect,
	type IncomingHttpHeaders,
	type IncomingHttpStatusHeader,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../runtime/clock.ts';
import {
	type Connection,
	ConnectionLostError,
	MAX_RESPONSE,
	sendBody,
	type WireRequest,
	type WireResponse,
} from './connection.ts';

const READ_IDLE_MS = 15_000;
const PING_MS = 5_000;
/**
 * The same while an answer is due. Node does not always tell of a connection that is reset under a write: without
 * this what is in flight would hang until its deadline.
 */
const AWAITED_IDLE_MS = 2_000;
const AWAITED_PING_MS = 2_000;
/** Bodies that are being sent count; beyond it answers are refused. Room for one of 1 MiB in every stream. */
const SESSION_MEGABYTES = 256;

export type Http2ConnectionOptions = {
	/** Connected, with h2 agreed. */
	readonly socket: TLSSocket;
	readonly authority: string;
	readonly clock: Clock;
};

export class Http2Connection implements Connection {
	readonly #pool: ClientHttp2Session;
	readonly #clock: Clock;
	#heardAt: number;
	#idleTimer: Timer;
	#pinging = false;
	#inFlight = 0;
	#usable = true;

	constructor({ socket, authority, clock }: Http2ConnectionOptions) {
		this.#clock = clock;
		this.#heardAt = clock.monotonic();
		this.#pool = http2Connect(`https://${authority}`, {
			createConnection: () => socket,
			settings: { enablePush: false },
			maxSessionMemory: SESSION_MEGABYTES,
		});
		this.#pool.on('error', () => this.destroy());
		this.#pool.on('goaway', () => this.retire());
		this.#pool.on('close', () => this.#closed());
		this.#idleTimer = clock.schedule(READ_IDLE_MS, () => this.#checkIdle());
	}

	get usable(): boolean {
		return this.#usable;
	}

	get closed(): boolean {
		return this.#pool.destroyed;
	}

	async request(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
		signal.throwIfAborted();
		let stream: ClientHttp2Stream;
		try {
			const { method, path, headers, body } = request;
			const endStream = body === undefined;
			stream = this.#pool.request({ ...headers, ':method': method, ':path': path }, { endStream });
			if (!endStream) sendBody(stream, body);
		} catch (cause) {
			this.retire();
			throw new ConnectionLostError('the session is closed', { cause });
		}
		if (this.#inFlight++ === 0) this.#expectAnswer();
		try {
			return await this.#answer(stream, signal);
		} finally {
			// A server may answer before it has read the request: the rest of it need not be sent.
			if (!stream.closed) stream.destroy();
			this.#inFlight--;
			if (!this.#usable && this.#inFlight === 0) this.#pool.close();
		}
	}

	#answer(stream: ClientHttp2Stream, signal: AbortSignal): Promise<WireResponse> {
		const { promise, resolve, reject } = Promise.withResolvers<WireResponse>();
		const chunks: Buffer[] = [];
		let size = 0;
		let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | undefined;
		let cause: Error | undefined;
		const onAbort = () => reject(signal.reason);
		signal.addEventListener('abort', onAbort, { once: true });
		let complete = false;
		const answered = () => {
			complete = true;
			resolve({ status: head?.[':status'] ?? 0, headers: flatten(head ?? {}), body: Buffer.concat(chunks) });
		};
		stream.on('response', headers => {
			this.#heard();
			head = headers;
		});
		stream.on('data', (chunk: Buffer) => {
			this.#heard();
			size += chunk.length;
			if (size <= MAX_RESPONSE) chunks.push(chunk);
			else reject(new Error(`the answer is larger than ${MAX_RESPONSE} bytes`));
		});
		stream.on('end', () => {
			if (head !== undefined && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR) answered();
		});
		stream.on('error', error => {
			cause = error;
		});
		stream.on('close', () => {
			if (complete) return;
			// A refusal that came before the reset is an answer all the same.
			if ((head?.[':status'] ?? 0) >= 400) answered();
			else reject(new ConnectionLostError(`the stream was reset (${stream.rstCode})`, { cause }));
		});
		return promise.finally(() => signal.removeEventListener('abort', onAbort));
	}

	retire(): void {
		this.#usable = false;
		if (this.#inFlight === 0) this.#pool.close();
	}

	destroy(): void {
		this.#usable = false;
		if (!this.#pool.destroyed) this.#pool.destroy();
	}

	#closed(): void {
		this.#usable = false;
		this.#idleTimer.cancel();
	}

	#heard(): void {
		this.#heardAt = this.#clock.monotonic();
	}

	/** What was heard before does not count: only now is an answer due. */
	#expectAnswer(): void {
		this.#heard();
		if (this.#pinging) return;
		this.#idleTimer.cancel();
		this.#idleTimer = this.#clock.schedule(AWAITED_IDLE_MS, () => this.#checkIdle());
	}

	/** A half-open connection looks like a quiet one: only an answer to a PING tells them apart. */
	#checkIdle(): void {
		if (this.#pool.destroyed) return;
		const awaited = this.#inFlight > 0;
		const left = this.#heardAt + (awaited ? AWAITED_IDLE_MS : READ_IDLE_MS) - this.#clock.monotonic();
		if (left > 0) {
			this.#idleTimer = this.#clock.schedule(left, () => this.#checkIdle());
			return;
		}
		this.#pinging = true;
		this.#idleTimer = this.#clock.schedule(awaited ? AWAITED_PING_MS : PING_MS, () => {
			// After a stall of our own the answer may be there and not yet read.
			this.#idleTimer = this.#clock.schedule(0, () => this.destroy());
		});
		const sent = this.#pool.ping((error: Error | null) => {
			this.#pinging = false;
			this.#idleTimer.cancel();
			if (error !== null || this.#pool.closed) return;
			this.#heard();
			const idleMs = this.#inFlight > 0 ? AWAITED_IDLE_MS : READ_IDLE_MS;
			this.#idleTimer = this.#clock.schedule(idleMs, () => this.#checkIdle());
		});
		if (!sent) this.destroy();
	}
}

function flatten(head: IncomingHttpHeaders): Record<string, string> {
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(head)) {
		if (!name.startsWith(':') && value !== undefined) headers[name] = String(value);
	}
	return headers;
}

// One connection to the API server for everybody: opened when needed, shared, replaced as it ages or breaks.
import type { Clock } from '../../runtime/clock.ts';
import type { ClusterConfig } from '../auth/cluster-config.ts';
import {
	type Connection,
	DeadlineError,
	endpointOf,
	openSocket,
	type WireRequest,
	type WireResponse,
} from './connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';

export type ConnectionPoolOptions = {
	readonly cluster: ClusterConfig;
	readonly clock: Clock;
	readonly random: () => number;
	/** Requests in flight at once; the API server allows 100 streams per connection. */
	readonly maxInFlight?: number;
	/** Requests that may wait for their turn; one more is refused. */
	readonly maxWaiting?: number;
};

const MAX_AGE_MS = 30 * 60_000;

type Waiter = { readonly start: () => void };

export class ConnectionPool {
	readonly #options: ConnectionPoolOptions;
	readonly #maxInFlight: number;
	readonly #maxWaiting: number;
	readonly #waiting = new Set<Waiter>();
	readonly #closing = new AbortController();
	/** All that are not closed yet: the current one and those that drain. */
	readonly #connections = new Set<Connection>();
	#current: { readonly connection: Connection; readonly retireAt: number } | undefined;
	#opening: Promise<Connection> | undefined;
	#inFlight = 0;

	constructor(options: ConnectionPoolOptions) {
		this.#options = options;
		this.#maxInFlight = options.maxInFlight ?? 64;
		this.#maxWaiting = options.maxWaiting ?? 1024;
	}

	/** Opens the connection ahead of its first request; does nothing when there is one. Never rejects. */
	async connect(): Promise<void> {
		await this.#connection().catch(() => {});
	}

	/**
	 * Rejects with ConnectionLostError (the server may or may not have seen the request), with the signal's
	 * reason, or with the reason why no connection could be opened.
	 */
	async request(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
		await this.#turn(signal);
		try {
			const connection = await abortable(this.#connection(), signal);
			try {
				return await connection.request(request, signal);
			} catch (error) {
				if (error instanceof DeadlineError) connection.retire();
				throw error;
			}
		} finally {
			this.#inFlight--;
			const next = this.#waiting.values().next().value;
			if (next !== undefined) this.#admit(next);
		}
	}

	/** The next request opens a new connection, and reads the credentials again. */
	recycle(): void {
		this.#current?.connection.retire();
		this.#current = undefined;
	}

	/** Closes at once; requests in flight and waiting reject. */
	close(): void {
		this.#closing.abort(new Error('the session is closed'));
		for (const connection of this.#connections) connection.destroy();
		this.#connections.clear();
		this.#current = undefined;
	}

	#turn(signal: AbortSignal): Promise<void> {
		if (signal.aborted) return Promise.reject(signal.reason);
		if (this.#inFlight < this.#maxInFlight) {
			this.#inFlight++;
			return Promise.resolve();
		}
		if (this.#waiting.size >= this.#maxWaiting) {
			return Promise.reject(new Error(`${this.#waiting.size} requests are waiting already`));
		}
		return new Promise((resolve, reject) => {
			const onAbort = () => {
				this.#waiting.delete(waiter);
				reject(signal.reason);
			};
			const waiter = {
				start() {
					signal.removeEventListener('abort', onAbort);
					resolve();
				},
			};
			this.#waiting.add(waiter);
			signal.addEventListener('abort', onAbort, { once: true });
		});
	}

	#admit(waiter: Waiter): void {
		this.#waiting.delete(waiter);
		this.#inFlight++;
		waiter.start();
	}

	#connection(): Promise<Connection> {
		const { clock } = this.#options;
		const current = this.#current;
		if (current?.connection.usable && clock.monotonic() < current.retireAt) {
			return Promise.resolve(current.connection);
		}
		this.recycle();
		this.#opening ??= this.#open().finally(() => {
			this.#opening = undefined;
		});
		return this.#opening;
	}

	async #open(): Promise<Connection> {
		const { cluster, clock, random } = this.#options;
		const { signal } = this.#closing;
		const tls = await abortable(cluster.credentials.tls(), signal);
		const socket = await openSocket(cluster, tls, clock, signal);
		const { authority, options } = endpointOf(cluster, tls);
		let connection: Connection;
		if (socket.alpnProtocol === 'h2') connection = new Http2Connection({ socket, authority, clock });
		else {
			socket.destroy();
			connection = new Http1Connection({ endpoint: options, authority, proxy: cluster.proxy });
		}
		for (const old of this.#connections) if (old.closed) this.#connections.delete(old);
		this.#connections.add(connection);
		this.#current = { connection, retireAt: clock.monotonic() + MAX_AGE_MS * (0.8 + 0.4 * random()) };
		return connection;
	}
}

/** The promise, or the signal's reason as soon as it aborts. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const onAbort = () => reject(signal.reason);
		if (signal.aborted) onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
	});
}

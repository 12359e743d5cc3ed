// Every request that reached the server, for tests to assert on and to wait for.
import type { RequestInfo } from './request-info.ts';

/** One request. `status` appears when the answer starts, `closed` when the answer is complete or the client gone. */
export type LoggedRequest = Omit<RequestInfo, 'query'> & {
	readonly query: Readonly<Record<string, string>>;
	/** Username, `''` where the token was refused. */
	readonly user: string;
	readonly protocol: '1.1' | '2.0';
	/** Number of the TLS connection, counted from 1. */
	readonly connection: number;
	readonly accept: string;
	readonly contentType: string;
	readonly userAgent: string;
	/** Milliseconds of `performance.now()`. */
	readonly receivedAt: number;
	answeredAt?: number;
	status?: number;
	closed: boolean;
};

/** What a request can be recognised by; every field given must hold. Lists mean "one of these". */
export type RequestFields = {
	readonly verb?: string | readonly string[];
	readonly group?: string;
	readonly resource?: string | readonly string[];
	readonly subresource?: string;
	readonly namespace?: string;
	readonly name?: string | readonly string[];
	readonly user?: string;
	readonly path?: string | RegExp;
	readonly protocol?: '1.1' | '2.0';
	readonly status?: number;
};

/** The requests that are meant: by their fields, or by a function. */
export type RequestMatch = RequestFields | ((request: LoggedRequest) => boolean);

/** True where a request has all that a match asks for. */
export const matches = (request: LoggedRequest, match: RequestMatch): boolean => {
	if (typeof match === 'function') return match(request);
	return Object.entries(match).every(([field, wanted]) => {
		const value: unknown = request[field as keyof RequestFields];
		if (wanted instanceof RegExp) return wanted.test(String(value));
		return Array.isArray(wanted) ? wanted.includes(value) : value === wanted;
	});
};

type Waiter = { check(): void };

/** The log; the oldest entries go beyond the limit. */
export class RequestLog {
	readonly #limit: number;
	readonly #waiters = new Set<Waiter>();
	#entries: LoggedRequest[] = [];
	#pending = false;

	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Every request, oldest first. */
	get all(): readonly LoggedRequest[] {
		return this.#entries;
	}

	/** The requests that match, oldest first. */
	filter(match: RequestMatch): LoggedRequest[] {
		return this.#entries.filter(entry => matches(entry, match));
	}

	/** How many requests match. */
	count(match: RequestMatch): number {
		return this.filter(match).length;
	}

	/** Forgets every request so far. */
	clear(): void {
		this.#entries = [];
	}

	/** For the server: adds an entry. */
	add(entry: LoggedRequest): void {
		this.#entries.push(entry);
		if (this.#entries.length > this.#limit * 1.25) this.#entries = this.#entries.slice(-this.#limit);
		this.changed();
	}

	/** For the server: an entry got its status or was closed. */
	changed(): void {
		if (this.#waiters.size === 0 || this.#pending) return;
		this.#pending = true;
		setImmediate(() => {
			this.#pending = false;
			for (const waiter of [...this.#waiters]) waiter.check();
		});
	}

	/**
	 * Resolves with the latest of the `count` first requests that match and were answered (with `received`: that
	 * arrived), those before the call included (see `clear`). Rejects after `timeoutMs` with what did arrive.
	 */
	waitFor(
		match: RequestMatch,
		{
			count = 1,
			received = false,
			timeoutMs = 10_000,
		}: { count?: number; received?: boolean; timeoutMs?: number } = {},
	): Promise<LoggedRequest> {
		return new Promise((resolve, reject) => {
			const waiter: Waiter = {
				check: () => {
					const found = this.#entries.filter(
						entry => (received || entry.status !== undefined) && matches(entry, match),
					);
					const last = found[count - 1];
					if (last === undefined) return;
					this.#waiters.delete(waiter);
					clearTimeout(timer);
					resolve(last);
				},
			};
			const timer = setTimeout(() => {
				this.#waiters.delete(waiter);
				const seen = this.#entries
					.slice(-10)
					.map(({ verb, path, status }) => `${verb} ${path} ${status ?? '…'}`);
				const wanted = typeof match === 'function' ? match.toString() : JSON.stringify(match);
				reject(
					new Error(
						`no ${count} request(s) like ${wanted} in ${timeoutMs} ms; the last were: ${seen.join(', ')}`,
					),
				);
			}, timeoutMs);
			this.#waiters.add(waiter);
			waiter.check();
		});
	}
}
